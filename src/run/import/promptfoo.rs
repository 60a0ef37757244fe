//! promptfoo: its output as JSON (`-o results.json`) or as a row per result (`-o results.jsonl`).
//!
//! Model = the provider's label, else its id. Suite = the configuration's description, else the file's name. Sample = the number of the
//! first test with the same variables and assertions, so that the repetitions of `--repeat`, which promptfoo numbers as further tests, are epochs
//! of one sample; where several prompts were compared, each prompt's samples carry its number, and it is the stratum `prompt`. Metrics are
//! `success` (1 or 0), `score`, and each named score under its name. An answer that a grader failed on has no verdict.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::lines::each_row;
use super::recordings::{About, Recorded, Recordings, recorded_answer, recorded_failure};
use super::sight::{Holds, Sight};
use super::values::{any_text, chat, field, json_file, number, text_of};
use super::{ImportError, Imported, Options, input};
use crate::model::{Completion, Finish, Message, Prompt, Role, Signal, Usage, Usd};
use crate::score::{NOT_SCORED, Score, reported_score};
use crate::store::RunDirectory;
use crate::text::excerpt;

const FORMAT: &str = "promptfoo";
/// The metric that promptfoo's pass rate is of.
const SUCCESS: &str = "success";
/// Longest value of the stratum `prompt`, in characters.
const MAX_PROMPT_NAME: usize = 80;

/// promptfoo's `failureReason` of a result that an error ended.
const ENDED_BY_ERROR: i64 = 2;

pub(super) fn fits(sight: &Sight) -> bool {
    sight.has(&["evalId", "results"])
        || (matches!(sight.holds, Holds::Rows(_))
            && sight.has(&["promptIdx", "testIdx", "success"]))
}

pub(super) fn import(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
) -> Result<(RunDirectory, Imported), ImportError> {
    let mut recordings = Recordings::new(FORMAT, output, options);
    for path in paths {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut results = Results::default();
        let suite = if path.extension().is_some_and(|x| x == "jsonl") {
            each_row(&mut recordings, path, |_, place, row| {
                results.rows.push((place, row));
                Ok(())
            })?;
            stem.into_owned()
        } else {
            let file = json_file(path)?;
            let rows = file.pointer("/results/results").or(file.get("results"));
            let Some(Value::Array(rows)) = rows else {
                let reason = "not promptfoo's output: it has no results.results";
                return Err(input(path, reason));
            };
            let numbered = (1..).zip(rows);
            results.rows = numbered
                .map(|(n, row)| (format!("{}: result {n}", path.display()), row.clone()))
                .collect();
            let created = file.pointer("/results/timestamp").and_then(Value::as_str);
            results.created = created.and_then(|t| t.parse().ok());
            let named = file.get("config").and_then(|c| text_of(c, "description"));
            named.unwrap_or_else(|| stem.into_owned())
        };
        recordings.suite(&suite, || About {
            headline: Some(SUCCESS.into()),
            ..About::benchmark(format!("promptfoo: {suite}"), FORMAT)
        });
        results.read(&mut recordings, &suite)?;
    }
    recordings.finish()
}

#[derive(Default)]
struct Results {
    /// Each with its place.
    rows: Vec<(String, Value)>,
    created: Option<Timestamp>,
}

