//! lm-evaluation-harness: `samples_TASK_DATE.jsonl`, as `--log_samples` writes them, and `results_DATE.json` beside them.
//!
//! Suite = the task, sample = `doc_id`, model = the results' `model_name`, else the folder's name. A line is one filter's view of a document; all of a
//! document's lines are one trial. Metrics keep their names, with the filter behind a comma where it is not `none`, as candor's own runs of
//! tasks have them. A figure of the whole corpus (perplexity, BLEU) is summed up again from what the samples hold. Of several runs of a task
//! in one folder the latest counts.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::lines::each_row;
use super::recordings::{About, Recorded, Recordings, recorded_answer};
use super::sight::{Holds, Sight, files_below};
use super::values::{any_text, chat, field, json_file, number, text_of, texts};
use super::{ImportError, Imported, Options, input};
use crate::model::{Completion, ContinuationScore, Finish, Prompt};
use crate::score::{NOT_SCORED, Score, corpus_score, reported_score};
use crate::store::RunDirectory;
use crate::text::{excerpt, visible_line};

const FORMAT: &str = "lm-eval";
const SAMPLES: &str = "samples_";
const RESULTS: &str = "results_";
/// The filter whose name is omitted.
const NO_FILTER: &str = "none";
/// Longest filtered answer that is kept with its score, in characters.
const MAX_FILTERED: usize = 4000;

pub(super) fn fits(sight: &Sight) -> bool {
    let own = |name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name);
        name.starts_with(SAMPLES) && name.ends_with(".jsonl")
    };
    let rows = matches!(sight.holds, Holds::Rows(_));
    (rows && sight.has(&["doc_id", "filtered_resps"]))
        || sight.has(&["results", "configs", "versions"])
        || sight.holds_file(own)
}

pub(super) fn import(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
) -> Result<(RunDirectory, Imported), ImportError> {
    let mut recordings = Recordings::new(FORMAT, output, options);
    let mut latest: BTreeMap<(PathBuf, String), Samples> = BTreeMap::new();
    for path in paths {
        for samples in samples(path)? {
            let key = (samples.folder(), samples.task.clone());
            let earlier = match latest.remove(&key) {
                Some(known) if known.date >= samples.date => {
                    latest.insert(key, known);
                    samples
                }
                known => {
                    latest.insert(key, samples);
                    match known {
                        Some(known) => known,
                        None => continue,
                    }
                }
            };
            let place = earlier.path.display().to_string();
            if latest.values().all(|s| s.path != earlier.path) {
                recordings.skip(place, "a later run of the same task is in the same folder");
            }
        }
    }
    for samples in latest.into_values() {
        let results = Results::of(&samples, &mut recordings);
        samples.read(&mut recordings, &results)?;
    }
    recordings.finish()
}

/// A file of samples, by its name.
struct Samples {
    path: PathBuf,
    task: String,
    date: String,
}

impl Samples {
    /// lm-eval parts the name at its first and last `_`.
    fn of(path: PathBuf) -> Self {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let own = stem.strip_prefix(SAMPLES).unwrap_or(&stem);
        let (task, date) = match own.rsplit_once('_') {
            Some((task, date)) if date.starts_with(|c: char| c.is_ascii_digit()) => (task, date),
            _ => (own, ""),
        };
        let (task, date) = (task.to_owned(), date.to_owned());
        Self { path, task, date }
    }

    fn folder(&self) -> PathBuf {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        folder
            .canonicalize()
            .unwrap_or_else(|_| folder.to_path_buf())
    }
}

/// The files of samples in a folder, or the one named; those of the results named.
fn samples(path: &Path) -> Result<Vec<Samples>, ImportError> {
    let named = |file: &PathBuf, start: &str, ending: &str| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(start) && name.ends_with(ending)
    };
    if path.is_dir() {
        let files = files_below(path).into_iter();
        let all: Vec<Samples> = files
            .filter(|file| named(file, SAMPLES, ".jsonl"))
            .map(Samples::of)
            .collect();
        return if all.is_empty() {
            Err(input(
                path,
                "has no samples of lm-eval (samples_TASK_DATE.jsonl); run lm_eval with --log_samples",
            ))
        } else {
            Ok(all)
        };
    }
    if path.extension().is_some_and(|x| x == "json") {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let date = stem.rsplit('_').next().unwrap_or_default().to_owned();
        let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
        let beside = files_below(folder.unwrap_or(Path::new("."))).into_iter();
        let all: Vec<Samples> = beside
            .filter(|file| named(file, SAMPLES, ".jsonl"))
            .map(Samples::of)
            .filter(|samples| samples.date == date)
            .collect();
        return if all.is_empty() {
            Err(input(
                path,
                "holds figures without the samples behind them; run lm_eval with --log_samples",
            ))
        } else {
            Ok(all)
        };
    }
    Ok(vec![Samples::of(path.to_path_buf())])
}

