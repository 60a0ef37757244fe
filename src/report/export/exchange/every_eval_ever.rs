//! Every Eval Ever, schema 0.3.0: a record per model and suite, with an interval for every figure, and a line per sample and metric.
//!
//! `data/COLLECTION/DEVELOPER/MODEL/UUID.json` and `UUID_samples.jsonl`, as its datastore has them. Names, times and identifiers come from the run alone,
//! so that the same run gives the same files.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::figures::{Estimated, Figure, Method, ROUNDS};
use super::files::{Output, file_name, json_line};
use super::{Answers, joined_name};
use crate::analysis::LEVEL;
use crate::model::{Completion, Signal};
use crate::report::ReportError;
use crate::score::{Aggregate, Score};
use crate::store::{TrialRecord, TrialStatus};
use crate::text::hex;

const SCHEMA: &str = "0.3.0";
/// The developer of a model whose name tells none.
const NO_DEVELOPER: &str = "unspecified";

pub(super) fn write(answers: &Answers<'_>, output: &mut Output<'_>) -> Result<(), ReportError> {
    let model = ModelId::of(&answers.model.identity.name);
    let collection = file_name(&answers.suite.name, "-");
    let uuid = uuid(answers);
    let record = Record {
        answers,
        evaluation: format!(
            "{collection}/{}/{}",
            model.id(),
            answers.created.as_second()
        ),
        model,
    };
    let folder = [
        "data",
        &collection,
        &record.model.developer,
        &record.model.name,
    ];
    let samples_name = format!("{uuid}_samples.jsonl");
    let at = |name: &str| [&folder[..], &[name]].concat().join("/");
    let mut lines = String::new();
    let mut rows = 0_u64;
    for trial in answers.trials {
        for score in &trial.scores {
            if let Some(line) = record.sample(trial, score) {
                lines += &json_line(&line);
                rows += 1;
            }
        }
    }
    let detailed = (rows > 0).then(|| {
        json!({
            "format": "jsonl",
            "file_path": at(&samples_name),
            "hash_algorithm": "sha256",
            "checksum": hex(&Sha256::digest(lines.as_bytes())),
            "total_rows": rows,
        })
    });
    let Some(aggregate) = record.aggregate(detailed) else {
        output.skip(format!(
            "{} on {}: no figure has an interval",
            answers.model.identity.name, answers.suite.name
        ));
        return Ok(());
    };
    if rows > 0 {
        output.write_text(&[&folder[..], &[&samples_name]].concat(), &lines)?;
    }
    let name = format!("{uuid}.json");
    let text = serde_json::to_string_pretty(&aggregate).unwrap_or_default() + "\n";
    output.write_text(&[&folder[..], &[&name]].concat(), &text)
}

