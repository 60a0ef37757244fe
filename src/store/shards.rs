//! Shards: runs that are parts of one plan, and what is missing to the whole of it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::address::Address;
use super::bucket;
use super::directory::RunDirectory;
use super::error::StoreError;
use super::journal::read_journal;
use super::manifest::{Manifest, Shard};
use super::own_files::{MANIFEST, MANIFEST_AT_FIRST};
use super::record::TrialStatus;

/// The run directories at a path or an address: itself, or, of a folder that is not a run, the shards directly below it.
#[must_use]
pub fn runs_at(path: &Path) -> Vec<PathBuf> {
    let below: Vec<PathBuf> = match Address::of(path) {
        Ok(Some(address)) => bucket::runs_below(&address),
        _ if has_manifest(path) => return vec![path.to_path_buf()],
        _ => {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let folders = entries.map(|entry| entry.path());
            folders.filter(|path| has_manifest(path)).collect()
        }
    };
    let mut shards: Vec<(u64, PathBuf)> = below
        .into_iter()
        .filter_map(|path| Some((RunDirectory::open(&path).ok()?.manifest.shard?.index, path)))
        .collect();
    shards.sort();
    if shards.is_empty() {
        return vec![path.to_path_buf()];
    }
    shards.into_iter().map(|(_, path)| path).collect()
}

/// Whether a run has been begun at a path or an address.
///
/// # Errors
/// [`StoreError`] if a store does not say.
pub fn is_a_run(path: &Path) -> Result<bool, StoreError> {
    match Address::of(path)? {
        Some(address) => bucket::has_run(&address),
        None => Ok(has_manifest(path)),
    }
}

fn has_manifest(folder: &Path) -> bool {
    let mut manifests = [MANIFEST, MANIFEST_AT_FIRST].iter();
    manifests.any(|name| folder.join(name).exists())
}

/// The same paths, with copies on this machine of the runs that are on a store.
///
/// # Errors
/// [`StoreError`] if one of those cannot be copied.
pub fn local_copies(paths: &[PathBuf]) -> Result<Vec<PathBuf>, StoreError> {
    let mut copies = Vec::new();
    for path in paths {
        match Address::of(path)? {
            None => copies.push(path.clone()),
            Some(_) => {
                for run in runs_at(path) {
                    copies.push(RunDirectory::open(&run)?.path);
                }
            }
        }
    }
    Ok(copies)
}

/// Hash of what makes two shards parts of one plan: suites and their content, models, epochs, limit, seed and the number of shards.
fn plan_of(manifest: &Manifest) -> blake3::Hash {
    let suites: Vec<String> = manifest
        .suites
        .iter()
        .map(|s| {
            let part = (&s.filter, s.max_tokens, s.samples);
            format!("{} {} {part:?}", s.name, s.content_hash)
        })
        .collect();
    let models: Vec<&str> = manifest
        .models
        .iter()
        .map(|m| m.identity.spec.as_str())
        .collect();
    let rest = (manifest.epochs, manifest.limit, manifest.seed);
    let count = manifest.shard.map(|s| s.count);
    blake3::hash(format!("{suites:?}{models:?}{rest:?}{count:?}").as_bytes())
}

/// The shards that are not among these runs, a sentence for each plan that lacks some.
#[must_use]
pub fn missing_shards<'a>(manifests: impl IntoIterator<Item = &'a Manifest>) -> Vec<String> {
    let mut plans: BTreeMap<(u64, [u8; 32]), Vec<u64>> = BTreeMap::new();
    for manifest in manifests {
        if let Some(Shard { index, count }) = manifest.shard {
            let plan = (count, *plan_of(manifest).as_bytes());
            plans.entry(plan).or_default().push(index);
        }
    }
    let lacking = plans.into_iter().filter_map(|((count, _), there)| {
        let missing = ranges((1..=count).filter(|index| !there.contains(index)));
        let (word, verb) = if missing.contains(['–', ',']) {
            ("shards", "are")
        } else {
            ("shard", "is")
        };
        let all = format!("{word} {missing} of {count} {verb} missing");
        (!missing.is_empty()).then_some(all)
    });
    lacking.collect()
}

