//! A suite ready to be asked, and the hashes that name its parts.

use serde::{Deserialize, Serialize};

use super::Samples;
use super::prompt_builder::PromptBuilder;
use super::schema::{ScorerSpec, SuiteFile};
use crate::hub::HubPin;

/// A suite ready to be asked.
#[non_exhaustive]
pub struct Suite {
    /// As written.
    pub file: SuiteFile,
    /// BLAKE3 of `suite.yaml` and every row: two suites of the same hash ask the same.
    pub content_hash: String,
    /// The same, part by part: what differs between two suites of one name.
    pub parts: SuiteParts,
    /// Its samples, in file order.
    pub samples: Samples,
    /// The commits of datasets of the hub that its rows are of.
    pub pins: Vec<HubPin>,
    /// Makes their prompts.
    pub prompts: PromptBuilder,
    /// Paths of its tables of items that do not hold its canary.
    pub unmarked: Vec<String>,
    /// Steps over its rows that changed none.
    pub idle_steps: Vec<String>,
}

impl Suite {
    /// Lets its answers have another number of tokens at most than it says.
    pub fn set_max_tokens(&mut self, most: u32) {
        self.file.parameters.max_tokens = most;
        self.prompts.set_max_tokens(most);
        self.parts.decoding = hash_of(&self.file.parameters);
    }
}

/// What decides a suite's figures, each as a BLAKE3 hash, so that two versions can be distinguished by what changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SuiteParts {
    /// The samples: rows and the templates that read them.
    pub items: String,
    /// The prompt: templates and examples.
    pub prompts: String,
    /// How answers are decoded.
    pub decoding: String,
    /// Who scores, judges among them, and with which settings.
    pub scorers: String,
}

/// The hash of a list of scorers with their settings, as [`SuiteParts`] has it.
#[must_use]
pub fn scorers_hash(scorers: &[ScorerSpec]) -> String {
    hash_of(&scorers)
}

/// Each pin once.
pub(super) fn distinct(mut pins: Vec<HubPin>) -> Vec<HubPin> {
    pins.sort();
    pins.dedup();
    pins
}

pub(super) fn hash_of<T: Serialize>(part: &T) -> String {
    let bytes = serde_json::to_vec(part).unwrap_or_default();
    blake3::hash(&bytes).to_hex().to_string()
}
