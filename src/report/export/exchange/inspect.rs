//! Inspect AI's log, schema version 2: a `.eval` per model and suite, a zip of header, summaries and a file per sample.
//!
//! What a provider said when it kept an answer back is in `stop_details`: whether prompt or answer was blocked, the words, the categories.

use std::fs::File;
use std::io::Write as _;

use serde_json::{Map, Value, json};
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::figures::Figure;
use super::files::{Output, file_name};
use super::{Answers, full_name, joined_name};
use crate::analysis::LEVEL;
use crate::model::{Completion, Finish, Message, Prompt, Role, Signal, Usage};
use crate::report::ReportError;
use crate::store::TrialRecord;

const SCHEMA: u32 = 2;
/// A level that a provider did not tell.
const NO_LEVEL: &str = "unknown";

pub(super) fn write(answers: &Answers<'_>, output: &mut Output<'_>) -> Result<(), ReportError> {
    let id = answers.id().to_hex();
    let model = file_name(&answers.model.identity.name, "__");
    let name = format!(
        "{}_{}_{model}_{}.eval",
        answers.created.strftime("%Y-%m-%dT%H-%M-%S+00-00"),
        file_name(&answers.suite.name, "-"),
        &id[..22],
    );
    output.write(&[&name], |file| {
        let failed = |e: zip::result::ZipError| {
            ReportError::file("cannot write", std::path::Path::new(&name), &e)
        };
        let log = Log { answers, id: &id };
        log.write(file).map_err(failed)
    })
}

struct Log<'a> {
    answers: &'a Answers<'a>,
    id: &'a str,
}