/// Numbers in order as `1–3, 5`.
fn ranges(numbers: impl Iterator<Item = u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let written = runs.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}–{last}"),
    });
    written.collect::<Vec<_>>().join(", ")
}

/// What a shard has of its trials of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardGap {
    /// The shard's directory.
    pub run: PathBuf,
    /// Which shard it is.
    pub shard: Shard,
    /// The model.
    pub model: String,
    /// Trials that it has of the model.
    pub trials: u64,
    /// Those that were never asked.
    pub not_asked: u64,
    /// Those that failed.
    pub failed: u64,
    /// The first of either, in words.
    pub first: String,
}

/// Runs that are the shards of one plan, in order.
#[derive(Debug)]
pub struct Shards {
    runs: Vec<(Shard, RunDirectory)>,
}

impl Shards {
    /// Opens runs that must be shards of one plan, each of them once.
    ///
    /// # Errors
    /// [`StoreError::NotShards`] names the run that is not, and what sets it apart.
    pub fn open(paths: &[PathBuf]) -> Result<Self, StoreError> {
        let mut runs: Vec<(Shard, RunDirectory)> = Vec::new();
        for path in paths.iter().flat_map(|path| runs_at(path)) {
            let run = RunDirectory::open(&path)?;
            let not = |reason: String| StoreError::NotShards {
                path: path.display().to_string(),
                reason,
            };
            let Some(shard) = run.manifest.shard else {
                return Err(not("it is a whole run, not a shard of one".into()));
            };
            if let Some((_, first)) = runs.first()
                && let Some(what) = apart(&first.manifest, &run.manifest)
            {
                let first = first.place();
                let first = first.display();
                return Err(not(format!("{what} than in {first}")));
            }
            if let Some((_, twin)) = runs.iter().find(|(s, _)| s.index == shard.index) {
                let twin = twin.place();
                let twin = twin.display();
                return Err(not(format!(
                    "it is shard {}/{}, and so is {twin}; name one of them",
                    shard.index, shard.count
                )));
            }
            runs.push((shard, run));
        }
        runs.sort_by_key(|(shard, _)| shard.index);
        Ok(Self { runs })
    }

    /// The runs.
    pub fn runs(&self) -> impl Iterator<Item = &RunDirectory> + Clone {
        self.runs.iter().map(|(_, run)| run)
    }

    /// The shards that are not there, in a sentence; none if all are.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        missing_shards(self.runs().map(|run| &run.manifest)).pop()
    }

    /// What is missing within the shards that are there.
    ///
    /// # Errors
    /// [`StoreError`] if a journal cannot be read.
    pub fn gaps(&self) -> Result<Vec<ShardGap>, StoreError> {
        let mut gaps = Vec::new();
        for (shard, run) in &self.runs {
            gaps.extend(gaps_of(*shard, run)?);
        }
        Ok(gaps)
    }
}

/// In words, what a shard's plan has other than the first one's.
fn apart(first: &Manifest, other: &Manifest) -> Option<String> {
    let suites = |m: &Manifest| -> Vec<_> {
        let own = m.suites.iter();
        own.map(|s| (s.name.clone(), s.content_hash.clone()))
            .collect()
    };
    let models = |m: &Manifest| -> Vec<_> {
        let own = m.models.iter();
        own.map(|m| m.identity.spec.clone()).collect()
    };
    // A model that could not be opened has no fingerprint to compare.
    let other_weights = || {
        let pairs = first.models.iter().zip(&other.models);
        pairs
            .map(|(a, b)| (&a.identity, &b.identity))
            .find(|(a, b)| {
                let known = !a.fingerprint.is_empty() && !b.fingerprint.is_empty();
                known && a.fingerprint != b.fingerprint
            })
            .map(|(a, _)| format!("the model {} is another", a.name))
    };
    let count = |m: &Manifest| m.shard.map(|s| s.count);
    if count(first) != count(other) {
        Some("the number of shards is another".into())
    } else if suites(first) != suites(other) {
        Some("the suites are others, or their content is another,".into())
    } else if models(first) != models(other) {
        Some("the models are others".into())
    } else if (first.epochs, first.limit, first.seed) != (other.epochs, other.limit, other.seed) {
        Some("epochs, limit or seed are others".into())
    } else if plan_of(first) != plan_of(other) {
        Some("the questions chosen are others".into())
    } else {
        other_weights()
    }
}

