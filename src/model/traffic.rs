//! What happens between a request and its answer, besides the two: retries, and changes of how many requests may be in flight.

use serde::{Deserialize, Serialize};

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
