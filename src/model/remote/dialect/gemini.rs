//! Google's `generateContent`, of the Gemini API and of Vertex AI.
//!
//! Shapes: <https://ai.google.dev/api/generate-content>, and for Vertex AI <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::pieces::{Gather, Piece, Pieces};
use super::{Ask, Dialect, KeyHeader, Streamed, count, ending, segment};
use crate::model::remote::answer::{answer, fail, nothing};
use crate::model::remote::content::Said;
use crate::model::remote::finish::reason;
use crate::model::remote::quirks::Quirks;
use crate::model::remote::setting::Setting;
use crate::model::{Completion, Control, Finish, Role, Signal, Usage};

/// `POST /models/NAME:generateContent`.
pub(in crate::model::remote) const GEMINI: &dyn Dialect = &Gemini;

struct Gemini;

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn path(&self, model: &str, stream: bool) -> String {
        let model = segment(model.strip_prefix("models/").unwrap_or(model));
        if stream {
            format!("models/{model}:streamGenerateContent?alt=sse")
        } else {
            format!("models/{model}:generateContent")
        }
    }

    fn key_header(&self) -> KeyHeader {
        KeyHeader::Named("x-goog-api-key")
    }

    fn controls(&self, _: &Quirks) -> &'static [(Control, &'static str)] {
        &[
            (Control::PresencePenalty, "presencePenalty"),
            (Control::FrequencyPenalty, "frequencyPenalty"),
        ]
    }

    fn body(&self, ask: &Ask<'_>) -> Value {
        let (system, turns) = ask.turns();
        let turns: Vec<Value> = turns
            .iter()
            .map(|turn| {
                let role = if turn.role == Role::Assistant {
                    "model"
                } else {
                    "user"
                };
                json!({"role": role, "parts": [{"text": turn.content}]})
            })
            .collect();
        let (temperature, top_p, top_k) = ask.sampling();
        let asked = &ask.request.parameters;
        let schema = asked
            .response_schema
            .as_ref()
            .filter(|_| ask.takes(Setting::ResponseFormat));
        let mut settings = json!({"maxOutputTokens": asked.max_tokens});
        for (name, value) in [
            ("temperature", temperature.map(Value::from)),
            ("topP", top_p.map(Value::from)),
            ("topK", top_k.map(Value::from)),
            ("stopSequences", ask.stop(5)),
            ("seed", asked.seed.map(|seed| (seed & 0x7fff_ffff).into())),
            (
                "responseMimeType",
                schema.map(|_| "application/json".into()),
            ),
            ("responseJsonSchema", schema.cloned()),
        ] {
            if let Some(value) = value {
                settings[name] = value;
            }
        }
        for (name, value) in ask.controls(self) {
            settings[name] = value;
        }
        let mut body = json!({"contents": turns, "generationConfig": settings});
        if let Some(system) = system {
            body["systemInstruction"] = json!({"parts": [{"text": system}]});
        }
        body
    }

    fn read(&self, body: &Value) -> Option<Completion> {
        let body = first_of_list(body);
        let candidate = body.pointer("/candidates/0");
        let mut completion = candidate.map_or_else(nothing, |candidate| {
            let mut completion = answer(said(candidate), ending(candidate, "/finishReason"));
            completion.signals.extend(ratings(candidate));
            completion
        });
        completion.usage = self.usage(body);
        if let Some(fault) = self.fault(body) {
            fail(&mut completion, &fault);
        } else if let Some(reason) = block_reason(body) {
            completion.finish = Finish::ContentFilter;
            completion
                .signals
                .insert(0, Signal::PromptBlocked { reason });
            completion.signals.extend(ratings(&body["promptFeedback"]));
        } else {
            candidate?;
        }
        Some(completion)
    }

    /// Thinking is counted apart from the answer.
    fn usage(&self, body: &Value) -> Usage {
        let body = first_of_list(body);
        let said = count(body, "/usageMetadata/candidatesTokenCount");
        let thought = count(body, "/usageMetadata/thoughtsTokenCount");
        Usage {
            prompt_tokens: count(body, "/usageMetadata/promptTokenCount"),
            completion_tokens: match (said, thought) {
                (None, None) => None,
                (said, thought) => Some(said.unwrap_or(0).saturating_add(thought.unwrap_or(0))),
            },
            cached_tokens: count(body, "/usageMetadata/cachedContentTokenCount"),
            reasoning_tokens: thought,
            ..Usage::default()
        }
    }

    fn reason_at(&self) -> &'static str {
        "/candidates/0/finishReason"
    }

    fn is_hollow(&self, body: &Value) -> bool {
        body.is_null()
            || body.is_object()
                && body
                    .get("candidates")
                    .is_none_or(|c| c.as_array().is_some_and(Vec::is_empty))
                && body.get("choices").is_none()
    }

    fn streamed(&self, asked: Instant) -> Box<dyn Streamed> {
        Box::new(Pieces::new(asked, Candidates::default()))
    }
}

