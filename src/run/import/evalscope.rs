//! evalscope: `predictions/MODEL/BENCHMARK_SUBSET.jsonl` and `reviews/MODEL/BENCHMARK_SUBSET.jsonl` of an output folder.
//!
//! A review holds the scores of the prediction with the same index. Suite = the benchmark (by the reports beside them, else the file's name), stratum
//! `subset`; sample = the review's group, else its index; epoch = its generation. A review that evalscope itself calls not usable has no verdict.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::lines::each_row;
use super::output::{answer, before_the_answer};
use super::recordings::{About, Recorded, Recordings, recorded_answer, recorded_failure};
use super::sight::{Holds, Sight, files_below};
use super::values::{any_text, chat, field, number, text_of, texts};
use super::{ImportError, Imported, Options, input};
use crate::model::Prompt;
use crate::score::{NOT_SCORED, reported_score};
use crate::store::RunDirectory;

const FORMAT: &str = "evalscope";
const PREDICTIONS: &str = "predictions";
const REVIEWS: &str = "reviews";
const REPORTS: &str = "reports";

/// The states of a score that evalscope lets into its figures.
const USABLE: &[&str] = &["success", "fallback", "degraded"];

pub(super) fn fits(sight: &Sight) -> bool {
    let own = |name: &str| {
        let folders = name.split('/').rev().skip(1);
        name.ends_with(".jsonl")
            && folders
                .into_iter()
                .any(|f| [PREDICTIONS, REVIEWS].contains(&f))
    };
    let rows = matches!(sight.holds, Holds::Rows(_))
        && (sight.has(&["index", "model_output"]) || sight.has(&["index", "sample_score"]));
    rows || sight.holds_file(own)
}

pub(super) fn import(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
) -> Result<(RunDirectory, Imported), ImportError> {
    let mut recordings = Recordings::new(FORMAT, output, options);
    let mut benchmarks = BTreeSet::new();
    let mut parts: BTreeMap<(String, String, String), Part> = BTreeMap::new();
    for path in paths {
        for file in files(path)? {
            let alone = || (path == &file).then(|| Place::alone(&file)).flatten();
            let Some(place) = Place::of(&file).or_else(alone) else {
                continue;
            };
            if place.kind == REPORTS {
                benchmarks.insert(place.stem);
                continue;
            }
            let part = parts
                .entry((place.root, place.model, place.stem))
                .or_default();
            match place.kind {
                PREDICTIONS => part.predictions = Some(file),
                _ => part.reviews = Some(file),
            }
        }
    }
    if parts.is_empty() {
        let path = paths.first().map_or(Path::new(""), PathBuf::as_path);
        let reason = "has no predictions or reviews of evalscope: expected predictions/MODEL/*.jsonl and reviews/MODEL/*.jsonl";
        return Err(input(path, reason));
    }
    for ((_, model, stem), part) in parts {
        let (suite, subset) = benchmark(&benchmarks, &stem);
        let reading = Reading {
            model,
            suite,
            subset,
        };
        reading.read(&mut recordings, &part)?;
    }
    recordings.finish()
}

/// A folder's files; of a file that is named, the other half beside it too.
fn files(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    if path.is_dir() {
        return Ok(files_below(path));
    }
    let real = path.canonicalize();
    let real = real.map_err(|e| input(path, format!("cannot be read: {e}")))?;
    if Place::of(&real).is_none() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = vec![real.clone()];
    if let (Some(place), Some(root)) = (Place::of(&real), real.ancestors().nth(3)) {
        let other = match place.kind {
            PREDICTIONS => REVIEWS,
            _ => PREDICTIONS,
        };
        let beside = root.join(other).join(&place.model);
        let beside = beside.join(format!("{}.jsonl", place.stem));
        found.extend(beside.is_file().then_some(beside));
        found.extend(files_below(&root.join(REPORTS)));
    }
    Ok(found)
}

/// What a file's path tells.
struct Place {
    root: String,
    kind: &'static str,
    model: String,
    stem: String,
}

impl Place {
    fn of(file: &Path) -> Option<Self> {
        let model = file.parent()?;
        let above = model.parent()?;
        let kind = above.file_name()?.to_str()?;
        let kind = [PREDICTIONS, REVIEWS, REPORTS]
            .into_iter()
            .find(|k| *k == kind)?;
        let ending = if kind == REPORTS { "json" } else { "jsonl" };
        let name = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
        (file.extension()? == ending).then_some(())?;
        Some(Self {
            root: above.parent()?.display().to_string(),
            kind,
            model: name(model)?,
            stem: file.file_stem()?.to_string_lossy().into_owned(),
        })
    }
}

impl Place {
    /// A file outside of evalscope's folders: its rows tell what it is, and perhaps the model.
    fn alone(file: &Path) -> Option<Self> {
        let sight = Sight::of(file).ok()?;
        Some(Self {
            root: String::new(),
            kind: if sight.has(&["sample_score"]) {
                REVIEWS
            } else {
                PREDICTIONS
            },
            model: String::new(),
            stem: file.file_stem()?.to_string_lossy().into_owned(),
        })
    }
}

#[derive(Default)]
struct Part {
    predictions: Option<PathBuf>,
    reviews: Option<PathBuf>,
}

