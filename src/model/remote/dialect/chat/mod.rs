//! Chat completions: OpenAI's API, and that of every server that is compatible with it.

mod answer;
mod beside;
mod request;
mod stream;

use std::time::Instant;

use serde_json::Value;

use super::{Ask, Dialect, Streamed, openai_controls};
use crate::model::remote::fault::Fault;
use crate::model::remote::quirks::Quirks;
use crate::model::{Completion, Control, Usage};

pub use answer::read_chat_completion;
pub(super) use answer::usage;

/// `POST /chat/completions`.
pub(in crate::model::remote) const CHAT: &dyn Dialect = &Chat;

struct Chat;

impl Dialect for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn path(&self, _: &str, _: bool) -> String {
        "chat/completions".into()
    }

    fn ends_before(&self) -> String {
        "/chat/completions, usually in /v1".into()
    }

    fn answers_with(&self) -> String {
        "a chat completion".into()
    }

    fn controls(&self, quirks: &Quirks) -> &'static [(Control, &'static str)] {
        openai_controls(quirks)
    }

    fn body(&self, ask: &Ask<'_>) -> Value {
        let mut body = request::body(ask);
        for (name, value) in ask.controls(self) {
            body[name] = value;
        }
        body
    }

    fn read(&self, body: &Value) -> Option<Completion> {
        read_chat_completion(body)
    }

    fn fault(&self, body: &Value) -> Option<Fault> {
        answer::fault(body)
    }

    fn usage(&self, body: &Value) -> Usage {
        usage(body)
    }

    fn reason_at(&self) -> &'static str {
        "/choices/0/finish_reason"
    }

    fn is_hollow(&self, body: &Value) -> bool {
        match body.get("choices") {
            Some(choices) => choices.is_null() || choices.as_array().is_some_and(Vec::is_empty),
            None => body.as_object().is_some_and(serde_json::Map::is_empty) || body.is_null(),
        }
    }

    fn calls_tools(&self, body: &Value) -> bool {
        answer::calls_tools(body)
    }

    fn streamed(&self, asked: Instant) -> Box<dyn Streamed> {
        Box::new(stream::StreamedChat::new(asked))
    }
}
