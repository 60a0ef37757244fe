//! A streamed chat completion, put together into the body that would have come in one piece.
//!
//! A stream shows what a body hides: that an answer began before it was retracted. What was said until then is kept as the content.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::beside;
use crate::model::remote::content::Said;
use crate::model::remote::dialect::Streamed;
use crate::model::remote::fault::{Fault, categories, present};
use crate::model::remote::finish::{graver, reason};
use crate::model::remote::json::json;
use crate::model::remote::sse::Event;

/// What has come so far.
pub(crate) struct StreamedChat {
    /// When the request was sent.
    asked: Instant,
    first_token: Option<f64>,
    said: Said,
    finish: Option<String>,
    native_finish: Option<String>,
    /// Usage, filters and whatever else comes once.
    rest: Map<String, Value>,
    filters: Option<Value>,
    /// Calls of tools in place of words.
    tool_calls: Vec<Value>,
    /// An error in the middle of the stream.
    error: Option<Value>,
    /// What a later chunk put in the place of all that was said.
    replacement: Option<String>,
    /// Whether the server said `[DONE]`.
    done: bool,
}

/// The choice that was asked for: of several the first, wherever it is.
fn first_choice(chunk: &mut Value) -> Option<Value> {
    let choices = chunk.get_mut("choices")?.as_array_mut()?;
    let is_first = |choice: &&mut Value| choice.get("index").is_none_or(|i| i.is_null() || i == 0);
    choices.iter_mut().find(is_first).map(Value::take)
}

/// The chunks of an event that holds several, one per line.
fn one_per_line(data: &str) -> Option<Vec<Value>> {
    let lines = data
        .lines()
        .filter(|line| !line.trim().is_empty() && *line != "[DONE]");
    let chunks: Vec<Value> = lines
        .map(|line| json(line).ok().filter(Value::is_object))
        .collect::<Option<_>>()?;
    (chunks.len() > 1).then_some(chunks)
}

impl StreamedChat {
    /// Nothing yet of the answer to a request sent at `asked`.
    pub(super) fn new(asked: Instant) -> Self {
        Self {
            asked,
            first_token: None,
            said: Said::default(),
            finish: None,
            native_finish: None,
            rest: Map::new(),
            filters: None,
            tool_calls: Vec::new(),
            error: None,
            replacement: None,
            done: false,
        }
    }
}

impl Streamed for StreamedChat {
    fn push(&mut self, event: &Event) -> Result<(), String> {
        let data = event.data.trim();
        if data.is_empty() || self.done {
            return Ok(());
        }
        if data.eq_ignore_ascii_case("[DONE]") {
            self.done = true;
            return Ok(());
        }
        let is_error = event.name.trim().eq_ignore_ascii_case("error");
        match json(data) {
            Ok(chunk) => self.push_chunk(chunk, is_error),
            Err(_) if is_error => self.error = Some(json!({ "message": data })),
            Err(error) => {
                // Some servers part their events by one newline only.
                if let Some(chunks) = one_per_line(data) {
                    for chunk in chunks {
                        self.push_chunk(chunk, false);
                    }
                    self.done |= data.ends_with("[DONE]");
                    return Ok(());
                }
                // Signs of life are not JSON, nor is whatever comes behind the end.
                if data.starts_with(['{', '[']) && self.finish.is_none() {
                    return Err(error.to_string());
                }
            }
        }
        Ok(())
    }

    fn first_token(&self) -> Option<f64> {
        self.first_token
    }

    fn is_done(&self) -> bool {
        self.done || self.error.is_some()
    }

    fn is_finished(&self) -> bool {
        self.is_done() || self.finish.is_some()
    }

    fn is_whole(&self) -> bool {
        self.is_finished() || self.speaks_beside()
    }

    fn body(self: Box<Self>) -> Option<Value> {
        if !self.is_whole() {
            return None;
        }
        let silent = self.said.is_empty() && self.finish.is_none() && self.tool_calls.is_empty();
        let speaks_beside = self.speaks_beside();
        let mut body = self.rest;
        if silent && (self.error.is_some() || speaks_beside) {
            if let Some(error) = self.error {
                body.insert("error".into(), error);
            }
            return Some(Value::Object(body));
        }
        let mut choice = json!({
            "message": {"content": self.said.text, "reasoning_content": self.said.reasoning, "refusal": self.said.refusal},
            "finish_reason": self.finish,
        });
        if !self.tool_calls.is_empty() {
            choice["message"]["tool_calls"] = self.tool_calls.into();
        }
        for (name, value) in [
            ("native_finish_reason", self.native_finish.map(Value::from)),
            ("replaced_by", self.replacement.map(Value::from)),
            ("content_filter_results", self.filters),
            ("error", self.error),
        ] {
            if let Some(value) = value {
                choice[name] = value;
            }
        }
        body.insert("choices".into(), json!([choice]));
        Some(Value::Object(body))
    }
}

