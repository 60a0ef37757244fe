//! The body of an answer, while it comes: in one piece or as a stream, whatever its content type says.

use std::time::Instant;

use serde_json::Value;

use super::dialect::{Dialect, Streamed};
use super::json::json;
use super::sse::{Event, Events};

/// Most bytes of an answer in one piece, and of one event of a stream.
const MAX_PIECE: usize = 16 << 20;
/// Most bytes of a stream: each token of a long answer comes in some hundred bytes of JSON.
const MAX_STREAM: usize = 64 << 20;

/// A body of which nothing more can come.
#[derive(Debug)]
pub(super) enum Body {
    /// JSON, or a stream put together; then with the seconds to its first token.
    Json(Value, Option<f64>),
    /// Something else.
    Text(String),
}

impl Body {
    /// The body as JSON; what is not JSON as a string.
    pub(super) fn as_json(&self) -> Value {
        match self {
            Self::Json(value, _) => value.clone(),
            Self::Text(text) => text.clone().into(),
        }
    }
}

/// Why a body cannot be read.
#[derive(Debug)]
pub(super) enum BodyError {
    /// It is longer than this many bytes.
    TooLong(usize),
    /// An event is not JSON: what is wrong, and the event.
    Event(String, String),
    /// It ended in the middle.
    BrokenOff,
}

/// A body that is coming.
pub(super) struct Incoming {
    dialect: &'static dyn Dialect,
    asked: Instant,
    shape: Shape,
    /// Bytes that have come.
    size: usize,
}

enum Shape {
    /// Too little has come to tell; or, in the end, a body in one piece.
    Piece(Vec<u8>),
    Stream(Box<Events>, Box<dyn Streamed>),
}

impl Incoming {
    /// Nothing yet of the answer to a request sent at `asked`.
    pub(super) fn new(dialect: &'static dyn Dialect, asked: Instant) -> Self {
        Self {
            dialect,
            asked,
            shape: Shape::Piece(Vec::new()),
            size: 0,
        }
    }

    /// Takes bytes in.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        self.size += bytes.len();
        let (dialect, asked) = (self.dialect, self.asked);
        match &mut self.shape {
            Shape::Piece(piece) => {
                let was_open = is_open(piece);
                piece.extend_from_slice(bytes);
                if was_open {
                    // Servers that keep a connection alive send blank lines: they are counted, not kept, and looked at once.
                    let blank = piece.len() - beginning(piece).len();
                    piece.drain(..blank);
                }
                let is_stream = was_open && looks_like_events(piece)
                    || dialect.streams_lines()
                        && bytes.contains(&b'\n')
                        && begins_with_a_line(piece);
                if is_stream {
                    let piece = std::mem::take(piece);
                    self.shape = Shape::Stream(Box::default(), dialect.streamed(asked));
                    self.push_events(&piece)?;
                }
            }
            Shape::Stream(..) => self.push_events(bytes)?,
        }
        self.check_size()
    }

    fn push_events(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        let Shape::Stream(events, body) = &mut self.shape else {
            return Ok(());
        };
        events
            .push(bytes)
            .iter()
            .try_for_each(|e| push(body.as_mut(), e))
    }

    fn check_size(&self) -> Result<(), BodyError> {
        let (held, limit) = match &self.shape {
            Shape::Piece(_) => (self.size, MAX_PIECE),
            Shape::Stream(events, _) if events.pending() > MAX_PIECE => {
                (events.pending(), MAX_PIECE)
            }
            Shape::Stream(..) => (self.size, MAX_STREAM),
        };
        if held > limit {
            return Err(BodyError::TooLong(limit));
        }
        Ok(())
    }

    /// Whether the stream said that it is over.
    pub(super) fn is_done(&self) -> bool {
        matches!(&self.shape, Shape::Stream(_, body) if body.is_done())
    }

    /// Whether the answer has come to its finish.
    pub(super) fn is_finished(&self) -> bool {
        matches!(&self.shape, Shape::Stream(_, body) if body.is_finished())
    }

    /// Whether what has come is an answer even if nothing more comes.
    pub(super) fn is_whole(&self) -> bool {
        matches!(&self.shape, Shape::Stream(_, body) if body.is_whole())
    }

    /// The body as far as it came, of a reply whose status says enough.
    pub(super) fn finish_in_part(self) -> Body {
        let text = match &self.shape {
            Shape::Piece(piece) => String::from_utf8_lossy(piece).into_owned(),
            Shape::Stream(..) => String::new(),
        };
        self.finish().unwrap_or(Body::Text(text))
    }

    /// The body, after its last byte.
    pub(super) fn finish(self) -> Result<Body, BodyError> {
        match self.shape {
            Shape::Piece(piece) => {
                let text = String::from_utf8_lossy(&piece);
                let text = text.trim_start_matches('\u{feff}');
                match json(text) {
                    Ok(value) => Ok(Body::Json(value, None)),
                    Err(error) if error.is_eof() && text.trim_start().starts_with(['{', '[']) => {
                        Err(BodyError::BrokenOff)
                    }
                    // A gateway's error, written bare before the stream that it broke off.
                    Err(_) if text.contains("\ndata:") || self.dialect.streams_lines() => {
                        let read = read_as_events(self.dialect.streamed(self.asked), &piece);
                        Ok(read.unwrap_or_else(|| Body::Text(text.to_owned())))
                    }
                    Err(_) => Ok(Body::Text(text.to_owned())),
                }
            }
            Shape::Stream(events, mut body) => {
                if let Some(last) = events.finish() {
                    // A last event that cannot be read is one that was cut.
                    let _ = push(body.as_mut(), &last);
                }
                let first_token = body.first_token();
                let whole = body.body().ok_or(BodyError::BrokenOff)?;
                Ok(Body::Json(whole, first_token))
            }
        }
    }
}

