//! One question of a suite.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PairRole;
use crate::text::named_choice;

/// The stratum that tells the two sides of a controversy apart.
pub const SIDE: &str = "side";
/// Its values.
pub const SIDES: [&str; 2] = ["a", "b"];

/// A sample's place in a matched design.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairing {
    /// Ties the sample to its match.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pair: Option<String>,
    /// Its side of the pair.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<PairRole>,
    /// Samples of one cluster are not independent; by default the sample's own id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cluster: Option<String>,
}

/// One question with everything that scoring and analysis need to know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Unique within the suite.
    pub id: String,
    /// The row's fields.
    pub fields: BTreeMap<String, Value>,
    /// Reference answers; any of them counts. Empty if no answer is right or wrong.
    pub targets: Vec<String>,
    /// Choices, in order.
    pub choices: Vec<String>,
    /// What answers are broken down by.
    pub strata: BTreeMap<String, String>,
    /// Its place in a matched design.
    pub pairing: Pairing,
}

impl Sample {
    /// What it is drawn with, and not independent of: its cluster, else its pair, else itself.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.pairing
            .cluster
            .as_ref()
            .or(self.pairing.pair.as_ref())
            .unwrap_or(&self.id)
    }

    /// A sample of an id alone, to be filled in.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            fields: BTreeMap::new(),
            targets: Vec::new(),
            choices: Vec::new(),
            strata: BTreeMap::new(),
            pairing: Pairing::default(),
        }
    }

    /// The index of the right choice: the choice's own text, its letter in any form that an answer may have it in, or an index from 0.
    #[must_use]
    pub fn target_choice(&self) -> Option<usize> {
        let target = self.targets.first()?.trim();
        if let Some(index) = self.choices.iter().position(|c| c.trim() == target) {
            return Some(index);
        }
        let index = || target.parse().ok().filter(|i| *i < self.choices.len());
        named_choice(target, &self.choices).or_else(index)
    }
}

/// The letter of a choice: A, B, C …
#[must_use]
pub(crate) fn letter(index: usize) -> String {
    u8::try_from(index).ok().filter(|i| *i < 26).map_or_else(
        || (index + 1).to_string(),
        |i| char::from(b'A' + i).to_string(),
    )
}