/// Benchmark and subset of `BENCHMARK_SUBSET`: by the longest name that a report has, since both may hold the sign between them.
fn benchmark(known: &BTreeSet<String>, stem: &str) -> (String, Option<String>) {
    let parts = known.iter().filter_map(|name| {
        let subset = stem.strip_prefix(name.as_str())?.strip_prefix('_')?;
        Some((name.clone(), Some(subset.to_owned())))
    });
    parts
        .max_by_key(|(name, _)| name.len())
        .unwrap_or_else(|| (stem.to_owned(), None))
}

struct Reading {
    model: String,
    suite: String,
    subset: Option<String>,
}

impl Reading {
    fn read(&self, recordings: &mut Recordings, part: &Part) -> Result<(), ImportError> {
        let mut predictions: HashMap<String, Value> = HashMap::new();
        let mut order = Vec::new();
        if let Some(path) = &part.predictions {
            each_row(recordings, path, |recordings, place, row| {
                let Some(index) = field(&row, "index").and_then(any_text) else {
                    recordings.skip(place, "it has no index");
                    return Ok(());
                };
                // A run that continues appends; the later row counts.
                if predictions.insert(index.clone(), row).is_none() {
                    order.push((place, index));
                }
                Ok(())
            })?;
        }
        recordings.suite(&self.suite, || {
            About::benchmark(format!("evalscope: {}", self.suite), FORMAT)
        });
        let mut reviewed = BTreeSet::new();
        if let Some(path) = &part.reviews {
            each_row(recordings, path, |recordings, place, row| {
                let Some(index) = field(&row, "index").and_then(any_text) else {
                    recordings.skip(place, "it has no index");
                    return Ok(());
                };
                let prediction = predictions.get(&index);
                let trial = self.trial(recordings, &index, prediction, Some(&row));
                reviewed.insert(index);
                recordings.add(place, trial).map(|_| ())
            })?;
        }
        for (place, index) in order {
            if !reviewed.contains(&index) {
                let trial = self.trial(recordings, &index, predictions.get(&index), None);
                recordings.add(place, trial)?;
                recordings.note("predictions without a review are answers without a score");
            }
        }
        Ok(())
    }

    fn trial(
        &self,
        recordings: &Recordings,
        index: &str,
        prediction: Option<&Value>,
        review: Option<&Value>,
    ) -> Recorded {
        let told = prediction.and_then(|p| text_of(p, "model"));
        let model = recordings.model_name(told.as_deref().or(Some(&self.model)));
        let scored = review.and_then(|r| field(r, "sample_score"));
        let group = scored.and_then(|s| field(s, "group_id")).and_then(any_text);
        let sample = group.unwrap_or_else(|| index.to_owned());
        let sample = match &self.subset {
            Some(subset) => format!("{subset}/{sample}"),
            None => sample,
        };
        let messages = prediction
            .and_then(|p| field(p, "messages"))
            .or_else(|| review.and_then(|r| field(r, "messages")));
        let mut trial = Recorded::new(&self.suite, &model, sample, asked(messages));
        let generation = scored.and_then(|s| field(s, "generation_index"));
        let generation = generation.and_then(Value::as_u64);
        trial.epoch = generation.and_then(|g| g.try_into().ok()).unwrap_or(0);
        trial
            .strata
            .extend(self.subset.clone().map(|s| ("subset".to_owned(), s)));
        trial.targets = review
            .and_then(|r| field(r, "target"))
            .map(texts)
            .unwrap_or_default();
        let score = scored.and_then(|s| field(s, "score"));
        let output = prediction.and_then(|p| field(p, "model_output"));
        trial.completion = output.and_then(answer).or_else(|| {
            let said = text_of(score?, "prediction")?;
            Some(recorded_answer(said))
        });
        if let Some(error) = output.and_then(|o| text_of(o, "error")) {
            trial.failure = Some(recorded_failure(error));
        }
        trial.scores = score.map(scores).unwrap_or_default();
        trial
    }
}

/// What was asked: the messages before the answer.
fn asked(messages: Option<&Value>) -> Prompt {
    let messages = messages
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    chat(before_the_answer(messages))
}

fn scores(score: &Value) -> Vec<crate::score::Score> {
    let usable = match text_of(score, "status") {
        Some(status) if !USABLE.contains(&status.as_str()) => Err(status),
        _ => Ok(()),
    };
    let main = text_of(score, "main_score_name");
    let extracted =
        text_of(score, "extracted_prediction").or_else(|| text_of(score, "explanation"));
    let values = field(score, "value").and_then(Value::as_object);
    let mut scores: Vec<_> = values
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let score = reported_score(name, number(value).filter(|_| usable.is_ok()));
            match (score.value, &usable, &extracted) {
                (None, Err(status), _) => score.label(NOT_SCORED).because(status.clone()),
                (None, Ok(()), _) => score.label(NOT_SCORED).because("it is not a number"),
                (Some(_), _, Some(extracted)) => score.because(extracted.clone()),
                _ => score,
            }
        })
        .collect();
    if let (true, Err(status)) = (scores.is_empty(), &usable) {
        let name = main.clone().unwrap_or_else(|| "score".into());
        scores.push(
            reported_score(&name, None)
                .label(NOT_SCORED)
                .because(status.clone()),
        );
    }
    // The main score comes first: it is the suite's headline.
    scores.sort_by_key(|score| main.as_ref() != Some(&score.metric));
    scores
}
