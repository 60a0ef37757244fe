//! How an answer stands to a fact.

use serde::{Deserialize, Serialize};

/// How an answer stands to a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// Stated as true.
    Affirmed,
    /// Stated as untrue.
    Denied,
    /// Put into others' mouths, and left there.
    Attributed,
    /// Not spoken of.
    Absent,
}

impl Reading {
    /// All, in the order that tables have them.
    pub const ALL: [Self; 4] = [Self::Affirmed, Self::Denied, Self::Attributed, Self::Absent];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Affirmed => "affirmed",
            Self::Denied => "denied",
            Self::Attributed => "attributed",
            Self::Absent => "absent",
        }
    }
}

/// What was read of one fact in one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactReading {
    /// The fact's statement.
    pub fact: String,
    /// Whether the answer's words name it.
    pub mentioned: bool,
    /// How it is spoken of; none if the reader is not sure.
    pub reading: Option<Reading>,
    /// How sure its reader is, from 0 to 1, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The words that decided, as they are in the answer: where it is mentioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_in: Option<String>,
}

/// What a score's explanation holds where the scorer reads facts.
#[derive(Serialize, Deserialize)]
struct Explanation {
    facts: Vec<FactReading>,
}

/// The explanation of a score that is made of readings.
pub(super) fn explanation(facts: Vec<FactReading>) -> String {
    serde_json::to_string(&Explanation { facts }).unwrap_or_default()
}

/// The readings that a score's explanation holds; none if it holds something else.
#[must_use]
pub fn readings_of(explanation: &str) -> Option<Vec<FactReading>> {
    let read: Explanation = serde_json::from_str(explanation).ok()?;
    Some(read.facts)
}
