//! What fuzzing puts bytes into.

use std::time::Instant;

use super::body::Incoming;
use super::dialect::CHAT;
use super::reply::Reply;

/// Reads a reply of a status whose body comes in pieces of a size, and throws it away.
pub fn reply(status: u16, bytes: &[u8], piece: usize) {
    let mut incoming = Incoming::new(CHAT, Instant::now());
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
        let _ = reply.read(CHAT, "http://127.0.0.1/v1");
    }
}