/// A body as a stream of events, where it is one.
fn read_as_events(mut body: Box<dyn Streamed>, piece: &[u8]) -> Option<Body> {
    let mut events = Events::default();
    for event in events.push(piece) {
        push(body.as_mut(), &event).ok()?;
    }
    if let Some(last) = events.finish() {
        push(body.as_mut(), &last).ok()?;
    }
    let first_token = body.first_token();
    Some(Body::Json(body.body()?, first_token))
}

fn push(body: &mut dyn Streamed, event: &Event) -> Result<(), BodyError> {
    body.push(event)
        .map_err(|error| BodyError::Event(error, event.data.clone()))
}

/// The beginning without a byte order mark and white space.
fn beginning(piece: &[u8]) -> &[u8] {
    piece
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(piece)
        .trim_ascii_start()
}

/// Whether too little has come to say what a body is.
fn is_open(piece: &[u8]) -> bool {
    beginning(piece).len() < "event:".len()
}

/// Whether the first line is JSON by itself.
fn begins_with_a_line(piece: &[u8]) -> bool {
    let line = piece.iter().position(|b| *b == b'\n');
    line.is_some_and(|end| std::str::from_utf8(&piece[..end]).is_ok_and(|l| json(l).is_ok()))
}

fn looks_like_events(piece: &[u8]) -> bool {
    let beginning = beginning(piece);
    let fields: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];
    fields.iter().any(|field| beginning.starts_with(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remote::dialect::CHAT;

    fn read(pieces: &[&[u8]]) -> Result<Body, BodyError> {
        let mut incoming = Incoming::new(CHAT, Instant::now());
        for piece in pieces {
            incoming.push(piece)?;
        }
        incoming.finish()
    }

    const EVENTS: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

    #[test]
    fn the_shape_is_told_by_the_bytes() {
        let with_mark = [b"\xef\xbb\xbf", EVENTS].concat();
        let with_comment = [b": PROCESSING\n\n", EVENTS].concat();
        for body in [EVENTS, &with_mark, &with_comment] {
            let bytewise: Vec<&[u8]> = body.chunks(1).collect();
            for pieces in [vec![body], bytewise] {
                let read = read(&pieces).unwrap();
                assert!(
                    matches!(&read, Body::Json(v, Some(_)) if v["choices"][0]["message"]["content"] == "a"),
                    "{read:?}"
                );
            }
        }
        assert!(matches!(
            read(&[b"\n\n {\"a\"", b": 1}"]),
            Ok(Body::Json(..))
        ));
        assert!(matches!(read(&[b"\n\n"]), Ok(Body::Text(_))));
        assert!(matches!(read(&[b"<html>"]), Ok(Body::Text(_))));
        assert!(matches!(
            read(&[b"{\"a\": [1, "]),
            Err(BodyError::BrokenOff)
        ));
        assert!(matches!(
            read(&[b"data: {\"choi"]),
            Err(BodyError::BrokenOff)
        ));
        assert!(matches!(
            read(&[b"data: {hello\n\n"]),
            Err(BodyError::Event(..))
        ));
    }

    #[test]
    fn what_never_ends_is_stopped() {
        let mut incoming = Incoming::new(CHAT, Instant::now());
        let chunk = vec![b'a'; 1 << 20];
        incoming.push(b"data: ").unwrap();
        let stopped = (0..20).find(|_| incoming.push(&chunk).is_err());
        assert_eq!(stopped, Some(15));
        let mut blank = Incoming::new(CHAT, Instant::now());
        let (chunk, started) = (vec![b' '; 1 << 10], Instant::now());
        assert!((0..20 << 10).any(|_| blank.push(&chunk).is_err()));
        assert!(
            started.elapsed().as_secs() < 5,
            "each byte is looked at once"
        );
        let mut comments = Incoming::new(CHAT, Instant::now());
        let chunk = b": keep-alive\n\n".repeat(80_000);
        assert!((0..80).any(|_| comments.push(&chunk).is_err()));
    }
}
