//! Anthropic's Messages API.
//!
//! Shapes: <https://docs.anthropic.com/en/api/messages>, its streaming page, and the page on handling stop reasons.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::pieces::{Gather, Piece, Pieces};
use super::{Ask, Dialect, KeyHeader, Streamed, count, ending};
use crate::model::remote::answer::{answer, fail, nothing};
use crate::model::remote::content::Said;
use crate::model::remote::setting::Setting;
use crate::model::{Completion, Finish, Signal, Usage};

/// `POST /messages`.
pub(in crate::model::remote) const ANTHROPIC: &dyn Dialect = &Anthropic;

struct Anthropic;

impl Dialect for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn path(&self, _: &str, _: bool) -> String {
        "messages".into()
    }

    fn key_header(&self) -> KeyHeader {
        KeyHeader::Named("x-api-key")
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn lacks(&self) -> &'static [Setting] {
        &[Setting::Seed, Setting::ResponseFormat]
    }

    fn body(&self, ask: &Ask<'_>) -> Value {
        let (system, turns) = ask.turns();
        let (temperature, top_p, top_k) = ask.sampling();
        let asked = &ask.request.parameters;
        let mut body =
            json!({"model": ask.model, "max_tokens": asked.max_tokens, "messages": turns});
        for (name, value) in [
            ("system", system.map(Value::from)),
            ("temperature", temperature.map(Value::from)),
            ("top_p", top_p.map(Value::from)),
            ("top_k", top_k.map(Value::from)),
            ("stop_sequences", ask.stop(usize::MAX)),
            ("stream", ask.stream.then_some(true.into())),
        ] {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        body
    }

    fn read(&self, body: &Value) -> Option<Completion> {
        let content = body.get("content").filter(|c| c.is_array());
        let mut completion = content.map_or_else(nothing, |_| {
            let mut completion = answer(Said::read(body), ending(body, self.reason_at()));
            if completion.finish == Finish::Refusal {
                stopped_by_a_classifier(&mut completion, body);
            }
            completion
        });
        completion.usage = self.usage(body);
        match self.fault(body) {
            Some(fault) => fail(&mut completion, &fault),
            None => _ = content?,
        }
        Some(completion)
    }

    /// What was read from and written to its cache was part of the prompt.
    fn usage(&self, body: &Value) -> Usage {
        let written = count(body, "/usage/cache_creation_input_tokens");
        let read = count(body, "/usage/cache_read_input_tokens");
        let cached = [written, read].into_iter().flatten();
        let cached = cached.fold(0, u64::saturating_add);
        Usage {
            prompt_tokens: count(body, "/usage/input_tokens").map(|n| n.saturating_add(cached)),
            completion_tokens: count(body, "/usage/output_tokens"),
            cached_tokens: read,
            cache_write_tokens: written,
            ..Usage::default()
        }
    }

    fn reason_at(&self) -> &'static str {
        "/stop_reason"
    }

    fn calls_tools(&self, body: &Value) -> bool {
        body["stop_reason"] == "tool_use"
    }

    fn streamed(&self, asked: Instant) -> Box<dyn Streamed> {
        Box::new(Pieces::new(asked, Blocks::default()))
    }
}

/// The stop reason `refusal` is a classifier's that watches the answer, not the model's: a block, with its category where one is named.
fn stopped_by_a_classifier(completion: &mut Completion, body: &Value) {
    let said = |at| body.pointer(at).and_then(Value::as_str);
    let category = said("/stop_details/category");
    let reason = ["refusal"]
        .into_iter()
        .chain(category)
        .chain(said("/stop_details/explanation"));
    completion.finish = Finish::ContentFilter;
    completion.signals.push(Signal::AnswerBlocked {
        reason: reason.collect::<Vec<_>>().join(": "),
    });
    completion
        .signals
        .extend(category.map(|category| Signal::Moderation {
            category: category.to_owned(),
            level: "stopped".into(),
        }));
}

/// A message by its blocks.
#[derive(Default)]
struct Blocks {
    message: Map<String, Value>,
    content: Vec<Value>,
}

impl Gather for Blocks {
    fn take(&mut self, mut chunk: Value) -> Piece {
        match chunk["type"].as_str().unwrap_or_default() {
            "message_start" => {
                if let Value::Object(message) = chunk["message"].take() {
                    self.message = message;
                }
            }
            "content_block_start" => {
                self.content.push(chunk["content_block"].take());
                return self.words_so_far();
            }
            "content_block_delta" => {
                let delta = &chunk["delta"];
                for name in ["text", "thinking"] {
                    if let (Some(more), Some(block)) =
                        (delta[name].as_str(), self.content.last_mut())
                    {
                        let before = block[name].as_str().unwrap_or_default();
                        block[name] = format!("{before}{more}").into();
                    }
                }
                return self.words_so_far();
            }
            "message_delta" => {
                // Counts are of the whole message so far.
                if let Value::Object(delta) = chunk["delta"].take() {
                    self.message.extend(delta);
                }
                if let Value::Object(counts) = chunk["usage"].take() {
                    let usage = self.message.entry("usage").or_insert_with(|| json!({}));
                    for (name, n) in counts.into_iter().filter(|(_, n)| n.is_u64()) {
                        usage[name] = n;
                    }
                }
                if self
                    .message
                    .get("stop_reason")
                    .is_some_and(Value::is_string)
                {
                    return Piece::Finish;
                }
            }
            "message_stop" => return Piece::Last,
            _ => {}
        }
        Piece::Note
    }

    fn body(mut self) -> Value {
        self.message.insert("content".into(), self.content.into());
        Value::Object(self.message)
    }
}

impl Blocks {
    fn words_so_far(&self) -> Piece {
        let has_words = self.content.last().is_some_and(|block| {
            let is_said = |name: &str| block[name].as_str().is_some_and(|w| !w.is_empty());
            is_said("text") || is_said("thinking")
        });
        if has_words { Piece::Words } else { Piece::Note }
    }
}