/// A UUID of version 4 by its form, made of what names the record.
fn uuid(answers: &Answers<'_>) -> String {
    let hash = answers.id();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex(&bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

/// A model's name in the form of the hub: a developer and a name.
struct ModelId {
    developer: String,
    name: String,
}

impl ModelId {
    /// `openrouter:deepseek/deepseek-r1` is by deepseek; `demo:open` is demo's, who serves it; a name alone tells nobody.
    fn of(name: &str) -> Self {
        let name = name.split(" @ ").next().unwrap_or(name);
        let plain = match name.split_once(':') {
            Some((_, rest)) if rest.trim_start_matches('/').contains('/') => rest,
            _ => name,
        };
        let (developer, name) = match plain.trim_matches('/').split_once(['/', ':']) {
            Some((developer, name)) => (developer, name),
            None => (NO_DEVELOPER, plain),
        };
        let part = |part: &str| {
            let plain = file_name(part, "_");
            // The datastore keeps this word for itself.
            if plain == "data" {
                "data_".into()
            } else {
                plain
            }
        };
        Self {
            developer: part(developer),
            name: part(name),
        }
    }

    fn id(&self) -> String {
        format!("{}/{}", self.developer, self.name)
    }
}

struct Record<'a> {
    answers: &'a Answers<'a>,
    evaluation: String,
    model: ModelId,
}

impl Record<'_> {
    /// The record; none if no figure has an interval.
    fn aggregate(&self, detailed: Option<Value>) -> Option<Value> {
        let answers = self.answers;
        let results: Vec<Value> = answers
            .figures
            .iter()
            .filter_map(|figure| {
                let estimate = figure.estimate.as_ref().ok()?;
                Some(self.result(figure, estimate))
            })
            .collect();
        if results.is_empty() {
            return None;
        }
        let candor = env!("CARGO_PKG_VERSION");
        let library = match answers.imported_from {
            None => json!({"name": "candor", "version": candor}),
            Some(tool) => json!({
                "name": tool,
                "version": "unknown",
                "additional_details": {"imported_by": format!("candor {candor}")},
            }),
        };
        let deployment = if answers.model.is_embedded() {
            "self_deployed"
        } else {
            "unknown"
        };
        let mut record = json!({
            "schema_version": SCHEMA,
            "evaluation_id": self.evaluation,
            "evaluation_timestamp": answers.created.to_string(),
            "retrieved_timestamp": answers.created.as_second().to_string(),
            "source_metadata": {
                "source_name": "candor",
                "source_type": "evaluation_run",
                "source_organization_name": "unknown",
                "evaluator_relationship": "other",
            },
            "eval_library": library,
            "model_info": {
                "name": answers.model.identity.name,
                "id": self.model.id(),
                "developer": self.model.developer,
                "additional_details": {
                    "deployment_type": deployment,
                    "model_availability": "unknown",
                    "specification": answers.model.identity.spec,
                    "fingerprint": answers.model.identity.fingerprint,
                },
            },
            "evaluation_results": results,
        });
        if let (Some(detailed), Value::Object(record)) = (detailed, &mut record) {
            record.insert("detailed_evaluation_results".into(), detailed);
        }
        Some(record)
    }

    fn result(&self, figure: &Figure, estimate: &Estimated) -> Value {
        let suite = self.answers.suite;
        let (low, high) = bounds(figure.aggregate, estimate);
        let mut uncertainty = json!({
            "confidence_interval": {
                "lower": estimate.interval.low,
                "upper": estimate.interval.high,
                "confidence_level": LEVEL,
                "method": estimate.method.name(),
            },
            "num_samples": estimate.n,
        });
        if let Value::Object(fields) = &mut uncertainty {
            if let Some(error) = estimate.standard_error {
                let error = json!({"value": error, "method": estimate.method.of_error()});
                fields.insert("standard_error".into(), error);
            }
            if estimate.method == Method::Bootstrap {
                fields.insert("num_bootstrap_samples".into(), ROUNDS.into());
            }
        }
        json!({
            "evaluation_result_id": self.result_id(&figure.scorer, &figure.metric),
            "evaluation_name": suite.name,
            "source_data": {
                "dataset_name": suite.name,
                "source_type": "other",
                "additional_details": {
                    "source": suite.source,
                    "licence": suite.licence,
                    "version": suite.version,
                    "content_hash": suite.content_hash,
                    "samples_asked": suite.samples.to_string(),
                    "samples_available": suite.available.to_string(),
                },
            },
            "evaluation_timestamp": self.answers.created.to_string(),
            "metric_config": {
                "evaluation_description": suite.title,
                "metric_id": format!("{}.{}", figure.scorer, figure.metric),
                "metric_name": joined_name(&figure.scorer, &figure.metric),
                "lower_is_better": is_lower_better(figure.aggregate),
                "score_type": "continuous",
                "min_score": bound(low),
                "max_score": bound(high),
            },
            "score_details": {
                "score": estimate.value,
                "details": self.counts(),
                "uncertainty": uncertainty,
            },
        })
    }

    fn result_id(&self, scorer: &str, metric: &str) -> String {
        format!("{}#{scorer}/{metric}", self.evaluation)
    }

    /// How the trials ended.
    fn counts(&self) -> Value {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for trial in self.answers.trials {
            *counts.entry(trial.status.name()).or_default() += 1;
        }
        let mut details = Map::new();
        details.insert(
            "trials".into(),
            self.answers.trials.len().to_string().into(),
        );
        for (status, n) in counts {
            details.insert(format!("trials_{status}"), n.to_string().into());
        }
        Value::Object(details)
    }

    /// A trial's line for one of its scores; none if the score has no value.
    fn sample(&self, trial: &TrialRecord, score: &Score) -> Option<Value> {
        let value = score.value?;
        let raw = trial.prompt.question();
        let mut named = BTreeMap::new();
        named.insert("raw", json!(raw));
        named.insert("reference", json!(trial.targets));
        let hashed = serde_json::to_string(&named).ok()?;
        let answer = trial.completion.as_ref();
        let said = answer.map_or("", |c| &c.text);
        let reasoning: Vec<&str> = answer
            .and_then(|c| c.reasoning.as_deref())
            .into_iter()
            .collect();
        let read = score.label.as_ref().or(score.explanation.as_ref());
        let mut line = json!({
            "schema_version": SCHEMA,
            "evaluation_id": self.evaluation,
            "model_id": self.model.id(),
            "evaluation_name": trial.suite,
            "evaluation_result_id": self.result_id(&score.scorer, &score.metric),
            "sample_id": trial.sample,
            "sample_hash": hex(&Sha256::digest(hashed.as_bytes())),
            "interaction_type": "single_turn",
            "input": {
                "raw": raw,
                "formatted": trial.prompt.display(),
                "reference": trial.targets,
            },
            "output": {"raw": [said], "reasoning_trace": reasoning},
            "answer_attribution": [{
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": read.map_or(said, String::as_str),
                "extraction_method": score.scorer,
                "is_terminal": true,
            }],
            "evaluation": {"score": value, "is_correct": value >= 1.0},
            "metadata": metadata(trial, score),
        });
        let Value::Object(fields) = &mut line else {
            return None;
        };
        if let Some(answer) = answer {
            fields.extend(measured(answer));
        }
        if let Some(why) = error(trial) {
            fields.insert("error".into(), why.into());
        }
        Some(line)
    }
}

