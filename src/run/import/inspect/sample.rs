//! A sample of a log as a trial.

use serde_json::Value;

use super::super::output::{answer, before_the_answer, usage};
use super::super::recordings::{Recorded, recorded_failure};
use super::super::values::{any_text, chat, field, number, text_of, texts};
use crate::model::{Message, Prompt, Role};
use crate::score::{NOT_SCORED, Score, reported_score};

/// What is the same for all samples of a log.
pub(super) struct Reading<'a> {
    pub(super) task: &'a str,
    pub(super) model: &'a str,
}

impl Reading<'_> {
    /// # Errors
    /// Why the sample is not one.
    pub(super) fn trial(&self, sample: &Value) -> Result<Recorded, String> {
        let id = field(sample, "id")
            .and_then(any_text)
            .ok_or("it has no id")?;
        let epoch = sample.get("epoch").and_then(Value::as_u64);
        let epoch = epoch.ok_or("its epoch is not a number")?;
        let mut trial = Recorded::new(self.task, self.model, id, asked(sample));
        trial.epoch = u32::try_from(epoch.saturating_sub(1)).map_err(|e| e.to_string())?;
        trial.targets = field(sample, "target").map(texts).unwrap_or_default();
        trial.targets.retain(|target| !target.is_empty());
        trial.finished = text_of(sample, "completed_at").and_then(|t| t.parse().ok());
        trial.completion = field(sample, "output").and_then(answer);
        if let Some(answer) = &mut trial.completion {
            if answer.usage == crate::model::Usage::default() {
                let own = field(sample, "model_usage").and_then(|u| field(u, self.model));
                answer.usage = own.map(usage).unwrap_or_default();
            }
            if answer.timing.total == 0.0 {
                let seconds = field(sample, "total_time").and_then(number);
                answer.timing.total = seconds.map_or(0.0, |s| s.max(0.0));
            }
        }
        trial.scores = scores(sample);
        let error =
            field(sample, "error").and_then(|e| text_of(e, "message").or_else(|| any_text(e)));
        if trial.scores.is_empty() {
            let said = error.or_else(|| {
                let output = field(sample, "output")?;
                text_of(output, "error")
            });
            trial.failure = said.map(recorded_failure);
        }
        Ok(trial)
    }
}

/// The conversation before the answer; what was put in, where the conversation was not kept.
fn asked(sample: &Value) -> Prompt {
    let messages = field(sample, "messages").and_then(Value::as_array);
    let before = before_the_answer(messages.map_or(&[][..], Vec::as_slice));
    if !before.is_empty() {
        return chat(before);
    }
    match field(sample, "input") {
        Some(Value::Array(messages)) => chat(messages),
        other => Prompt::Chat(vec![Message {
            role: Role::User,
            content: other.and_then(any_text).unwrap_or_default(),
        }]),
    }
}

fn scores(sample: &Value) -> Vec<Score> {
    let Some(Value::Object(all)) = sample.get("scores") else {
        return Vec::new();
    };
    let mut scores = Vec::new();
    for (scorer, score) in all {
        let why = text_of(score, "explanation").or_else(|| text_of(score, "answer"));
        let one = |name: String, value: &Value| {
            let score = verdict(&name, value);
            match (&score.explanation, &why) {
                (None, Some(why)) => score.because(why.clone()),
                _ => score,
            }
        };
        match score.get("value").unwrap_or(&Value::Null) {
            Value::Object(fields) => scores.extend(
                fields
                    .iter()
                    .map(|(field, value)| one(format!("{scorer}/{field}"), value)),
            ),
            Value::Array(items) => scores.extend(
                (0..)
                    .zip(items)
                    .map(|(at, value)| one(format!("{scorer}/{at}"), value)),
            ),
            value => scores.push(one(scorer.clone(), value)),
        }
    }
    scores
}

/// A value as Inspect's metrics count it. A word that they would count as 0 with a warning is a label without a value.
fn verdict(name: &str, value: &Value) -> Score {
    match value {
        Value::String(word) => {
            let counted = match word.as_str() {
                "C" => Some(1.0),
                "P" => Some(0.5),
                "I" | "N" => Some(0.0),
                other => match other.to_lowercase().as_str() {
                    "yes" | "true" => Some(1.0),
                    "no" | "false" => Some(0.0),
                    other => other.parse::<f64>().ok().filter(|n| n.is_finite()),
                },
            };
            reported_score(name, counted).label(word.clone())
        }
        // NaN: Inspect's mark of what could not be scored.
        Value::Null => reported_score(name, None)
            .label(NOT_SCORED)
            .because("Inspect did not score it"),
        other => match number(other) {
            Some(number) => reported_score(name, Some(number)),
            None => reported_score(name, None)
                .label(NOT_SCORED)
                .because("its value is neither a number nor a word"),
        },
    }
}
