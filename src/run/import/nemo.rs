//! `NeMo` Evaluator: `results.jsonl`, a line per problem and repetition, and the bundle `eval-*.json` beside it, which names benchmark and model.
//!
//! Suite = the bundle's benchmark, else the folder's name; sample = `problem_idx`, epoch = `repeat`, metric `reward`, stratum `category`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::lines::each_row;
use super::recordings::{About, Recorded, Recordings, recorded_answer};
use super::sight::{Sight, files_below};
use super::values::{any_text, field, json_file, number, text_of, texts};
use super::{ImportError, Imported, Options, input};
use crate::model::{Finish, Message, Prompt, Role};
use crate::score::{NOT_SCORED, reported_score};
use crate::store::RunDirectory;

const FORMAT: &str = "nemo-evaluator";
const METRIC: &str = "reward";
const RESULTS: &str = "results.jsonl";

pub(super) fn fits(sight: &Sight) -> bool {
    let own = |name: &str| name.rsplit('/').next() == Some(RESULTS);
    let is_bundle = sight.name.starts_with("eval-") && sight.has(&["benchmark"]);
    is_bundle && !sight.has(&["responses"])
        || sight.has(&["problem_idx", METRIC])
        || sight.holds_file(own)
}

pub(super) fn import(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
) -> Result<(RunDirectory, Imported), ImportError> {
    let mut recordings = Recordings::new(FORMAT, output, options);
    for path in paths {
        for results in results(path)? {
            read(&mut recordings, &results)?;
        }
    }
    recordings.finish()
}

/// The files of results: the one named, the one beside the bundle that is named, or those of a folder.
fn results(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    if path.is_dir() {
        let named = |p: &PathBuf| p.file_name().is_some_and(|n| n == RESULTS);
        let all: Vec<PathBuf> = files_below(path).into_iter().filter(named).collect();
        return if all.is_empty() {
            Err(input(path, format!("has no {RESULTS}")))
        } else {
            Ok(all)
        };
    }
    if path.extension().is_some_and(|x| x == "json") {
        let beside = path.with_file_name(RESULTS);
        return if beside.is_file() {
            Ok(vec![beside])
        } else {
            Err(input(
                path,
                format!(
                    "is a bundle of aggregate scores; its answers, {RESULTS}, are not next to it"
                ),
            ))
        };
    }
    Ok(vec![path.to_path_buf()])
}

/// What a bundle tells: which benchmark, which model, and its figure.
#[derive(Default)]
struct Bundle {
    benchmark: Option<String>,
    model: Option<String>,
    run: Option<String>,
    mean_reward: Option<f64>,
}

impl Bundle {
    /// The one bundle beside a file of results.
    fn beside(results: &Path, recordings: &mut Recordings) -> Self {
        let entries = results.parent().and_then(|f| {
            let folder = if f.as_os_str().is_empty() {
                Path::new(".")
            } else {
                f
            };
            std::fs::read_dir(folder).ok()
        });
        let mut bundles: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .filter(|p| {
                let name = p.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("eval-") && name.ends_with(".json")
            })
            .collect();
        bundles.sort();
        let [bundle] = bundles.as_slice() else {
            if bundles.len() > 1 {
                let place = results.display().to_string();
                recordings.note(format!(
                    "{place}: {} bundles next to it; benchmark and model are unknown",
                    bundles.len()
                ));
            }
            return Self::default();
        };
        match json_file(bundle) {
            Ok(read) => Self::of(&read),
            Err(e) => {
                recordings.skip(bundle.display().to_string(), e.to_string());
                Self::default()
            }
        }
    }

    fn of(bundle: &Value) -> Self {
        let config = bundle.get("config").unwrap_or(&Value::Null);
        let benchmark = bundle.get("benchmark").unwrap_or(&Value::Null);
        let model = text_of(config, "model").or_else(|| {
            let model = field(config, "model")?;
            ["id", "name", "model_id"]
                .iter()
                .find_map(|f| text_of(model, f))
        });
        let mean = benchmark.pointer("/scores/mean_reward");
        let mean = mean.and_then(|m| field(m, "value").or(Some(m)));
        Self {
            benchmark: text_of(benchmark, "name").or_else(|| text_of(config, "benchmark")),
            model,
            run: text_of(bundle, "run_id"),
            mean_reward: mean.and_then(number),
        }
    }
}

fn read(recordings: &mut Recordings, results: &Path) -> Result<(), ImportError> {
    let bundle = Bundle::beside(results, recordings);
    let folder = || {
        let folder = results.canonicalize().ok()?;
        let name = folder.parent()?.file_name()?;
        Some(name.to_string_lossy().into_owned())
    };
    let suite = bundle.benchmark.clone().or_else(folder);
    let suite = suite.unwrap_or_else(|| "unknown".into());
    let model = recordings.model_name(bundle.model.as_deref());
    recordings.suite(&suite, || About {
        headline: Some(METRIC.into()),
        ..About::benchmark(
            format!("NeMo Evaluator: {suite}"),
            &bundle
                .run
                .as_ref()
                .map_or(FORMAT.into(), |run| format!("{FORMAT} {run}")),
        )
    });
    let (mut sum, mut n) = (0.0, 0_u32);
    each_row(recordings, results, |recordings, place, row| {
        let Some(problem) = field(&row, "problem_idx").and_then(any_text) else {
            recordings.skip(place, "it has no problem_idx");
            return Ok(());
        };
        let reward = field(&row, METRIC).and_then(number);
        let trial = trial(&suite, &model, problem, reward, &row);
        if recordings.add(place, trial)?.is_some() {
            sum += reward.unwrap_or(0.0);
            n += u32::from(reward.is_some());
        }
        Ok(())
    })?;
    if let (Some(told), true) = (bundle.mean_reward, n > 0) {
        recordings.compare(&suite, &model, METRIC, told, sum / f64::from(n));
    }
    Ok(())
}

fn trial(suite: &str, model: &str, problem: String, reward: Option<f64>, row: &Value) -> Recorded {
    let asked = ["prompt", "problem", "question", "input"];
    let asked = asked.iter().find_map(|name| text_of(row, name));
    let prompt = Prompt::Chat(vec![Message {
        role: Role::User,
        content: asked.unwrap_or_default(),
    }]);
    let mut trial = Recorded::new(suite, model, problem, prompt);
    let repeat = row.get("repeat").and_then(Value::as_u64);
    trial.epoch = repeat.and_then(|r| r.try_into().ok()).unwrap_or(0);
    trial.targets = field(row, "expected_answer").map(texts).unwrap_or_default();
    let category = ["metadata", "scoring_details"]
        .iter()
        .find_map(|place| text_of(field(row, place)?, "category"));
    trial
        .strata
        .extend(category.map(|c| ("category".to_owned(), c)));
    let extracted = field(row, "extracted_answer").and_then(any_text);
    let said = field(row, "model_response").and_then(any_text);
    trial.completion = said.or_else(|| extracted.clone()).map(|text| {
        let mut answer = recorded_answer(text);
        answer.finish = Finish::Unknown;
        answer
    });
    let mut score = reported_score(METRIC, reward);
    if reward.is_none() {
        score = score
            .label(NOT_SCORED)
            .because("its reward is not a number");
    } else if let Some(extracted) = extracted {
        score = score.because(extracted);
    }
    trial.scores = vec![score];
    trial
}