impl Log<'_> {
    fn write(&self, file: &File) -> ZipResult<()> {
        let mut zip = ZipWriter::new(file);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            // Without times, the same run gives the same bytes.
            .last_modified_time(DateTime::default())
            .large_file(false);
        let mut put = |name: &str, value: &Value| -> ZipResult<()> {
            zip.start_file(name, options)?;
            zip.write_all(value.to_string().as_bytes())?;
            Ok(())
        };
        let start = json!({"version": SCHEMA, "eval": self.spec(), "plan": plan()});
        put("_journal/start.json", &start)?;
        let mut summaries = Vec::new();
        for trial in self.answers.trials {
            let sample = self.sample(trial);
            let name = format!("samples/{}_epoch_{}.json", trial.sample, trial.epoch + 1);
            put(&name, &sample)?;
            summaries.push(summary(&sample));
        }
        put("summaries.json", &Value::Array(summaries))?;
        put("header.json", &self.header())?;
        zip.finish()?;
        Ok(())
    }

    fn spec(&self) -> Value {
        let Answers { model, suite, .. } = self.answers;
        let epochs = self.answers.trials.iter().map(|t| t.epoch + 1).max();
        let part = |from: usize| self.id.get(from..from + 22).unwrap_or(self.id);
        json!({
            "eval_id": part(0),
            "run_id": part(22),
            "created": self.answers.created.to_string(),
            "task": suite.name,
            "task_id": part(40),
            "task_version": suite.version,
            "task_display_name": suite.title,
            "task_attribs": {},
            "task_args": {},
            "task_args_passed": {},
            "dataset": {
                "name": suite.name,
                "location": suite.source,
                "samples": suite.samples,
                "shuffled": false,
            },
            "model": model.identity.name,
            "model_generate_config": {},
            "model_args": {},
            "config": {"epochs": epochs},
            "packages": {"candor": env!("CARGO_PKG_VERSION")},
            "metadata": {
                "candor": {
                    "kind": suite.kind,
                    "content_hash": suite.content_hash,
                    "licence": suite.licence,
                    "model_specification": model.identity.spec,
                    "model_fingerprint": model.identity.fingerprint,
                },
            },
        })
    }

    fn header(&self) -> Value {
        let trials = self.answers.trials;
        let completed = trials.iter().filter(|t| t.failure.is_none()).count();
        let ended = trials.iter().map(|t| t.finished).max();
        let mut usage = Usage::nothing();
        for own in trials.iter().filter_map(|t| t.completion.as_ref()) {
            let add = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
            usage.prompt_tokens = add(usage.prompt_tokens, own.usage.prompt_tokens);
            usage.completion_tokens = add(usage.completion_tokens, own.usage.completion_tokens);
        }
        let scores: Vec<Value> = self
            .answers
            .figures
            .iter()
            .filter_map(|f| self.score(f))
            .collect();
        json!({
            "version": SCHEMA,
            "status": "success",
            "eval": self.spec(),
            "plan": plan(),
            "results": {
                "total_samples": trials.len(),
                "completed_samples": completed,
                "scores": scores,
            },
            "stats": {
                "started_at": self.answers.created.to_string(),
                "completed_at": ended.unwrap_or(self.answers.created).to_string(),
                "model_usage": self.usage_by_model(usage),
            },
        })
    }

    /// A figure with its standard error and both ends of its interval, each as a metric.
    fn score(&self, figure: &Figure) -> Option<Value> {
        let estimate = figure.estimate.as_ref().ok()?;
        let name = joined_name(&figure.scorer, &figure.metric);
        let has_value = |trial: &&TrialRecord| {
            let mut own = trial.scores.iter();
            own.any(|s| s.scorer == figure.scorer && s.metric == figure.metric && s.value.is_some())
        };
        let scored = self.answers.trials.iter().filter(has_value).count();
        let metric = |name: &str, value: f64| json!({"name": name, "value": value, "params": {}});
        let (low, high) = (estimate.interval.low, estimate.interval.high);
        let mut metrics = Map::new();
        metrics.insert("mean".into(), metric("mean", estimate.value));
        if let Some(error) = estimate.standard_error {
            metrics.insert("stderr".into(), metric("stderr", error));
        }
        metrics.insert("ci_lower".into(), metric("ci_lower", low));
        metrics.insert("ci_upper".into(), metric("ci_upper", high));
        Some(json!({
            "name": name,
            "scorer": name,
            "scored_samples": scored,
            "unscored_samples": self.answers.trials.len() - scored,
            "params": {},
            "metrics": metrics,
            "metadata": {"ci_level": LEVEL, "ci_method": estimate.method.name()},
        }))
    }

    fn sample(&self, trial: &TrialRecord) -> Value {
        let asked = messages(&trial.prompt);
        let mut conversation = asked.clone();
        let answer = trial.completion.as_ref().map(message_of);
        conversation.extend(answer.clone());
        let input = match &trial.prompt {
            Prompt::Text(text) => json!(text),
            Prompt::Chat(all) => match all.as_slice() {
                [only] if only.role == Role::User => json!(only.content),
                _ => json!(asked),
            },
        };
        let target = match trial.targets.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        let (mut scores, mut unscored) = (Map::new(), Map::new());
        for score in &trial.scores {
            let name = full_name(score);
            if let Some(value) = score.value {
                let answer = score.label.as_ref();
                scores.insert(
                    name,
                    json!({
                        "value": value,
                        "answer": answer,
                        "explanation": score.explanation,
                        "metadata": {"labelled_by": score.by, "version": score.version},
                    }),
                );
            } else {
                let label = json!({"label": score.label, "explanation": score.explanation});
                unscored.insert(name, label);
            }
        }
        let usage = trial
            .completion
            .as_ref()
            .map(|c| c.usage)
            .unwrap_or_default();
        let error = trial.failure.as_ref().map(
            |failure| json!({"message": failure.message, "traceback": "", "traceback_ansi": ""}),
        );
        json!({
            "id": trial.sample,
            "epoch": trial.epoch + 1,
            "input": input,
            "target": target,
            "messages": conversation,
            "output": self.output(trial, answer),
            "scores": scores,
            "metadata": {
                "strata": trial.strata,
                "candor": {
                    "trial_key": trial.trial,
                    "status": trial.status,
                    "finish": trial.completion.as_ref().map(|c| c.finish),
                    "signals": trial.completion.as_ref().map(|c| &c.signals),
                    "unscored": unscored,
                },
            },
            "store": {},
            "events": [],
            "model_usage": self.usage_by_model(usage),
            "completed_at": trial.finished.to_string(),
            "total_time": trial.completion.as_ref().map(|c| c.timing.total).filter(|s| *s > 0.0),
            "error": error,
            "attachments": {},
        })
    }

    fn output(&self, trial: &TrialRecord, answer: Option<Value>) -> Value {
        let model = &self.answers.model.identity.name;
        let (Some(completion), Some(message)) = (&trial.completion, answer) else {
            return json!({"model": model, "choices": [], "completion": ""});
        };
        let mut choice = json!({"message": message, "stop_reason": stop_reason(completion)});
        if let Some(details) = stop_details(completion) {
            choice["stop_details"] = details;
        }
        let served = completion.served.model.as_ref().unwrap_or(model);
        json!({
            "model": served,
            "choices": [choice],
            "completion": completion.text,
            "usage": usage_of(completion.usage),
            "time": (completion.timing.total > 0.0).then_some(completion.timing.total),
        })
    }

    /// Tokens under the model's name; nothing where they were not counted.
    fn usage_by_model(&self, usage: Usage) -> Value {
        let name = self.answers.model.identity.name.clone();
        let own = usage_of(usage).map(|usage| (name, usage));
        Value::Object(own.into_iter().collect())
    }
}