/// What the results of the same run tell.
#[derive(Default)]
struct Results(Value);

impl Results {
    fn of(samples: &Samples, recordings: &mut Recordings) -> Self {
        let folder = samples.folder();
        let ending = format!("_{}.json", samples.date);
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut own: Vec<PathBuf> = entries
            .map(|e| e.path())
            .filter(|p| {
                let name = p.file_name().unwrap_or_default().to_string_lossy();
                name.ends_with(&ending) && !samples.date.is_empty()
            })
            .collect();
        own.sort_by_key(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy();
            !name.starts_with(RESULTS)
        });
        let Some(path) = own.first() else {
            recordings.note(format!(
                "{}: no results next to it; the model is named after its folder",
                samples.path.display()
            ));
            return Self::default();
        };
        match json_file(path) {
            Ok(results) => Self(results),
            Err(e) => {
                recordings.skip(path.display().to_string(), e.to_string());
                Self::default()
            }
        }
    }

    fn of_task<'a>(&'a self, part: &str, task: &str) -> Option<&'a Value> {
        field(field(&self.0, part)?, task)
    }

    /// The task's figures by metric, as its samples name them; those that are better the higher they are come first.
    fn figures(&self, task: &str) -> Vec<(String, f64)> {
        let figures = self.of_task("results", task).and_then(Value::as_object);
        let better = self.of_task("higher_is_better", task);
        let is_lower_better = |name: &str| {
            let bare = name.split(',').next().unwrap_or(name);
            better.and_then(|b| b.get(bare)) == Some(&Value::Bool(false))
        };
        let mut figures: Vec<(String, f64)> = figures
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| {
                let (metric, filter) = name.split_once(',')?;
                let value = number(value).filter(|_| !metric.ends_with("_stderr"))?;
                Some((metric_name(metric, filter), value))
            })
            .collect();
        figures.sort_by_key(|(name, _)| is_lower_better(name));
        figures
    }

    fn date(&self) -> Option<Timestamp> {
        let date = field(&self.0, "date").and_then(number)?;
        #[allow(clippy::cast_possible_truncation)]
        Timestamp::from_second(date as i64).ok()
    }
}

fn metric_name(metric: &str, filter: &str) -> String {
    match filter {
        NO_FILTER => metric.to_owned(),
        filter => format!("{metric},{filter}"),
    }
}

impl Samples {
    fn read(&self, recordings: &mut Recordings, results: &Results) -> Result<(), ImportError> {
        let folder = self.folder();
        let folder = folder.file_name().map(|n| n.to_string_lossy());
        let told = text_of(&results.0, "model_name");
        let model = recordings.model_name(told.as_deref().or(folder.as_deref()));
        let figures = results.figures(&self.task);
        recordings.suite(&self.task, || self.about(results, &figures));
        let mut trials: Vec<(String, Recorded)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        each_row(recordings, &self.path, |recordings, place, row| {
            let Some(id) = field(&row, "doc_id").and_then(any_text) else {
                recordings.skip(place, "it is not a sample of lm-eval: it has no doc_id");
                return Ok(());
            };
            let at = *places.entry(id.clone()).or_insert_with(|| {
                let mut trial = Recorded::new(&self.task, &model, id, prompt(&row));
                trial.targets = field(&row, "target").map(texts).unwrap_or_default();
                trial.completion = answer(&row);
                trial.finished = results.date();
                trials.push((place.clone(), trial));
                trials.len() - 1
            });
            for score in scores(&row) {
                let own = &mut trials[at].1.scores;
                if own.iter().any(|known| known.metric == score.metric) {
                    recordings.skip(place.clone(), "the same document, metric and filter again");
                } else {
                    own.push(score);
                }
            }
            Ok(())
        })?;
        let mut means: BTreeMap<String, (f64, u32)> = BTreeMap::new();
        for (place, trial) in trials {
            for score in &trial.scores {
                if let Some(value) = score.value {
                    let (sum, n) = means.entry(score.metric.clone()).or_default();
                    *sum += value;
                    *n += 1;
                }
            }
            recordings.add(place, trial)?;
        }
        for (metric, told) in figures {
            if let Some((sum, n)) = means.get(&metric) {
                recordings.compare(&self.task, &model, &metric, told, sum / f64::from(*n));
            }
        }
        Ok(())
    }

