//! What a suite's content is called: hashes over all that is asked.

use super::place::PlacedRow;
use super::schema::{Shots, SuiteFile};
use crate::files::Row;

/// The hashes of a suite's content, taken as its rows are read: of all that is asked, and of the items alone.
pub(super) struct Content {
    whole: blake3::Hasher,
    items: blake3::Hasher,
}

impl Content {
    pub(super) fn begun(file: &SuiteFile, yaml: &str) -> Self {
        let (mut whole, mut items) = (blake3::Hasher::new(), blake3::Hasher::new());
        whole.update(yaml.as_bytes());
        items.update(&serde_json::to_vec(&file.sample).unwrap_or_default());
        if !file.data.steps.is_empty() {
            items.update(&serde_json::to_vec(&file.data.steps).unwrap_or_default());
        }
        if !file.vary.is_empty() {
            items.update(&serde_json::to_vec(&file.vary).unwrap_or_default());
        }
        Self { whole, items }
    }

    pub(super) fn add(&mut self, row: &Row) {
        let mut row = serde_json::to_vec(row).unwrap_or_default();
        row.push(b'\n');
        self.whole.update(&row);
        self.items.update(&row);
    }

    pub(super) fn add_examples(&mut self, shots: &Shots, examples: &[PlacedRow]) {
        self.items
            .update(&serde_json::to_vec(shots).unwrap_or_default());
        for placed in examples {
            self.add(&placed.row);
        }
    }

    pub(super) fn whole(&self) -> String {
        self.whole.finalize().to_hex().to_string()
    }

    pub(super) fn items(&self) -> String {
        self.items.finalize().to_hex().to_string()
    }
}