impl Results {
    fn read(self, recordings: &mut Recordings, suite: &str) -> Result<(), ImportError> {
        let prompts = Prompts::of(self.rows.iter().map(|(_, row)| row));
        let mut tests: HashMap<blake3::Hash, String> = HashMap::new();
        let mut epochs: HashMap<(String, String), u32> = HashMap::new();
        for (place, row) in self.rows {
            let Some(index) = row.get("testIdx").and_then(any_text) else {
                recordings.skip(place, "it is not a result of promptfoo: it has no testIdx");
                continue;
            };
            let told = field(&row, "provider").map(|provider| {
                let label = text_of(provider, "label").or_else(|| text_of(provider, "id"));
                label.or_else(|| any_text(provider)).unwrap_or_default()
            });
            let model = recordings.model_name(told.as_deref());
            let sample = tests.entry(test(&row)).or_insert(index).clone();
            let mut trial = Recorded::new(suite, &model, sample, prompt(&row));
            if let Some((number, name)) = prompts.of_several(&row) {
                trial.sample = format!("{}/{number}", trial.sample);
                trial.strata.insert("prompt".into(), name.into());
            }
            let epoch = epochs.entry((model, trial.sample.clone())).or_default();
            trial.epoch = *epoch;
            *epoch += 1;
            trial.targets = targets(&row);
            trial.finished = self.created;
            outcome(&mut trial, &row);
            recordings.add(place, trial)?;
        }
        Ok(())
    }
}

/// Names a test: what was filled in, and what was asserted of the answer.
fn test(row: &Value) -> blake3::Hash {
    let case = row.get("testCase").unwrap_or(&Value::Null);
    let parts = [
        row.get("vars").or_else(|| case.get("vars")),
        case.get("assert"),
        case.get("description"),
        case.get("metadata"),
    ];
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        let part = part.map_or_else(String::new, Value::to_string);
        hasher.update(part.as_bytes()).update(&[0]);
    }
    hasher.finalize()
}

/// The prompts that were compared, in the order met.
struct Prompts(Vec<(String, String)>);

impl Prompts {
    fn of<'a>(rows: impl Iterator<Item = &'a Value>) -> Self {
        let mut all: Vec<(String, String)> = Vec::new();
        for row in rows {
            if let Some(id) = Self::id(row)
                && all.iter().all(|(known, _)| *known != id)
            {
                let label = field(row, "prompt").and_then(|p| text_of(p, "label"));
                let name = label.unwrap_or_else(|| id.clone());
                all.push((id, excerpt(&name, MAX_PROMPT_NAME)));
            }
        }
        Self(all)
    }

    fn id(row: &Value) -> Option<String> {
        let label = || field(row, "prompt").and_then(|p| text_of(p, "label"));
        text_of(row, "promptId").or_else(label)
    }

    /// Number and name of a result's prompt, where there are several.
    fn of_several(&self, row: &Value) -> Option<(usize, &str)> {
        let id = Self::id(row)?;
        let at = self.0.iter().position(|(known, _)| *known == id)?;
        (self.0.len() > 1).then(|| (at + 1, self.0[at].1.as_str()))
    }
}

/// The prompt as it was sent: a text, or messages in JSON.
fn prompt(row: &Value) -> Prompt {
    let raw = field(row, "prompt").and_then(|p| text_of(p, "raw").or_else(|| any_text(p)));
    let raw = raw.unwrap_or_default();
    match serde_json::from_str::<Value>(&raw) {
        Ok(Value::Array(messages)) if messages.iter().all(|m| m.get("role").is_some()) => {
            chat(&messages)
        }
        _ => Prompt::Chat(vec![Message {
            role: Role::User,
            content: raw,
        }]),
    }
}

/// What assertions compare an answer with.
fn targets(row: &Value) -> Vec<String> {
    let asserted = row.pointer("/testCase/assert").and_then(Value::as_array);
    let compared = |assertion: &&Value| {
        let kind = text_of(assertion, "type").unwrap_or_default();
        ["equals", "contains", "icontains"].contains(&kind.as_str())
    };
    let asserted = asserted.into_iter().flatten().filter(compared);
    asserted.filter_map(|a| text_of(a, "value")).collect()
}

