//! One or more runs read together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{AnalysisError, Measure};
use crate::store::{
    Filter, Manifest, ModelRecord, Reading, RunDirectory, SCORES, ServerTraffic, StoreError,
    SuiteRecord, TRIALS, Table, TrialRecord, column, missing_shards, runs_at,
};
use crate::suite::TaskGroup;
use crate::text::instead;

/// The tables of runs, and what their manifests say.
pub struct Dataset {
    /// Suites, in the order first met.
    pub suites: Vec<SuiteRecord>,
    /// Models, in the order first met.
    pub models: Vec<ModelRecord>,
    /// The runs' manifests.
    pub manifests: Vec<Manifest>,
    /// Names of all strata.
    pub strata: Vec<String>,
    runs: Vec<Source>,
    /// Whether a trial of one run stays another's though both have its key.
    apart: bool,
}

/// Which models of several runs get their run's directory behind their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renaming {
    /// Those of one name and another identity: the same model's runs are read together.
    OtherIdentity,
    /// Every one of a name that an earlier run has: the runs are compared with each other.
    EveryRun,
}

/// One run of several, and what its models are called beside those of the others.
struct Source {
    directory: RunDirectory,
    renamed: HashMap<String, String>,
}

impl Source {
    /// See [`Dataset::run_hashes`].
    fn hash(&self, manifest: &Manifest) -> Result<String, StoreError> {
        let columns = [column::TRIAL_KEY, column::STATUS, column::ANSWER];
        let reading = Reading {
            columns: &columns,
            filter: &Filter::all(),
            renamed: &self.renamed,
        };
        let mut trials: Vec<[u8; 32]> = Vec::new();
        for part in self.directory.parts(TRIALS, reading)? {
            let part = part?;
            let [keys, statuses, answers] = columns.map(|c| part.texts(c));
            let texts = [keys?, statuses?, answers?];
            trials.extend((0..part.height()).map(|row| {
                let mut hasher = blake3::Hasher::new();
                for text in &texts {
                    let text = text.get(row).unwrap_or_default();
                    hasher.update(&(text.len() as u64).to_le_bytes());
                    hasher.update(text.as_bytes());
                }
                *hasher.finalize().as_bytes()
            }));
        }
        trials.sort_unstable();
        let mut hasher = blake3::Hasher::new();
        hasher.update(manifest.created.to_string().as_bytes());
        for trial in &trials {
            hasher.update(trial);
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

impl Dataset {
    /// What happened on the way to the answers of each server, in all runs.
    #[must_use]
    pub fn traffic(&self) -> BTreeMap<String, ServerTraffic> {
        let mut servers: BTreeMap<String, ServerTraffic> = BTreeMap::new();
        for (server, own) in self.runs.iter().flat_map(|run| run.directory.traffic()) {
            servers.entry(server).or_default().add(&own);
        }
        servers
    }

    /// Opens run directories, or folders of shards. Shards of one plan, and runs of other models on the same suites, are read together; the same
    /// model's name with another identity gets the run's directory behind it.
    ///
    /// # Errors
    /// [`AnalysisError::Mixed`] if two runs asked different contents under one suite name.
    pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Self, AnalysisError> {
        Self::open_as(&by_folder(paths))
    }

    /// Opens run directories to compare them with each other: a model that several of them asked is another in each, with the run's
    /// directory behind its name.
    ///
    /// # Errors
    /// As for [`Dataset::open`].
    pub fn open_apart<P: AsRef<Path>>(paths: &[P]) -> Result<Self, AnalysisError> {
        Self::open_renaming(&by_folder(paths), Renaming::EveryRun)
    }

    /// The runs' directories, each with the new names of its models.
    pub(crate) fn directories(
        &self,
    ) -> impl Iterator<Item = (&RunDirectory, &HashMap<String, String>)> {
        self.runs.iter().map(|run| (&run.directory, &run.renamed))
    }

    /// What names each run's answers, in the runs' order: BLAKE3 over when it began and over its trials (key, status and answer), whatever
    /// the order of rows and the bytes of the tables, so that tables rebuilt from the journal have the same.
    ///
    /// # Errors
    /// [`StoreError`] if a table cannot be read.
    pub fn run_hashes(&self) -> Result<Vec<String>, StoreError> {
        let runs = self.runs.iter().zip(&self.manifests);
        runs.map(|(run, manifest)| run.hash(manifest)).collect()
    }

    /// The shards that are missing to a plan, a sentence for each plan that lacks some.
    #[must_use]
    pub fn missing_shards(&self) -> Vec<String> {
        missing_shards(&self.manifests)
    }

    /// The groups of tasks among the suites, each once.
    #[must_use]
    pub fn groups(&self) -> Vec<&TaskGroup> {
        let mut seen = HashSet::new();
        let all = self.manifests.iter().flat_map(|m| &m.groups);
        all.filter(|group| seen.insert(&group.name)).collect()
    }

    /// A line for each suite of which the runs asked a part: which part, and whether it was the same one; and for each plan of which
    /// shards are missing.
    #[must_use]
    pub fn subsets(&self) -> Vec<String> {
        let missing = self.missing_shards().into_iter();
        let mut lines: Vec<String> = missing
            .map(|missing| {
                format!("Of a divided run, {missing}; their questions are in no figure.")
            })
            .collect();
        for suite in &self.suites {
            let records = self.manifests.iter().flat_map(|m| &m.suites);
            let own = records.filter(|s| s.name == suite.name);
            let mut filters: Vec<String> = own.map(|s| s.filter.to_string()).collect();
            filters.sort();
            filters.dedup();
            match filters.as_slice() {
                [_] if suite.filter.is_everything() => {}
                [one] => lines.push(format!("Only a part of {} was asked: {one}.", suite.name)),
                several => lines.push(format!(
                    "The runs asked different parts of {}: {}. Comparisons use the questions asked by both; each run's figures cover its own part.",
                    suite.name,
                    several.join("; ")
                )),
            }
        }
        lines
    }

    /// The same with a name for each directory, by which models of one name are distinguished.
    ///
    /// # Errors
    /// As for [`Dataset::open`].
    pub fn open_as<P: AsRef<Path>>(named: &[(P, String)]) -> Result<Self, AnalysisError> {
        Self::open_renaming(named, Renaming::OtherIdentity)
    }

    fn open_renaming<P: AsRef<Path>>(
        named: &[(P, String)],
        renaming: Renaming,
    ) -> Result<Self, AnalysisError> {
        let runs: Vec<(RunDirectory, &str)> = named
            .iter()
            .map(|(path, name)| Ok((RunDirectory::open(path.as_ref())?, name.as_str())))
            .collect::<Result<_, StoreError>>()?;
        let strata: BTreeSet<String> = runs
            .iter()
            .flat_map(|(r, _)| &r.manifest.suites)
            .flat_map(|s| s.strata.clone())
            .collect();
        let (mut suites, mut models): (Vec<SuiteRecord>, Vec<ModelRecord>) =
            (Vec::new(), Vec::new());
        let mut sources = Vec::new();
        for (run, place) in runs {
            for suite in &run.manifest.suites {
                match suites.iter_mut().find(|s| s.name == suite.name) {
                    None => suites.push(suite.clone()),
                    Some(known) if known.content_hash == suite.content_hash => {
                        known.samples = known.samples.max(suite.samples);
                    }
                    Some(known) => {
                        return Err(AnalysisError::Mixed(format!(
                            "the runs contain different versions of the suite '{}' (versions {} and {}); answers to different questions are not compared",
                            suite.name, known.version, suite.version
                        )));
                    }
                }
            }
            let mut renamed = HashMap::new();
            for model in &run.manifest.models {
                let mut model = model.clone();
                let taken = models
                    .iter()
                    .find(|m| m.identity.name == model.identity.name);
                let is_other = |m: &ModelRecord| {
                    renaming == Renaming::EveryRun
                        || m.identity.fingerprint != model.identity.fingerprint
                };
                if taken.is_some_and(is_other) {
                    let other = format!("{} ({place})", model.identity.name);
                    renamed.insert(
                        std::mem::replace(&mut model.identity.name, other.clone()),
                        other,
                    );
                    models.push(model);
                } else if taken.is_none() {
                    models.push(model);
                }
            }
            sources.push(Source {
                directory: run,
                renamed,
            });
        }
        if sources.is_empty() {
            return Err(StoreError::NotARun {
                path: "(none)".into(),
                reason: "no run was given".into(),
            }
            .into());
        }
        Ok(Self {
            suites,
            models,
            manifests: sources
                .iter()
                .map(|r| r.directory.manifest.clone())
                .collect(),
            strata: strata.into_iter().collect(),
            runs: sources,
            apart: renaming == Renaming::EveryRun,
        })
    }

    /// Every trial with what was asked and answered, run by run, with the scores that count and the model's name among these runs. A trial
    /// that several runs have comes once.
    ///
    /// # Errors
    /// [`StoreError`] if a journal cannot be read, and whatever `take` says.
    pub fn each_record<E: From<StoreError>>(
        &self,
        mut take: impl FnMut(TrialRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut seen = HashSet::new();
        for run in &self.runs {
            let Some(records) = run.directory.records()? else {
                return Err(StoreError::NotARun {
                    path: run.directory.path.display().to_string(),
                    reason: "it has no journal.jsonl, which holds what was asked and answered"
                        .into(),
                }
                .into());
            };
            for record in records {
                let mut record = record?;
                if let Some(name) = run.renamed.get(&record.model) {
                    record.model.clone_from(name);
                }
                if self.runs.len() == 1 || seen.insert(record.trial) {
                    take(record)?;
                }
            }
        }
        Ok(())
    }

    /// Columns of the trials that a filter keeps, one trial per row.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn trials(&self, columns: &[&str], filter: &Filter<'_>) -> Result<Table, AnalysisError> {
        self.together(TRIALS, columns, filter)
    }

    /// Columns of the scores that a filter keeps, one score per row.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn scores(&self, columns: &[&str], filter: &Filter<'_>) -> Result<Table, AnalysisError> {
        self.together(SCORES, columns, filter)
    }

    fn together(
        &self,
        table: &str,
        columns: &[&str],
        filter: &Filter<'_>,
    ) -> Result<Table, AnalysisError> {
        let mut all = Table::default();
        self.each(table, columns, filter, |part| Ok(all.append(part)?))?;
        all.rechunk();
        Ok(all)
    }

    /// The same a part at a time, for tables that would fill the memory. Runs that overlap (a run and its copy that continued
    /// elsewhere) count a row of one key once.
    pub(super) fn each(
        &self,
        table: &str,
        columns: &[&str],
        filter: &Filter<'_>,
        mut take: impl FnMut(&Table) -> Result<(), AnalysisError>,
    ) -> Result<(), AnalysisError> {
        let several = self.runs.len() > 1 && !self.apart;
        let key: &[&str] = match table {
            _ if !several => &[],
            TRIALS => &[column::TRIAL_KEY],
            _ => &[column::TRIAL_KEY, column::SCORER, column::METRIC],
        };
        let mut wanted = columns.to_vec();
        wanted.extend(key.iter().filter(|k| !columns.contains(k)));
        let mut seen = HashSet::new();
        for (number, run) in self.runs.iter().enumerate() {
            let reading = Reading {
                columns: &wanted,
                filter,
                renamed: &run.renamed,
            };
            for part in run.directory.parts(table, reading)? {
                let part = if self.apart {
                    let own = |key: &str| key_of_run(number, key);
                    part?.with_texts(column::TRIAL_KEY, own)?
                } else {
                    part?
                };
                if !several {
                    take(&part)?;
                    continue;
                }
                let keys = key
                    .iter()
                    .map(|k| part.texts(k))
                    .collect::<Result<Vec<_>, _>>()?;
                // Digests in place of the texts: nothing is kept of a row but 32 bytes.
                let mut is_new = |row| {
                    let mut digest = blake3::Hasher::new();
                    for key in &keys {
                        digest.update(key.get(row).unwrap_or_default().as_bytes());
                        digest.update(&[0]);
                    }
                    seen.insert(digest.finalize())
                };
                let first: Vec<bool> = (0..part.height()).map(&mut is_new).collect();
                take(&part.filter_rows(|row| first[row])?.select(columns)?)?;
            }
        }
        Ok(())
    }

    /// Bytes that columns of the trials hold before compression.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn trial_bytes(&self, columns: &[String]) -> Result<u64, AnalysisError> {
        self.bytes(TRIALS, columns)
    }

    /// Bytes that columns of a table hold before compression.
    fn bytes(&self, table: &str, columns: &[String]) -> Result<u64, AnalysisError> {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut bytes = 0;
        for run in &self.runs {
            let reading = Reading {
                columns: &columns,
                filter: &Filter::all(),
                renamed: &run.renamed,
            };
            bytes += run.directory.parts(table, reading)?.bytes();
        }
        Ok(bytes)
    }

    /// The model that others are compared with: the one named. Where none is, the first of two, since only the sign depends on it; of more
    /// models none, since the order they were asked in says nothing about them.
    ///
    /// # Errors
    /// As for [`Dataset::model`].
    pub fn baseline(&self, named: Option<&str>) -> Result<Option<&str>, AnalysisError> {
        match (named, self.models.as_slice()) {
            (Some(name), _) => self.model(name).map(Some),
            (None, [first, _]) => Ok(Some(&first.identity.name)),
            (None, _) => Ok(None),
        }
    }

    /// The model whose weights a platform is compared with: the one named, or the only one that ran in candor's own process.
    ///
    /// # Errors
    /// As for [`Dataset::model`].
    pub fn weights(&self, named: Option<&str>) -> Result<Option<&str>, AnalysisError> {
        if let Some(name) = named {
            return self.model(name).map(Some);
        }
        let mut embedded = self.models.iter().filter(|m| m.is_embedded());
        let only = embedded.next().filter(|_| embedded.next().is_none());
        Ok(only.map(|m| m.identity.name.as_str()))
    }

    /// The model of that name; what is behind its last slash or colon is enough where it names one model only.
    ///
    /// # Errors
    /// [`AnalysisError::UnknownModel`] lists the models.
    pub fn model(&self, name: &str) -> Result<&str, AnalysisError> {
        named_model(self.names(), name)
    }

    /// The suites that tell what was withheld.
    #[must_use]
    pub fn audits(&self) -> Vec<&str> {
        let audits = self.suites.iter().filter(|s| s.tells_what_is_withheld());
        audits.map(|s| s.name.as_str()).collect()
    }

    /// What differences on a suite are of.
    #[must_use]
    pub fn measure(&self, suite: &str) -> Measure {
        if self.audits().contains(&suite) {
            Measure::Withheld
        } else {
            Measure::Score
        }
    }

    /// The models' names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.models.iter().map(|m| m.identity.name.as_str())
    }
}

