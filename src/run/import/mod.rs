//! Recorded answers of other tools as runs like any other: one file per format, one line in `FORMATS`.

mod freedombench;
mod speechmap;

use std::path::{Path, PathBuf};

use crate::store::{RunDirectory, StoreError};
use crate::text::instead;

/// What an import brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Trials written.
    pub trials: u64,
    /// Different models.
    pub models: usize,
    /// Different suites.
    pub suites: usize,
}

/// Why recordings cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// There is no such format.
    #[error("unknown import format '{name}'; {known}")]
    UnknownFormat {
        /// The name given.
        name: String,
        /// The names known.
        known: String,
    },
    /// Nothing to import.
    #[error("{path}: {reason}")]
    Input {
        /// Where.
        path: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// The run cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An importer: reads paths, writes a run directory.
type Importer = fn(&[PathBuf], &Path) -> Result<(RunDirectory, Imported), ImportError>;

/// Every import format by name.
const FORMATS: &[(&str, Importer)] = &[
    ("freedombench", freedombench::import),
    ("speechmap", speechmap::import),
];

/// Names of the import formats.
#[must_use]
pub fn formats() -> Vec<&'static str> {
    FORMATS.iter().map(|(name, _)| *name).collect()
}

/// Imports recordings of a format into a new run directory.
///
/// # Errors
/// [`ImportError`] names the file and line.
pub fn import(
    format: &str,
    paths: &[PathBuf],
    output: &Path,
) -> Result<(RunDirectory, Imported), ImportError> {
    match FORMATS.iter().find(|(name, _)| *name == format) {
        Some((_, importer)) => importer(paths, output),
        None => Err(ImportError::UnknownFormat {
            name: format.into(),
            known: instead(format, "known", formats()),
        }),
    }
}