fn outcome(trial: &mut Recorded, row: &Value) {
    let error = text_of(row, "error").map(|e| e.lines().next().unwrap_or_default().to_owned());
    let ended = row.get("failureReason").and_then(Value::as_i64) == Some(ENDED_BY_ERROR);
    trial.completion = field(row, "response").and_then(|response| answer(response, row));
    let why = match &trial.completion {
        None => {
            let why = error.unwrap_or_else(|| "promptfoo recorded no answer".into());
            trial.failure = Some(recorded_failure(why));
            return;
        }
        Some(_) if ended => Some(error.unwrap_or_else(|| "the grader failed".into())),
        Some(_) => grader_error(row),
    };
    let number_of = |name: &str| field(row, name).and_then(number);
    let mut scores = vec![
        reported_score(SUCCESS, number_of("success")),
        reported_score("score", number_of("score")),
    ];
    if let Some(Value::Object(named)) = row.get("namedScores") {
        let own = named
            .iter()
            .filter(|(name, _)| ![SUCCESS, "score"].contains(&name.as_str()));
        scores.extend(own.map(|(name, value)| reported_score(name, number(value))));
    }
    let reason = field(row, "gradingResult").and_then(|g| text_of(g, "reason"));
    trial.scores = match why {
        Some(why) => scores
            .into_iter()
            .map(|s| without_verdict(s, &why))
            .collect(),
        None => scores
            .into_iter()
            .map(|score| match (score.value, &reason) {
                (None, _) => without_verdict(score, "promptfoo reported no number"),
                (Some(_), Some(reason)) => score.because(reason.clone()),
                _ => score,
            })
            .collect(),
    };
}

fn without_verdict(score: Score, why: &str) -> Score {
    Score {
        value: None,
        ..score
    }
    .label(NOT_SCORED)
    .because(why)
}

/// Why a grader could give no verdict, where it says so itself.
fn grader_error(row: &Value) -> Option<String> {
    let grading = field(row, "gradingResult")?;
    let components = grading.get("componentResults").and_then(Value::as_array);
    let all = std::iter::once(grading).chain(components.into_iter().flatten());
    let failed = |result: &&Value| {
        result.pointer("/metadata/graderError") == Some(&Value::Bool(true))
            || result.get("graderError") == Some(&Value::Bool(true))
    };
    let failed = all.into_iter().find(failed)?;
    let reason = text_of(failed, "reason");
    Some(reason.map_or_else(
        || "the grader failed".into(),
        |r| format!("the grader failed: {r}"),
    ))
}

fn answer(response: &Value, row: &Value) -> Option<Completion> {
    let text = field(response, "output").and_then(any_text)?;
    let mut answer = recorded_answer(text);
    answer.finish = match text_of(response, "finishReason").as_deref() {
        Some("stop" | "end_turn" | "stop_sequence" | "tool_calls") => Finish::Stop,
        Some("length" | "max_tokens") => Finish::Length,
        Some("content_filter") => Finish::ContentFilter,
        _ => Finish::Unknown,
    };
    if response.get("isRefusal") == Some(&Value::Bool(true)) {
        answer.finish = Finish::Refusal;
    }
    if let Some(guardrails) = field(response, "guardrails") {
        let flagged = |name: &str| guardrails.get(name) == Some(&Value::Bool(true));
        let reason = text_of(guardrails, "reason").unwrap_or_else(|| "guardrails".into());
        if flagged("flaggedInput") {
            answer.signals.push(Signal::PromptBlocked { reason });
        } else if flagged("flaggedOutput") {
            answer.signals.push(Signal::AnswerBlocked { reason });
        }
    }
    // promptfoo writes 0 for what nobody counted.
    let usage = field(response, "tokenUsage");
    let count = |name: &str| {
        let counted = usage.and_then(|u| u.get(name)).and_then(Value::as_u64);
        counted.filter(|n| *n > 0)
    };
    answer.usage = Usage {
        prompt_tokens: count("prompt"),
        completion_tokens: count("completion"),
        ..Usage::default()
    };
    let cost = field(response, "cost").and_then(number);
    answer.cost = cost.filter(|cost| *cost > 0.0).map(Usd);
    let milliseconds = field(row, "latencyMs").and_then(number);
    answer.timing.total = milliseconds.map_or(0.0, |ms| ms.max(0.0) / 1000.0);
    Some(answer)
}