/// A trial's key where runs are apart: what is the same trial in two runs is two.
fn key_of_run(run: usize, key: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(run as u64).to_le_bytes());
    hasher.update(key.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Run directories, each with its folder's name.
fn by_folder<P: AsRef<Path>>(paths: &[P]) -> Vec<(PathBuf, String)> {
    let runs = paths.iter().flat_map(|path| runs_at(path.as_ref()));
    let named = runs.map(|path| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        (path, name.unwrap_or_else(|| "other".into()))
    });
    named.collect()
}

/// The one of some models that a name means; what is behind its last slash or colon is enough where it names one model only.
///
/// # Errors
/// [`AnalysisError::UnknownModel`] lists the models.
pub fn named_model<'a>(
    models: impl Iterator<Item = &'a str> + Clone,
    name: &str,
) -> Result<&'a str, AnalysisError> {
    let short = |m: &&str| {
        m.rsplit_once(['/', ':'])
            .is_some_and(|(_, short)| short == name)
    };
    let mut shorts = models.clone().filter(short);
    models
        .clone()
        .find(|m| *m == name)
        .or_else(|| shorts.next().filter(|_| shorts.next().is_none()))
        .ok_or_else(|| AnalysisError::UnknownModel {
            name: name.into(),
            known: instead(name, "its models", models),
        })
}
