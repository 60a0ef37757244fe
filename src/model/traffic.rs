//! What happens between a request and its answer, besides the two: retries, and changes of how many requests may be in flight.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ErrorClass;

/// Something that happened on the way to an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Traffic {
    /// A request failed, and is sent again after a wait.
    Retry {
        /// The server.
        server: String,
        /// Why it failed.
        class: ErrorClass,
        /// How long until it is sent again.
        wait_seconds: f64,
    },
    /// An answer came empty, and is asked for again.
    Empty {
        /// The server.
        server: String,
    },
    /// The number of requests that may be in flight to an account was changed.
    Limit {
        /// The server.
        server: String,
        /// Before.
        from: usize,
        /// After.
        to: usize,
        /// Why.
        cause: LimitCause,
    },
}

/// A request and what came back, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// When it was sent.
    pub began: Timestamp,
    /// Where to, without user, password and query.
    pub url: String,
    /// The body sent.
    pub request: Value,
    /// The status of the reply; none if none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of the reply: a stream put together, a string if it is not JSON, or why none came.
    pub response: Value,
}

/// Why a limit was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitCause {
    /// All that it allows was in flight, and was answered.
    Used,
    /// The server turned a request away because there were too many.
    Rejected,
    /// More requests in flight brought no more answers per second.
    NoFaster,
}
