//! What fuzzing puts bytes into.

use std::time::Instant;

use super::body::Incoming;
use super::dialect::DIALECTS;
use super::reply::Reply;

/// Reads a reply in one of the dialects, of a status, whose body comes in pieces of a size, and throws it away.
pub fn reply(dialect: usize, status: u16, bytes: &[u8], piece: usize) {
    let dialect = DIALECTS[dialect % DIALECTS.len()];
    let mut incoming = Incoming::new(dialect, Instant::now());
    for part in bytes.chunks(piece.max(1)) {
        if incoming.push(part).is_err() || incoming.is_done() {
            break;
        }
    }
    if let Ok(body) = incoming.finish() {
        let reply = Reply {
            status,
            retry_after: None,
            route: None,
            location: None,
            body,
        };
        let _ = reply.read(dialect, "http://127.0.0.1/v1");
    }
}
