//! `tables.json`: which journals a run's tables were written from, and what the tables were then. Tables whose seal does not hold are
//! written anew; no clock is asked.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::replace::replace;

/// Raised whenever the same journal gives other tables.
const FORMAT: u32 = 1;

/// A file's length and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    bytes: u64,
    blake3: String,
}

/// The two journals that tables are written from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sources {
    format: u32,
    journal: Option<Content>,
    rescored: Option<Content>,
}

/// What the tables are, and what they were written from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seal {
    #[serde(flatten)]
    sources: Sources,
    trials: Content,
    scores: Content,
    /// Lines of the journal that are not in the tables, because they could not be read.
    pub left_out: u64,
}

/// What a seal was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// The tables are those of the journals.
    Yes {
        /// Lines of the journal that could not be read.
        left_out: u64,
    },
    /// They are not, or nobody knows.
    No,
}

impl Sources {
    /// The journals as they are now. What is appended while tables are written from them makes the seal break, as it should.
    pub(super) fn now(journal: &Path, rescored: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            format: FORMAT,
            journal: content(journal)?,
            rescored: content(rescored)?,
        })
    }

    /// Seals tables that were written from these sources.
    pub(super) fn seal(
        self,
        seal: &Path,
        trials: &Path,
        scores: &Path,
        left_out: u64,
    ) -> Result<(), StoreError> {
        let there = |path: &Path| {
            content(path)?.ok_or_else(|| StoreError::file("cannot read", path, &"it is gone"))
        };
        let sealed = Seal {
            sources: self,
            trials: there(trials)?,
            scores: there(scores)?,
            left_out,
        };
        replace(seal, |mut file| {
            serde_json::to_vec_pretty(&sealed)
                .map_err(std::io::Error::from)
                .and_then(|text| file.write_all(&text))
                .map_err(|e| StoreError::file("cannot write", seal, &e))
        })
    }
}

/// Whether a seal holds. One that cannot be read does not.
pub(super) fn holds(seal: &Path, journal: &Path, rescored: &Path, tables: [&Path; 2]) -> Held {
    let read = || -> Option<u64> {
        let sealed: Seal = serde_json::from_slice(&std::fs::read(seal).ok()?).ok()?;
        // Lengths first: they are cheap, and differ nearly always where anything does.
        let of = |content: &Content, path: &Path| {
            std::fs::metadata(path).is_ok_and(|m| m.len() == content.bytes)
        };
        let quick = sealed.sources.format == FORMAT
            && of(&sealed.trials, tables[0])
            && of(&sealed.scores, tables[1]);
        let same = quick
            && Sources::now(journal, rescored).ok()? == sealed.sources
            && content(tables[0]).ok()? == Some(sealed.trials)
            && content(tables[1]).ok()? == Some(sealed.scores);
        same.then_some(sealed.left_out)
    };
    read().map_or(Held::No, |left_out| Held::Yes { left_out })
}

/// A file's length and hash; none where there is no file.
fn content(path: &Path) -> Result<Option<Content>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::file("cannot read", path, &e)),
    };
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_reader(file)
        .map_err(|e| StoreError::file("cannot read", path, &e))?;
    Ok(Some(Content {
        bytes: hasher.count(),
        blake3: hasher.finalize().to_hex().to_string(),
    }))
}