/// A whole stream that came as a list is read by its first element: an error comes so.
fn first_of_list(body: &Value) -> &Value {
    body.as_array()
        .and_then(|list| list.first())
        .unwrap_or(body)
}

/// The parts of a candidate: those marked as thoughts are its thinking.
fn said(candidate: &Value) -> Said {
    let mut said = Said::default();
    let parts = candidate
        .pointer("/content/parts")
        .and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        let words = part["text"].as_str().unwrap_or_default();
        if part["thought"] == true {
            said.reasoning += words;
        } else {
            said.text += words;
        }
    }
    said
}

fn block_reason(body: &Value) -> Option<String> {
    let feedback = body.get("promptFeedback")?;
    let said = reason(feedback.get("blockReason")?)?;
    if said.ends_with("UNSPECIFIED") {
        return None;
    }
    match feedback.get("blockReasonMessage").and_then(reason) {
        Some(message) => Some(format!("{said}: {message}")),
        None => Some(said),
    }
}

/// The ratings of safety that blocked something.
fn ratings(node: &Value) -> Vec<Signal> {
    let all = node.get("safetyRatings").and_then(Value::as_array);
    let blocking = all.into_iter().flatten().filter(|r| r["blocked"] == true);
    blocking
        .filter_map(|rating| {
            Some(Signal::Moderation {
                category: rating["category"].as_str()?.to_owned(),
                level: rating["probability"]
                    .as_str()
                    .unwrap_or("blocked")
                    .to_owned(),
            })
        })
        .collect()
}

/// A response by its chunks, each of which is a response with some more parts.
#[derive(Default)]
struct Candidates {
    rest: Map<String, Value>,
    candidate: Map<String, Value>,
    parts: Vec<Value>,
}

impl Gather for Candidates {
    fn take(&mut self, mut chunk: Value) -> Piece {
        let mut piece = Piece::Note;
        if let Some(Value::Object(mut candidate)) =
            chunk.pointer_mut("/candidates/0").map(Value::take)
        {
            let content = candidate.remove("content").unwrap_or_default();
            if let Some(Value::Array(parts)) = content.get("parts").cloned() {
                piece = if parts.is_empty() {
                    piece
                } else {
                    Piece::Words
                };
                self.parts.extend(parts);
            }
            self.candidate.extend(candidate);
            if self
                .candidate
                .get("finishReason")
                .is_some_and(Value::is_string)
            {
                piece = Piece::Finish;
            }
        }
        if let Value::Object(mut rest) = chunk {
            rest.remove("candidates");
            if rest.contains_key("promptFeedback") {
                piece = Piece::Finish;
            }
            self.rest.extend(rest);
        }
        piece
    }

    fn body(mut self) -> Value {
        if !self.parts.is_empty() || !self.candidate.is_empty() {
            self.candidate
                .insert("content".into(), json!({"parts": self.parts}));
            self.rest
                .insert("candidates".into(), json!([self.candidate]));
        }
        Value::Object(self.rest)
    }
}
