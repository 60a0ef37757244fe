//! OpenAI's Responses API.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference/responses> and its page on streaming events.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::pieces::{Gather, Piece, Pieces};
use super::{Ask, Dialect, Streamed, count};
use crate::model::remote::answer::{answer, fail, nothing};
use crate::model::remote::content::Said;
use crate::model::remote::fault::{Fault, present};
use crate::model::remote::finish::Ending;
use crate::model::remote::quirks::Schema;
use crate::model::remote::setting::Setting;
use crate::model::{Completion, Finish, Usage};

/// `POST /responses`.
pub(in crate::model::remote) const RESPONSES: &dyn Dialect = &Responses;

/// The fewest tokens that the API lets an answer be limited to.
const MIN_TOKENS: u32 = 16;

struct Responses;

impl Dialect for Responses {
    fn name(&self) -> &'static str {
        "responses"
    }

    fn path(&self, _: &str, _: bool) -> String {
        "responses".into()
    }

    fn lacks(&self) -> &'static [Setting] {
        &[Setting::Seed, Setting::Stop, Setting::TopK]
    }

    fn body(&self, ask: &Ask<'_>) -> Value {
        let (system, turns) = ask.turns();
        let (temperature, top_p, _) = ask.sampling();
        let asked = &ask.request.parameters;
        let schema = asked
            .response_schema
            .as_ref()
            .filter(|_| ask.takes(Setting::ResponseFormat))
            .map(|schema| match ask.quirks.schema {
                Schema::Json => {
                    json!({"format": {"type": "json_schema", "name": "answer", "strict": true, "schema": schema}})
                }
                Schema::AnyJson => json!({"format": {"type": "json_object"}}),
            });
        let mut body = json!({"model": ask.model, "input": turns, "max_output_tokens": asked.max_tokens.max(MIN_TOKENS), "store": false});
        for (name, value) in [
            ("instructions", system.map(Value::from)),
            ("temperature", temperature.map(Value::from)),
            ("top_p", top_p.map(Value::from)),
            ("text", schema),
            ("stream", ask.stream.then_some(true.into())),
        ] {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        body
    }

    fn read(&self, body: &Value) -> Option<Completion> {
        let output = body.get("output").and_then(Value::as_array);
        let mut completion = output.map_or_else(nothing, |items| {
            let mut completion = answer(said(items), ended(body));
            if items.is_empty() && completion.finish == Finish::Stop {
                completion.finish = Finish::Error;
            }
            completion
        });
        completion.usage = self.usage(body);
        match self.fault(body) {
            Some(fault) => fail(&mut completion, &fault),
            None => _ = output?,
        }
        Some(completion)
    }

    /// Every response has `error`, which is null where there is none.
    fn fault(&self, body: &Value) -> Option<Fault> {
        match present(body, "error") {
            Some(error) => Fault::inside(&json!({ "error": error })),
            None if body.get("output").is_some() => None,
            None => Fault::inside(body),
        }
    }

    fn usage(&self, body: &Value) -> Usage {
        Usage {
            prompt_tokens: count(body, "/usage/input_tokens"),
            completion_tokens: count(body, "/usage/output_tokens"),
            cached_tokens: count(body, "/usage/input_tokens_details/cached_tokens"),
            reasoning_tokens: count(body, "/usage/output_tokens_details/reasoning_tokens"),
            ..Usage::default()
        }
    }

    fn reason_at(&self) -> &'static str {
        "/status"
    }

    fn calls_tools(&self, body: &Value) -> bool {
        let items = body["output"].as_array();
        items.is_some_and(|items| {
            items
                .iter()
                .any(|item| item["type"].as_str().is_some_and(|t| t.ends_with("_call")))
        })
    }

    fn streamed(&self, asked: Instant) -> Box<dyn Streamed> {
        Box::new(Pieces::new(asked, Items::default()))
    }
}

/// What the items say: messages with text and refusals, and thinking in items of its own.
fn said(items: &[Value]) -> Said {
    let mut said = Said::default();
    for item in items {
        let part = match item["type"].as_str() {
            Some("message") => Said::read(item),
            Some("reasoning") => {
                let whole = item
                    .get("content")
                    .filter(|c| c.as_array().is_some_and(|c| !c.is_empty()));
                Said::read(&json!({"reasoning": whole.unwrap_or(&item["summary"])}))
            }
            _ => continue,
        };
        said.text += &part.text;
        said.reasoning += &part.reasoning;
        said.refusal += &part.refusal;
    }
    said
}

/// `completed`, or why it is incomplete.
fn ended(body: &Value) -> Ending {
    let said = |at| body.pointer(at).and_then(Value::as_str);
    Ending::of(
        said("/incomplete_details/reason")
            .or(said("/status"))
            .unwrap_or_default(),
    )
}

/// A response by its events: the last one holds the whole; before it, only the words count.
#[derive(Default)]
struct Items {
    whole: Option<Value>,
    text: String,
    refusal: String,
    reasoning: String,
}

impl Gather for Items {
    fn take(&mut self, mut chunk: Value) -> Piece {
        let kind = chunk["type"].as_str().unwrap_or_default().to_owned();
        let place = match kind.as_str() {
            "response.output_text.delta" => &mut self.text,
            "response.refusal.delta" => &mut self.refusal,
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                &mut self.reasoning
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.whole = Some(chunk["response"].take());
                return Piece::Last;
            }
            _ => return Piece::Note,
        };
        match chunk["delta"].as_str() {
            Some(more) if !more.is_empty() => {
                *place += more;
                Piece::Words
            }
            _ => Piece::Note,
        }
    }

    /// Where a stream ends without the words that it had brought, they were retracted: they are kept.
    fn body(self) -> Value {
        let mut whole = match self.whole {
            Some(Value::Object(whole)) => whole,
            _ => Map::new(),
        };
        let has_items = whole
            .get("output")
            .and_then(Value::as_array)
            .is_some_and(|o| !o.is_empty());
        let said = [&self.text, &self.refusal, &self.reasoning];
        if !has_items && said.iter().any(|words| !words.is_empty()) {
            let mut items = Vec::new();
            if !self.reasoning.is_empty() {
                items.push(json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": self.reasoning}]}));
            }
            items.push(json!({"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": self.text},
                {"type": "refusal", "refusal": self.refusal},
            ]}));
            whole.insert("output".into(), items.into());
        }
        Value::Object(whole)
    }
}