fn plan() -> Value {
    json!({"name": "candor", "steps": [], "config": {}})
}

/// What a list of samples shows of one.
fn summary(sample: &Value) -> Value {
    let fields = [
        "id",
        "epoch",
        "input",
        "target",
        "metadata",
        "scores",
        "model_usage",
        "completed_at",
        "total_time",
    ];
    let mut summary: Map<String, Value> = fields
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), sample.get(*name)?.clone())))
        .collect();
    if let Some(error) = sample.pointer("/error/message") {
        summary.insert("error".into(), error.clone());
    }
    summary.insert("completed".into(), true.into());
    Value::Object(summary)
}

fn messages(prompt: &Prompt) -> Vec<Value> {
    let message = |role: Role, content: &str| match role {
        Role::User => json!({"role": role, "content": content, "source": "input"}),
        _ => json!({"role": role, "content": content}),
    };
    match prompt {
        Prompt::Text(text) => vec![message(Role::User, text)],
        Prompt::Chat(all) => all
            .iter()
            .map(|Message { role, content }| message(*role, content))
            .collect(),
    }
}

/// The answer as a message; reasoning is a part of its content.
fn message_of(completion: &Completion) -> Value {
    let content = match &completion.reasoning {
        None => json!(completion.text),
        Some(reasoning) => json!([
            {"type": "reasoning", "reasoning": reasoning},
            {"type": "text", "text": completion.text},
        ]),
    };
    json!({"role": "assistant", "content": content, "source": "generate"})
}

fn stop_reason(completion: &Completion) -> &'static str {
    match completion.finish {
        _ if completion.is_blocked() => "content_filter",
        Finish::Stop => "stop",
        Finish::Length => "max_tokens",
        // Inspect stops at a provider's refusal as at a filter; the details distinguish them.
        Finish::ContentFilter | Finish::Refusal => "content_filter",
        Finish::Error | Finish::Unknown => "unknown",
    }
}

/// What the provider said when it kept the answer back.
fn stop_details(completion: &Completion) -> Option<Value> {
    let (mut kind, mut explanation) = match completion.finish {
        Finish::Refusal => (Some("refusal"), None),
        Finish::ContentFilter => (Some("content_filter"), None),
        _ => (None, None),
    };
    let mut categories = Vec::new();
    // The last of them counts: a block outweighs a refusal.
    for signal in &completion.signals {
        let (told, words) = match signal {
            Signal::PromptBlocked { reason } => ("prompt_blocked", reason),
            Signal::AnswerBlocked { reason } => ("answer_blocked", reason),
            Signal::Refusal { text } if !completion.is_blocked() => ("refusal", text),
            Signal::Moderation { category, level } => {
                let level = Some(level).filter(|level| *level != NO_LEVEL);
                categories.push(json!({"category": category, "level": level}));
                continue;
            }
            _ => continue,
        };
        (kind, explanation) = (Some(told), Some(words));
    }
    if kind.is_none() && categories.is_empty() {
        return None;
    }
    let first = categories.first().map(|c| c["category"].clone());
    Some(json!({
        "type": kind,
        "category": first,
        "explanation": explanation,
        "categories": categories,
    }))
}

fn usage_of(usage: Usage) -> Option<Value> {
    let (read, written) = (usage.prompt_tokens?, usage.completion_tokens?);
    // Inspect counts what a cache gave apart.
    let cached = [usage.cached_tokens, usage.cache_write_tokens];
    let cached: u64 = cached.into_iter().flatten().sum();
    Some(json!({
        "input_tokens": read.saturating_sub(cached),
        "output_tokens": written,
        "total_tokens": read.saturating_add(written),
        "input_tokens_cache_read": usage.cached_tokens,
        "input_tokens_cache_write": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_cost": usage.cost.map(|cost| cost.0),
    }))
}
