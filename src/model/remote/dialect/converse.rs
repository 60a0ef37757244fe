//! Amazon Bedrock's Converse API, which is the same for every model there.
//!
//! Shapes: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>. Its streams are of a binary format of
//! their own, so that answers come in one piece.

use std::time::Instant;

use serde_json::{Value, json};

use super::pieces::{Gather, Piece, Pieces};
use super::{Ask, Dialect, Streamed, count, ending, segment};
use crate::model::remote::answer::{answer, fail, nothing};
use crate::model::remote::content::Said;
use crate::model::remote::setting::Setting;
use crate::model::{Completion, Finish, Signal, Usage};

/// `POST /model/NAME/converse`.
pub(in crate::model::remote) const CONVERSE: &dyn Dialect = &Converse;

struct Converse;

impl Dialect for Converse {
    fn name(&self) -> &'static str {
        "converse"
    }

    fn path(&self, model: &str, _: bool) -> String {
        // A model's name holds colons, and as an ARN slashes.
        format!("model/{}/converse", segment(model).replace(':', "%3A"))
    }

    fn lacks(&self) -> &'static [Setting] {
        &[Setting::Seed, Setting::ResponseFormat, Setting::TopK]
    }

    fn body(&self, ask: &Ask<'_>) -> Value {
        let (system, turns) = ask.turns();
        let turns: Vec<Value> = turns
            .iter()
            .map(|turn| json!({"role": turn.role, "content": [{"text": turn.content}]}))
            .collect();
        let (temperature, top_p, _) = ask.sampling();
        let asked = &ask.request.parameters;
        let mut settings = json!({"maxTokens": asked.max_tokens});
        for (name, value) in [
            ("temperature", temperature.map(Value::from)),
            ("topP", top_p.map(Value::from)),
            ("stopSequences", ask.stop(4)),
        ] {
            if let Some(value) = value {
                settings[name] = value;
            }
        }
        let mut body = json!({"messages": turns, "inferenceConfig": settings});
        if let Some(system) = system {
            body["system"] = json!([{"text": system}]);
        }
        body
    }

    fn read(&self, body: &Value) -> Option<Completion> {
        let message = body.pointer("/output/message");
        let mut completion = message.map_or_else(nothing, |message| {
            let mut completion = answer(said(message), ending(body, self.reason_at()));
            if completion.finish == Finish::ContentFilter {
                turn_to_prompt(&mut completion, body);
                completion.signals.extend(assessments(body));
            }
            completion
        });
        completion.usage = self.usage(body);
        match self.fault(body) {
            Some(fault) => fail(&mut completion, &fault),
            None => _ = message?,
        }
        Some(completion)
    }

    fn usage(&self, body: &Value) -> Usage {
        let read = count(body, "/usage/cacheReadInputTokens");
        let written = count(body, "/usage/cacheWriteInputTokens");
        let cached = [written, read].into_iter().flatten();
        let cached = cached.fold(0, u64::saturating_add);
        Usage {
            prompt_tokens: count(body, "/usage/inputTokens").map(|n| n.saturating_add(cached)),
            completion_tokens: count(body, "/usage/outputTokens"),
            cached_tokens: read,
            cache_write_tokens: written,
            ..Usage::default()
        }
    }

    fn reason_at(&self) -> &'static str {
        "/stopReason"
    }

    fn calls_tools(&self, body: &Value) -> bool {
        body["stopReason"] == "tool_use"
    }

    fn streamed(&self, asked: Instant) -> Box<dyn Streamed> {
        Box::new(Pieces::new(asked, Unstreamed(Value::Null)))
    }
}

/// Blocks of text, and blocks of thinking.
fn said(message: &Value) -> Said {
    let mut said = Said::default();
    for block in message["content"].as_array().into_iter().flatten() {
        said.text += block["text"].as_str().unwrap_or_default();
        let thought = block.pointer("/reasoningContent/reasoningText/text");
        said.reasoning += thought.and_then(Value::as_str).unwrap_or_default();
    }
    said
}

/// A guardrail's words are where the answer should. Where its trace assessed the input alone, no answer was made.
fn turn_to_prompt(completion: &mut Completion, body: &Value) {
    let trace = body.pointer("/trace/guardrail");
    let assessed = |name: &str| {
        let found = trace.and_then(|t| t.get(name)).and_then(Value::as_object);
        found.is_some_and(|found| !found.is_empty())
    };
    if !assessed("inputAssessment") || assessed("outputAssessments") {
        return;
    }
    for signal in &mut completion.signals {
        if let Signal::AnswerBlocked { reason } = signal {
            *signal = Signal::PromptBlocked {
                reason: std::mem::take(reason),
            };
        }
    }
}

/// What the guardrail's trace says that it blocked: topics, filters of content, words.
fn assessments(body: &Value) -> Vec<Signal> {
    let mut found = Vec::new();
    if let Some(trace) = body.pointer("/trace/guardrail") {
        collect_blocked(trace, &mut found);
    }
    found
}

fn collect_blocked(node: &Value, found: &mut Vec<Signal>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| collect_blocked(item, found)),
        Value::Object(fields) => {
            if fields.get("action").is_some_and(|a| a == "BLOCKED") {
                let said = |name: &str| fields.get(name).and_then(Value::as_str);
                if let Some(category) = said("name").or(said("type")).or(said("match")) {
                    found.push(Signal::Moderation {
                        category: category.to_owned(),
                        level: said("confidence").unwrap_or("BLOCKED").to_owned(),
                    });
                }
            }
            fields
                .values()
                .for_each(|value| collect_blocked(value, found));
        }
        _ => {}
    }
}

/// What a gateway streams in this API's name is a body in one event.
struct Unstreamed(Value);

impl Gather for Unstreamed {
    fn take(&mut self, chunk: Value) -> Piece {
        self.0 = chunk;
        Piece::Last
    }

    fn body(self) -> Value {
        self.0
    }
}