    fn about(&self, results: &Results, figures: &[(String, f64)]) -> About {
        let config = results.of_task("configs", &self.task);
        let version = results.of_task("versions", &self.task).and_then(any_text);
        let tool = text_of(&results.0, "lm_eval_version");
        let tool = tool.map_or_else(|| FORMAT.to_owned(), |v| format!("lm-eval {v}"));
        let dataset = config.and_then(|c| text_of(c, "dataset_path"));
        let source = dataset.map_or_else(|| tool.clone(), |d| format!("{d}, {tool}"));
        About {
            version: version.unwrap_or_else(|| "unknown".into()),
            headline: figures.first().map(|(name, _)| name.clone()),
            ..About::benchmark(format!("lm-eval: {}", self.task), &visible_line(&source))
        }
    }
}

/// The arguments of each request: `{"gen_args_0": {"arg_0": …}}`, before version 0.4.4 lists.
fn arguments(row: &Value) -> Vec<Vec<&Value>> {
    fn items(value: &Value) -> Vec<&Value> {
        match value {
            Value::Object(all) => all.values().collect(),
            Value::Array(all) => all.iter().collect(),
            _ => Vec::new(),
        }
    }
    let requests = row.get("arguments").map(items).unwrap_or_default();
    requests.into_iter().map(items).collect()
}

/// What was sent: a text, or a chat in JSON.
fn prompt(row: &Value) -> Prompt {
    let all = arguments(row);
    let sent = all.first().and_then(|first| first.first()).copied();
    let sent = match sent {
        // A chat sent to an API is a list with its JSON.
        Some(Value::Array(one)) if one.len() == 1 => one.first(),
        other => other,
    };
    let text = sent.and_then(any_text).unwrap_or_default();
    let messages = match serde_json::from_str(&text) {
        Ok(Value::Array(all)) if !all.is_empty() => all,
        _ => Vec::new(),
    };
    let is_chat = !messages.is_empty() && messages.iter().all(|m| m.get("role").is_some());
    if is_chat {
        return chat(&messages);
    }
    Prompt::Text(text)
}

/// What was answered: words, or the log-likelihood of each continuation.
fn answer(row: &Value) -> Option<Completion> {
    let arguments = arguments(row);
    let is_generation = arguments
        .first()
        .and_then(|first| first.get(1))
        .is_some_and(|second| second.is_object());
    let responses = row.get("resps")?.as_array()?;
    let first_of = |response: &'_ Value| -> Value {
        match response {
            Value::Array(repeats) => repeats.first().cloned().unwrap_or(Value::Null),
            one => one.clone(),
        }
    };
    if is_generation {
        let mut answer = recorded_answer(any_text(&first_of(responses.first()?))?);
        answer.finish = Finish::Unknown;
        return Some(answer);
    }
    let mut answer = recorded_answer("");
    answer.finish = Finish::Unknown;
    answer.continuations = responses
        .iter()
        .filter_map(|response| continuation(&first_of(response)))
        .collect();
    // A response that cannot be read would put the others at wrong places.
    let all = answer.continuations.len() == responses.len() && !responses.is_empty();
    all.then_some(answer)
}

/// `["-1.5", "False"]`, or the log-likelihood alone. lm-eval does not tell how many tokens a continuation has.
fn continuation(response: &Value) -> Option<ContinuationScore> {
    let (likelihood, greedy) = match response {
        Value::Array(pair) => (pair.first()?, pair.get(1).and_then(any_text)),
        alone => (alone, None),
    };
    let log_likelihood = number(likelihood).or_else(|| likelihood.as_str()?.parse().ok())?;
    f64::is_finite(log_likelihood).then(|| ContinuationScore {
        log_likelihood,
        is_greedy: greedy.is_some_and(|g| g.eq_ignore_ascii_case("true")),
        tokens: 0,
    })
}

fn scores(row: &Value) -> Vec<Score> {
    let filter = text_of(row, "filter").unwrap_or_else(|| NO_FILTER.into());
    let filtered = row.get("filtered_resps").and_then(Value::as_array);
    let filtered = filtered.and_then(|all| all.first()).and_then(Value::as_str);
    let metrics = row.get("metrics").and_then(Value::as_array);
    let names = metrics.into_iter().flatten().filter_map(Value::as_str);
    names
        .map(|metric| {
            let name = metric_name(metric, &filter);
            let value = row.get(metric).unwrap_or(&Value::Null);
            if let Some(score) = corpus_score(metric, &name, value) {
                return score;
            }
            match (number(value), filtered) {
                (Some(value), Some(filtered)) => {
                    reported_score(&name, Some(value)).because(excerpt(filtered, MAX_FILTERED))
                }
                (Some(value), None) => reported_score(&name, Some(value)),
                (None, _) => reported_score(&name, None)
                    .label(NOT_SCORED)
                    .because(format!(
                        "lm-eval reports {}",
                        excerpt(&value.to_string(), 200)
                    )),
            }
        })
        .collect()
}