/// How a trial stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    NotAsked,
    Failed,
    Answered,
}

fn gaps_of(shard: Shard, run: &RunDirectory) -> Result<Vec<ShardGap>, StoreError> {
    let Manifest {
        suites,
        epochs,
        models,
        ..
    } = &run.manifest;
    let samples: u64 = suites.iter().map(|s| s.samples as u64).sum();
    let all = samples * u64::from(*epochs);
    // Places are dealt out in turn: the shard's own n-th trial is the plan's trial `index - 1 + n * count`.
    let own = (all + shard.count - shard.index) / shard.count;
    let Ok(own) = usize::try_from(own) else {
        return Ok(Vec::new());
    };
    let mut stand: HashMap<&str, Vec<Stands>> = models
        .iter()
        .map(|m| (m.identity.name.as_str(), vec![Stands::NotAsked; own]))
        .collect();
    if run.journal().exists() {
        for record in read_journal(&run.journal())? {
            let record = record?;
            let place = record.schedule_index / shard.count;
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let trials = stand.get_mut(record.model.as_str());
            if let Some(stands) = trials.and_then(|trials| trials.get_mut(place)) {
                *stands = match record.status {
                    TrialStatus::Error => Stands::Failed,
                    _ => Stands::Answered,
                };
            }
        }
    }
    let gap = |name: &str| {
        let trials = stand.get(name)?;
        let count = |wanted| trials.iter().filter(|s| **s == wanted).count() as u64;
        let first = trials.iter().position(|s| *s != Stands::Answered)? as u64;
        Some(ShardGap {
            run: run.place(),
            shard,
            model: name.to_owned(),
            trials: trials.len() as u64,
            not_asked: count(Stands::NotAsked),
            failed: count(Stands::Failed),
            first: place_in_words(&run.manifest, shard.index - 1 + first * shard.count),
        })
    };
    Ok(models
        .iter()
        .filter_map(|m| gap(&m.identity.name))
        .collect())
}

/// Which question a place in the order of a plan is.
fn place_in_words(manifest: &Manifest, place: u64) -> String {
    let samples: u64 = manifest.suites.iter().map(|s| s.samples as u64).sum();
    let (epoch, mut rest) = (place / samples.max(1), place % samples.max(1));
    let mut name = "";
    for suite in &manifest.suites {
        name = &suite.name;
        match rest.checked_sub(suite.samples as u64) {
            Some(beyond) => rest = beyond,
            None => break,
        }
    }
    let question = format!("question {} of {name} in the order drawn", rest + 1);
    match manifest.epochs {
        1 => question,
        _ => format!("{question}, epoch {epoch}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_shards_are_named_by_their_numbers() {
        let shard = |index| {
            let mut manifest = Manifest::new();
            manifest.shard = Some(Shard { index, count: 9 });
            manifest
        };
        let missing = |there: &[u64]| {
            let manifests: Vec<_> = there.iter().map(|i| shard(*i)).collect();
            missing_shards(&manifests)
        };
        assert!(missing(&[1, 2, 3, 4, 5, 6, 7, 8, 9]).is_empty());
        assert_eq!(
            missing(&[1, 2, 3, 4, 5, 6, 7, 9]),
            ["shard 8 of 9 is missing"]
        );
        assert_eq!(missing(&[2, 6]), ["shards 1, 3–5, 7–9 of 9 are missing"]);
        let mut other = shard(1);
        other.seed = 7;
        assert_eq!(missing_shards(&[other, shard(2)]).len(), 2, "two plans");
    }
}