/// Tokens and time, where they are known.
fn measured(answer: &Completion) -> Vec<(String, Value)> {
    let mut fields = Vec::new();
    if let (Some(read), Some(written)) =
        (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    {
        let tokens = json!({
            "input_tokens": read,
            "output_tokens": written,
            "total_tokens": read.saturating_add(written),
        });
        fields.push(("token_usage".into(), tokens));
    }
    if answer.timing.total > 0.0 {
        let mut performance = json!({"latency_ms": answer.timing.total * 1000.0});
        if let Some(first) = answer.timing.first_token {
            performance["time_to_first_token_ms"] = json!(first * 1000.0);
        }
        fields.push(("performance".into(), performance));
    }
    fields
}

/// Why there is no answer, or who kept it back.
fn error(trial: &TrialRecord) -> Option<String> {
    if let Some(failure) = &trial.failure {
        return Some(failure.message.clone());
    }
    (trial.status == TrialStatus::BlockedUpstream).then(|| {
        let signals = trial.completion.iter().flat_map(|c| &c.signals);
        let mut reasons = signals.filter_map(|signal| match signal {
            Signal::PromptBlocked { reason } => Some(format!("prompt blocked: {reason}")),
            Signal::AnswerBlocked { reason } => Some(format!("answer blocked: {reason}")),
            _ => None,
        });
        reasons.next().unwrap_or_else(|| "blocked".into())
    })
}

/// What there is no field for, as texts.
fn metadata(trial: &TrialRecord, score: &Score) -> Value {
    let mut all = Map::new();
    let mut put = |name: &str, value: String| all.insert(name.to_owned(), value.into());
    for (name, value) in &trial.strata {
        put(&format!("stratum.{name}"), value.clone());
    }
    put("trial_key", trial.trial.to_string());
    put("epoch", trial.epoch.to_string());
    put("status", trial.status.name().into());
    if let Some(answer) = &trial.completion {
        put("finish", answer.finish.name().into());
        if !answer.signals.is_empty() {
            put(
                "signals",
                serde_json::to_string(&answer.signals).unwrap_or_default(),
            );
        }
    }
    if let Some(label) = &score.label {
        put("label", label.clone());
    }
    if let Some(by) = &score.by {
        put("labelled_by", by.clone());
    }
    Value::Object(all)
}

/// The least and the greatest that a figure can be.
fn bounds(aggregate: Aggregate, estimate: &Estimated) -> (f64, f64) {
    match aggregate {
        Aggregate::Mean if estimate.is_share => (0.0, 1.0),
        Aggregate::F1 => (0.0, 1.0),
        Aggregate::Matthews | Aggregate::BbqAmbiguous | Aggregate::BbqDisambiguated => (-1.0, 1.0),
        Aggregate::Bleu | Aggregate::Chrf | Aggregate::ChrfWords => (0.0, 100.0),
        Aggregate::Mean => (f64::NEG_INFINITY, f64::INFINITY),
        _ => (0.0, f64::INFINITY),
    }
}

fn bound(value: f64) -> Value {
    match value {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        finite => json!(finite),
    }
}

fn is_lower_better(aggregate: Aggregate) -> bool {
    matches!(
        aggregate,
        Aggregate::Perplexity
            | Aggregate::WeightedPerplexity
            | Aggregate::BitsPerByte
            | Aggregate::Ter
    )
}

#[cfg(test)]
mod tests {
    use super::ModelId;

    #[test]
    fn a_models_name_is_a_developer_and_a_name() {
        for (name, want) in [
            ("deepseek/deepseek-r1", "deepseek/deepseek-r1"),
            ("openrouter:deepseek/deepseek-r1", "deepseek/deepseek-r1"),
            ("demo:open", "demo/open"),
            ("z-ai/glm-4.7 @ cerebras", "z-ai/glm-4.7"),
            ("a/b/c", "a/b_c"),
            ("alone", "unspecified/alone"),
            ("data/set", "data_/set"),
            ("../../x", "unnamed/_x"),
        ] {
            assert_eq!(ModelId::of(name).id(), want, "{name}");
        }
    }
}