impl StreamedChat {
    fn push_chunk(&mut self, mut chunk: Value, is_error: bool) {
        let choice = first_choice(&mut chunk);
        if let Some(error) = present(&chunk, "error") {
            self.error = Some(error.clone());
        } else if choice.is_none() && (is_error || Fault::inside(&chunk).is_some()) {
            self.error = Some(chunk.take());
        }
        // Groq counts in a place of its own.
        let usage = chunk.pointer_mut("/x_groq/usage");
        if let Some(usage) = usage.filter(|u| !u.is_null()) {
            self.rest.insert("usage".into(), usage.take());
        }
        if let Value::Object(fields) = chunk {
            self.rest
                .extend(fields.into_iter().filter(|(k, v)| is_kept(k, v)));
        }
        if let Some(choice) = choice {
            self.push_choice(choice);
        }
    }

    fn push_choice(&mut self, mut choice: Value) {
        let piece = choice.get("delta").map(Said::read).unwrap_or_default();
        let calls = choice.get_mut("delta").map(tool_calls).unwrap_or_default();
        if self.first_token.is_none() && !(piece.is_empty() && calls.is_empty()) {
            self.first_token = Some(self.asked.elapsed().as_secs_f64());
        }
        self.said.text += &piece.text;
        self.said.reasoning += &piece.reasoning;
        self.said.refusal += &piece.refusal;
        for call in calls {
            self.push_call(call);
        }
        let whole = choice.get("message").map(|m| Said::read(m).text);
        if let Some(whole) = whole.filter(|w| !w.is_empty()) {
            self.push_whole(whole);
        }
        for (name, place) in [
            ("finish_reason", &mut self.finish),
            ("native_finish_reason", &mut self.native_finish),
        ] {
            if let Some(said) = choice.get(name).and_then(reason) {
                *place = Some(graver(place.take(), said));
            }
        }
        // A later table that filters nothing takes nothing back.
        let filters = choice.get_mut("content_filter_results");
        if let Some(filters) = filters.filter(|f| categories(Some(f)).next().is_some()) {
            self.filters = Some(filters.take());
        }
        for name in beside::IN_CHOICE {
            if let Some(value) = choice.get(name).filter(|v| beside::speaks(name, v)) {
                self.rest.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(error) = present(&choice, "error") {
            self.error = Some(error.clone());
        }
    }

    /// A piece of a call: the first one names the tool, those after it bring more of its arguments.
    fn push_call(&mut self, mut piece: Value) {
        let same = |call: &&mut Value| call["index"] == piece["index"];
        let Some(call) = self.tool_calls.iter_mut().rfind(same) else {
            return self.tool_calls.push(piece);
        };
        let more = piece.pointer_mut("/function/arguments").map(Value::take);
        let arguments = call.pointer_mut("/function/arguments");
        if let (Some(Value::String(more)), Some(Value::String(arguments))) = (more, arguments) {
            *arguments += &more;
        }
    }

    /// A whole message in a chunk: the same words once more, as some servers end their streams, or others in their place.
    fn push_whole(&mut self, whole: String) {
        let (said, again) = (self.said.text.trim(), whole.trim());
        if said.is_empty() || again.starts_with(said) {
            self.said.text = whole;
        } else if !said.ends_with(again) {
            self.replacement = Some(whole);
        }
    }

    /// Whether something besides choices and usage says how it went. A table on the prompt says nothing of an answer that came after all.
    fn speaks_beside(&self) -> bool {
        self.rest.keys().any(|name| match name.as_str() {
            "usage" | "amazon-bedrock-trace" => false,
            name if beside::PROMPT_TABLES.contains(&name) => self.said.is_empty(),
            _ => true,
        })
    }
}

/// The calls in a piece of a message, those of the API's older form included.
fn tool_calls(delta: &mut Value) -> Vec<Value> {
    let calls = delta.get_mut("tool_calls").and_then(Value::as_array_mut);
    let mut calls = calls.map(std::mem::take).unwrap_or_default();
    let older = delta.get_mut("function_call").filter(|c| c.is_object());
    calls.extend(older.map(|call| json!({"type": "function", "function": call.take()})));
    calls.retain(Value::is_object);
    calls
}

/// Whether a field alongside the choices is kept: usage, and what says that something was withheld.
fn is_kept(name: &str, value: &Value) -> bool {
    match name {
        "usage" => !value.is_null(),
        _ => beside::speaks(name, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Finish, Signal, remote::read_chat_completion};

    fn joined(events: &[&str]) -> Option<Value> {
        let mut streamed = StreamedChat::new(Instant::now());
        for data in events {
            let (name, data) = (String::new(), (*data).to_owned());
            streamed.push(&Event { name, data }).unwrap();
        }
        Box::new(streamed).body()
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
        assert_eq!(completion.usage.completion_tokens, Some(2));
        assert!(joined(&[BEGINNING, MORE]).is_none(), "it broke off");
    }

    #[test]
    fn a_block_stays_one_whatever_the_last_chunk_says() {
        let stop = r#"{"choices": [{"delta": {"content": ""}, "finish_reason": "stop"}]}"#;
        for (reason, finish) in [
            ("content_filter", Finish::ContentFilter),
            ("length", Finish::Length),
        ] {
            let end = format!(r#"{{"choices": [{{"delta": {{}}, "finish_reason": "{reason}"}}]}}"#);
            let body = joined(&[BEGINNING, &end, stop, "[DONE]"]).unwrap();
            assert_eq!(read_chat_completion(&body).unwrap().finish, finish);
        }
    }

    #[test]
    fn signs_of_life_second_choices_and_missing_blank_lines_spoil_nothing() {
        let other = r#"{"choices": [{"index": 1, "delta": {"content": "ZZZ"}}, {"index": 0, "delta": {"content": "1989"}}]}"#;
        let end = r#"{"choices": [{"delta": {}, "finish_reason": "stop"}]}"#;
        let two = format!("{other}\n{end}");
        for events in [
            &["keep-alive", BEGINNING, "ping", other, end, "<eof>"][..],
            &[BEGINNING, &two, "[done]"],
        ] {
            let completion = read_chat_completion(&joined(events).unwrap()).unwrap();
            assert_eq!(completion.text, "In June 1989", "{events:?}");
        }
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

    #[test]
    fn a_whole_message_at_the_end_that_says_the_same_is_not_a_replacement() {
        let end = r#"{"choices": [{"message": {"content": "In June 1989 "}, "finish_reason": "stop"}], "base_resp": {"status_code": 0}}"#;
        let completion = read_chat_completion(&joined(&[BEGINNING, MORE, end]).unwrap()).unwrap();
        assert_eq!(
            (completion.text.trim(), completion.finish),
            ("In June 1989", Finish::Stop)
        );
        assert!(completion.signals.is_empty(), "{:?}", completion.signals);
    }

    #[test]
    fn thinking_under_two_names_or_in_parts_is_kept_once() {
        let twice = r#"{"choices": [{"delta": {"reasoning": "hm", "reasoning_content": "hm"}}]}"#;
        let part = r#"{"choices": [{"delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": " so"}]}]}}]}"#;
        let text = r#"{"choices": [{"delta": {"content": [{"type": "text", "text": "Yes"}]}, "finish_reason": "stop"}]}"#;
        let completion = read_chat_completion(&joined(&[twice, part, text]).unwrap()).unwrap();
        assert_eq!(
            (completion.text.as_str(), completion.reasoning.as_deref()),
            ("Yes", Some("hm so"))
        );
    }

    #[test]
    fn an_empty_reason_neither_ends_a_stream_nor_wipes_out_another() {
        let piece = r#"{"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]}"#;
        let cut = r#"{"choices": [{"delta": {}, "finish_reason": "length"}]}"#;
        assert!(joined(&[piece]).is_none());
        let completion = read_chat_completion(&joined(&[piece, cut, piece]).unwrap()).unwrap();
        assert_eq!(completion.finish, Finish::Length);
    }

    #[test]
    fn fields_that_say_that_nothing_was_withheld_do_not_end_a_stream() {
        let piece = r#"{"choices": [{"delta": {"content": "a"}}], "input_sensitive": false, "base_resp": {"status_code": 0}, "usage": {"prompt_tokens": 1}}"#;
        assert!(joined(&[piece, piece]).is_none());
        let withheld =
            r#"{"base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}}"#;
        let completion = read_chat_completion(&joined(&[piece, withheld]).unwrap()).unwrap();
        assert_eq!(
            (completion.text.as_str(), completion.is_blocked()),
            ("a", true)
        );
    }
}
