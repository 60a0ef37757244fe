//! Inspect AI: logs of an evaluation, `.eval` (a zip, its entries compressed by zstd or deflate) or `.json`.
//!
//! Suite = the task, model = its model, sample = the sample's id, epoch = its epoch, which Inspect counts from 1. Each scorer's value is a metric under
//! the scorer's name, each field of a value with several under `SCORER/FIELD`. Letters count as Inspect counts them: C 1, P 0.5, I and N 0.

mod log;
mod sample;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::log::{Entry, Log};
use self::sample::Reading;
use super::recordings::{About, Recordings};
use super::sight::{Holds, Sight, files_below};
use super::values::{field, number, text_of};
use super::{ImportError, Imported, Options, input};
use crate::store::RunDirectory;

const FORMAT: &str = "inspect";
const ENDING: &str = "eval";

pub(super) fn fits(sight: &Sight) -> bool {
    let is_log = sight.name.ends_with(".eval");
    (is_log && matches!(sight.holds, Holds::Zip))
        || sight.holds_file(|name| name.ends_with(".eval"))
        || (sight.has(&["version", "status", "eval"]) && matches!(sight.holds, Holds::Object(_)))
}

pub(super) fn import(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
) -> Result<(RunDirectory, Imported), ImportError> {
    let mut recordings = Recordings::new(FORMAT, output, options);
    for path in paths {
        for file in logs(path)? {
            read(&mut recordings, &file)?;
        }
    }
    recordings.finish()
}

/// The log named, or those of a folder.
fn logs(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let is_log = |file: &PathBuf| file.extension().is_some_and(|x| x == ENDING);
    let logs: Vec<PathBuf> = files_below(path).into_iter().filter(is_log).collect();
    if logs.is_empty() {
        Err(input(path, "has no logs of Inspect (*.eval)"))
    } else {
        Ok(logs)
    }
}

fn read(recordings: &mut Recordings, path: &Path) -> Result<(), ImportError> {
    let mut log = Log::open(path)?;
    let header = log.header()?;
    let spec = field(&header, "eval").unwrap_or(&Value::Null);
    let task = text_of(spec, "task").unwrap_or_else(|| "unknown".into());
    let model = recordings.model_name(text_of(spec, "model").as_deref());
    recordings.suite(&task, || about(&task, spec, &header));
    match text_of(&header, "status").as_deref() {
        Some("success") | None => {}
        Some(status) => recordings.note(format!(
            "{}: the evaluation has status '{status}'; its samples are imported",
            path.display()
        )),
    }
    let reading = Reading {
        task: &task,
        model: &model,
    };
    let mut means = Means::default();
    for entry in log.entries() {
        let (place, sample) = match log.sample(&entry) {
            Ok(sample) => (format!("{}: {entry}", path.display()), sample),
            Err(reason) => {
                recordings.skip(format!("{}: {entry}", path.display()), reason);
                continue;
            }
        };
        if field(&sample, "invalidation").is_some() {
            recordings.skip(place, "the sample was invalidated");
            continue;
        }
        let is_whole = !matches!(entry, Entry::Summary(_));
        if !is_whole {
            recordings.note("samples with only a summary in the log have no answer");
        }
        match reading.trial(&sample) {
            Ok(trial) => {
                let (id, scores) = (trial.sample.clone(), trial.scores.clone());
                if recordings.add(place, trial)?.is_some() {
                    means.add(&id, &scores);
                }
            }
            Err(reason) => recordings.skip(place, reason),
        }
    }
    means.compare(recordings, &task, &model, &header);
    Ok(())
}

fn about(task: &str, spec: &Value, header: &Value) -> About {
    let version = spec.pointer("/packages/inspect_ai").and_then(Value::as_str);
    let dataset = field(spec, "dataset").and_then(|d| text_of(d, "name"));
    let source = [
        dataset,
        Some(version.map_or_else(|| "inspect_ai".into(), |v| format!("inspect_ai {v}"))),
    ];
    let source: Vec<String> = source.into_iter().flatten().collect();
    let title = text_of(spec, "task_display_name").unwrap_or_else(|| task.to_owned());
    let first = header.pointer("/results/scores/0");
    About {
        version: text_of(spec, "task_version").unwrap_or_else(|| "unknown".into()),
        headline: first.and_then(metric),
        ..About::benchmark(format!("Inspect: {title}"), &source.join(", "))
    }
}

/// Our name of a metric of Inspect's results.
fn metric(score: &Value) -> Option<String> {
    let (name, scorer) = (text_of(score, "name")?, text_of(score, "scorer"));
    Some(match scorer {
        Some(scorer) if scorer != name => format!("{scorer}/{name}"),
        _ => name,
    })
}

/// Sums of the scores that were read, by metric and sample.
#[derive(Default)]
struct Means(BTreeMap<String, HashMap<String, (f64, f64)>>);

impl Means {
    fn add(&mut self, sample: &str, scores: &[crate::score::Score]) {
        for score in scores {
            if let Some(value) = score.value {
                let of_metric = self.0.entry(score.metric.clone()).or_default();
                let (sum, n) = of_metric.entry(sample.to_owned()).or_default();
                *sum += value;
                *n += 1.0;
            }
        }
    }

    /// The mean over samples of the mean over epochs, as Inspect has it by default.
    #[allow(clippy::cast_precision_loss)]
    fn of(&self, metric: &str) -> Option<f64> {
        let samples = self.0.get(metric)?;
        let sum: f64 = samples.values().map(|(sum, n)| sum / n).sum();
        Some(sum / samples.len() as f64)
    }

    fn compare(&self, recordings: &mut Recordings, task: &str, model: &str, header: &Value) {
        let scores = header.pointer("/results/scores").and_then(Value::as_array);
        for score in scores.into_iter().flatten() {
            let reducer = text_of(score, "reducer");
            if reducer.is_some_and(|r| r != "mean") {
                continue;
            }
            let Some(name) = metric(score) else { continue };
            let told = ["accuracy", "mean"]
                .iter()
                .find_map(|m| score.get("metrics")?.get(m)?.get("value").and_then(number));
            if let (Some(told), Some(mean)) = (told, self.of(&name)) {
                recordings.compare(task, model, &name, told, mean);
            }
        }
    }
}
