//! What the figures of a suite are of.

use serde::Serialize;

/// What a difference is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// The suite's score: positive where the model does better.
    Score,
    /// The share withheld: positive where the model withholds more.
    Withheld,
}
