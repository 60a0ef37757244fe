//! A streamed chat completion, joined into the body that would have come in one piece.
//!
//! A stream shows what a body hides: that an answer began before it was taken back. What was said until then is kept as the content.

use std::time::Instant;

use serde_json::{Map, Value, json};

/// What has come so far.
pub(super) struct Joined {
    started: Instant,
    first_token: Option<f64>,
    content: String,
    reasoning: String,
    refusal: String,
    finish: Option<Value>,
    usage: Option<Value>,
    filters: Option<Value>,
    /// An error in the middle of the stream.
    error: Option<Value>,
    /// What a later chunk put in the place of all that was said.
    replacement: Option<String>,
    /// Whether the server said that it is over.
    ended: bool,
}

impl Joined {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            first_token: None,
            content: String::new(),
            reasoning: String::new(),
            refusal: String::new(),
            finish: None,
            usage: None,
            filters: None,
            error: None,
            replacement: None,
            ended: false,
        }
    }

    /// Takes the data of an event in.
    ///
    /// # Errors
    /// What is wrong with it, where it is neither JSON nor the end.
    pub(super) fn push(&mut self, data: &str) -> Result<(), String> {
        if data.trim() == "[DONE]" {
            self.ended = true;
            return Ok(());
        }
        let mut chunk: Value = serde_json::from_str(data).map_err(|e| e.to_string())?;
        if let Some(error) = chunk.get("error").filter(|e| !e.is_null()) {
            (self.error, self.ended) = (Some(error.clone()), true);
            return Ok(());
        }
        if let Some(usage) = chunk.get_mut("usage").filter(|u| !u.is_null()) {
            self.usage = Some(usage.take());
        }
        let Some(choice) = chunk.pointer_mut("/choices/0") else {
            return Ok(());
        };
        let part = |choice: &Value, path: &str| {
            let text = choice.pointer(path).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let content = part(choice, "/delta/content");
        let reasoning = ["/delta/reasoning_content", "/delta/reasoning"]
            .map(|path| part(choice, path))
            .concat();
        if self.first_token.is_none() && !(content.is_empty() && reasoning.is_empty()) {
            self.first_token = Some(self.started.elapsed().as_secs_f64());
        }
        self.content += &content;
        self.reasoning += &reasoning;
        self.refusal += &part(choice, "/delta/refusal");
        let whole = part(choice, "/message/content");
        if !whole.is_empty() {
            if self.content.is_empty() {
                self.content = whole;
            } else {
                self.replacement = Some(whole);
            }
        }
        for (name, place) in [
            ("finish_reason", &mut self.finish),
            ("content_filter_results", &mut self.filters),
        ] {
            if let Some(said) = choice.get_mut(name).filter(|s| !s.is_null()) {
                *place = Some(said.take());
            }
        }
        self.ended |= self.finish.is_some();
        Ok(())
    }

    /// Seconds to the first token.
    pub(super) fn first_token(&self) -> Option<f64> {
        self.first_token
    }

    /// The body; none where the stream broke off in the middle.
    pub(super) fn body(self) -> Option<Value> {
        if !self.ended {
            return None;
        }
        let mut body = Map::new();
        if let Some(usage) = self.usage {
            body.insert("usage".into(), usage);
        }
        let silent = self.content.is_empty() && self.reasoning.is_empty() && self.finish.is_none();
        match self.error {
            Some(error) if silent => {
                body.insert("error".into(), error);
                return Some(Value::Object(body));
            }
            error => {
                let mut choice = json!({
                    "message": {"content": self.content, "reasoning_content": self.reasoning, "refusal": self.refusal},
                    "finish_reason": self.finish,
                });
                if let Some(replacement) = self.replacement {
                    choice["replaced_by"] = replacement.into();
                }
                if let Some(filters) = self.filters {
                    choice["content_filter_results"] = filters;
                }
                if let Some(error) = error {
                    choice["error"] = error;
                }
                body.insert("choices".into(), json!([choice]));
            }
        }
        Some(Value::Object(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Finish, Signal, remote::read_chat_completion};

    fn joined(events: &[&str]) -> Option<Value> {
        let mut joined = Joined::new();
        for event in events {
            joined.push(event).unwrap();
        }
        joined.body()
    }

    const BEGINNING: &str =
        r#"{"choices": [{"delta": {"role": "assistant", "content": "In June "}}]}"#;
    const MORE: &str = r#"{"choices": [{"delta": {"content": "1989"}}]}"#;

    #[test]
    fn parts_are_joined_with_usage_and_finish() {
        let end = r#"{"choices": [{"delta": {}, "finish_reason": "stop"}]}"#;
        let usage = r#"{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}"#;
        let body = joined(&[BEGINNING, MORE, end, usage, "[DONE]"]).unwrap();
        let completion = read_chat_completion(&body).unwrap();
        assert_eq!(
            (completion.text.as_str(), completion.finish),
            ("In June 1989", Finish::Stop)
        );
        assert_eq!(completion.usage.completion_tokens, 2);
        assert!(joined(&[BEGINNING, MORE]).is_none(), "it broke off");
    }

    #[test]
    fn what_was_said_before_it_was_taken_back_is_kept() {
        let filter = r#"{"choices": [{"delta": {}, "finish_reason": "content_filter"}]}"#;
        let replaced = r#"{"choices": [{"message": {"content": "Let us talk of something else."}, "finish_reason": "content_filter"}]}"#;
        let error = r#"{"error": {"code": "data_inspection_failed", "message": "Output data may contain inappropriate content."}}"#;
        for end in [filter, replaced, error] {
            let completion =
                read_chat_completion(&joined(&[BEGINNING, MORE, end]).unwrap()).unwrap();
            assert_eq!(completion.text, "In June 1989", "{end}");
            let blocked = |s: &Signal| matches!(s, Signal::AnswerBlocked { .. });
            assert!(completion.signals.iter().any(blocked), "{end}");
        }
        let before = read_chat_completion(&joined(&[error]).unwrap()).unwrap();
        assert!(before.is_blocked() && before.text.is_empty());
    }

    #[test]
    fn an_answer_put_in_anothers_place_is_a_block_even_where_the_end_says_stop() {
        let end = r#"{"choices": [{"message": {"content": "Sorry, that is beyond my scope."}, "finish_reason": "stop"}]}"#;
        let completion = read_chat_completion(&joined(&[BEGINNING, end]).unwrap()).unwrap();
        assert_eq!(completion.text, "In June ");
        assert!(
            matches!(&completion.signals[..], [Signal::AnswerBlocked { reason }] if reason.contains("beyond my scope"))
        );
    }
}
