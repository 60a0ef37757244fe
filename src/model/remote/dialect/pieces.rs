//! Streams of APIs whose every event is JSON of one kind: what they share.

use std::time::Instant;

use serde_json::Value;

use super::Streamed;
use crate::model::remote::fault::present;
use crate::model::remote::json::json;
use crate::model::remote::sse::Event;

/// What an event brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// Neither words nor an end.
    Note,
    /// Words or thinking.
    Words,
    /// The reason why the answer ended; counts may follow.
    Finish,
    /// The last event.
    Last,
}

/// Gathers the events of one API into its body.
pub(super) trait Gather: Send {
    /// Takes in an event's JSON.
    fn take(&mut self, chunk: Value) -> Piece;

    /// The body that would have come in one piece.
    fn body(self) -> Value;
}

/// A stream of such events.
pub(super) struct Pieces<G> {
    asked: Instant,
    first_token: Option<f64>,
    gathered: G,
    error: Option<Value>,
    finished: bool,
    done: bool,
}

impl<G: Gather> Pieces<G> {
    pub(super) fn new(asked: Instant, gathered: G) -> Self {
        Self {
            asked,
            first_token: None,
            gathered,
            error: None,
            finished: false,
            done: false,
        }
    }
}

impl<G: Gather> Streamed for Pieces<G> {
    fn push(&mut self, event: &Event) -> Result<(), String> {
        let data = event.data.trim();
        if data.is_empty() || self.is_done() {
            return Ok(());
        }
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let is_error = event.name.trim().eq_ignore_ascii_case("error");
        let chunk = match json(data) {
            Ok(chunk) => chunk,
            Err(_) if is_error => Value::from(data),
            Err(error) if data.starts_with(['{', '[']) && !self.finished => {
                return Err(error.to_string());
            }
            Err(_) => return Ok(()),
        };
        if let Some(error) = present(&chunk, "error") {
            self.error = Some(error.clone());
        } else if is_error {
            self.error = Some(chunk);
        } else {
            match self.gathered.take(chunk) {
                Piece::Note => {}
                Piece::Words => {
                    let seconds = || self.asked.elapsed().as_secs_f64();
                    self.first_token.get_or_insert_with(seconds);
                }
                Piece::Finish => self.finished = true,
                Piece::Last => self.done = true,
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
        self.finished || self.is_done()
    }

    fn is_whole(&self) -> bool {
        self.is_finished()
    }

    fn body(self: Box<Self>) -> Option<Value> {
        if !self.is_whole() {
            return None;
        }
        let mut body = self.gathered.body();
        if let (Some(error), Value::Object(fields)) = (self.error, &mut body) {
            fields.insert("error".into(), error);
        }
        Some(body)
    }
}
