//! Ollama's own chat API.
//!
//! Shapes: <https://github.com/ollama/ollama/blob/main/docs/api.md>.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::pieces::{Gather, Piece, Pieces};
use super::{Ask, Dialect, Streamed, count, ending};
use crate::model::remote::answer::{answer, fail, nothing};
use crate::model::remote::content::Said;
use crate::model::remote::quirks::Quirks;
use crate::model::remote::setting::Setting;
use crate::model::{Completion, Control, Message, Prompt, Role, Usage};

/// `POST /api/chat`.
pub(in crate::model::remote) const OLLAMA: &dyn Dialect = &Ollama;

struct Ollama;

impl Dialect for Ollama {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn path(&self, _: &str, _: bool) -> String {
        "api/chat".into()
    }

    fn controls(&self, _: &Quirks) -> &'static [(Control, &'static str)] {
        &[
            (Control::MinP, "min_p"),
            (Control::RepetitionPenalty, "repeat_penalty"),
            (Control::PresencePenalty, "presence_penalty"),
            (Control::FrequencyPenalty, "frequency_penalty"),
        ]
    }

    fn body(&self, ask: &Ask<'_>) -> Value {
        let text;
        let messages = match &ask.request.prompt {
            Prompt::Chat(messages) => messages.as_slice(),
            Prompt::Text(content) => {
                text = [Message {
                    role: Role::User,
                    content: content.clone(),
                }];
                &text
            }
        };
        let (temperature, top_p, top_k) = ask.sampling();
        let asked = &ask.request.parameters;
        let mut options = json!({"num_predict": asked.max_tokens});
        for (name, value) in [
            ("temperature", temperature.map(Value::from)),
            ("top_p", top_p.map(Value::from)),
            ("top_k", top_k.map(Value::from)),
            ("stop", ask.stop(usize::MAX)),
            ("seed", asked.seed.map(|seed| (seed & 0x7fff_ffff).into())),
        ] {
            if let Some(value) = value {
                options[name] = value;
            }
        }
        for (name, value) in ask.controls(self) {
            options[name] = value;
        }
        let mut body = json!({"model": ask.model, "messages": messages, "stream": ask.stream, "options": options});
        let schema = asked.response_schema.as_ref();
        if let Some(schema) = schema.filter(|_| ask.takes(Setting::ResponseFormat)) {
            body["format"] = schema.clone();
        }
        body
    }

    fn read(&self, body: &Value) -> Option<Completion> {
        let message = body.get("message").filter(|m| m.is_object());
        let mut completion = message.map_or_else(nothing, |m| {
            answer(Said::read(m), ending(body, self.reason_at()))
        });
        completion.usage = self.usage(body);
        match self.fault(body) {
            Some(fault) => fail(&mut completion, &fault),
            None => _ = message?,
        }
        Some(completion)
    }

    fn usage(&self, body: &Value) -> Usage {
        Usage {
            prompt_tokens: count(body, "/prompt_eval_count"),
            completion_tokens: count(body, "/eval_count"),
            ..Usage::default()
        }
    }

    fn reason_at(&self) -> &'static str {
        "/done_reason"
    }

    fn streams_lines(&self) -> bool {
        true
    }

    fn streamed(&self, asked: Instant) -> Box<dyn Streamed> {
        Box::new(Pieces::new(asked, Lines::default()))
    }
}

/// A message by its lines; the last one counts.
#[derive(Default)]
struct Lines {
    said: Said,
    last: Map<String, Value>,
}

impl Gather for Lines {
    fn take(&mut self, chunk: Value) -> Piece {
        let piece = chunk.get("message").map(Said::read).unwrap_or_default();
        let has_words = !piece.is_empty();
        self.said.text += &piece.text;
        self.said.reasoning += &piece.reasoning;
        let is_last = chunk["done"] == true;
        if let Value::Object(fields) = chunk {
            self.last = fields;
        }
        match (is_last, has_words) {
            (true, _) => Piece::Last,
            (false, true) => Piece::Words,
            (false, false) => Piece::Note,
        }
    }

    fn body(mut self) -> Value {
        let message = json!({"role": "assistant", "content": self.said.text, "thinking": self.said.reasoning});
        self.last.insert("message".into(), message);
        Value::Object(self.last)
    }
}
