//! `.store.json` in a working copy: what of it is on the store, and in which version.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::store::error::StoreError;
use crate::store::replace::replace;

/// The file's name.
const FILE: &str = ".store.json";

/// What a store says of an object's content: its tag, where it gives one.
pub(super) type Tag = Option<String>;

/// A part of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KnownPart {
    /// Bytes of its lines.
    pub bytes: u64,
    pub tag: Tag,
}

/// Any other file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KnownFile {
    pub bytes: u64,
    pub tag: Tag,
    /// Hash of its content.
    pub blake3: String,
}

/// What a working copy has in common with the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Known {
    /// The parts that the local journal begins with, in order.
    pub parts: Vec<KnownPart>,
    pub files: BTreeMap<String, KnownFile>,
    /// The lease that a writer of this copy had: who holds the copy's lock knows that this writer has ended.
    pub lease: Option<String>,
}

impl Known {
    /// Reads what is known of a copy: nothing, where the file is not there or cannot be read.
    pub(super) fn read(folder: &Path) -> Self {
        let text = std::fs::read(folder.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Writes it down.
    pub(super) fn save(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(FILE);
        replace(&path, |mut file| {
            serde_json::to_vec(self)
                .map_err(std::io::Error::from)
                .and_then(|text| file.write_all(&text))
                .map_err(|e| StoreError::file("cannot write", &path, &e))
        })
    }

    /// Bytes of the journal that are on the store.
    pub(super) fn journal_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}
