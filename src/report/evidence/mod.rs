//! Evidence: runs, transcripts, tables and report in one zip, with a manifest of hashes by which a third party can tell that nothing was
//! changed, and from which the figures can be computed again.

mod verify;
mod write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::text::hex;

pub use verify::{Verified, verify};
pub use write::write_evidence;

/// The manifest's name in the zip.
const MANIFEST: &str = "MANIFEST.json";
/// Version of the manifest's form.
const FORMAT: u32 = 1;

/// What a zip of evidence holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// Version of this form: 1.
    format: u32,
    /// What wrote it.
    candor_version: String,
    /// When.
    created: String,
    /// The runs' folders within it.
    runs: Vec<String>,
    /// The model that others are compared with in the report.
    baseline: String,
    /// The report's headlines: they can be computed again from the tables.
    headlines: Vec<String>,
    /// Every other file.
    files: Vec<FileRecord>,
}

/// A file and its hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileRecord {
    path: String,
    bytes: u64,
    sha256: String,
    blake3: String,
}

impl FileRecord {
    fn of(path: &str, content: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            bytes: content.len() as u64,
            sha256: hex(&Sha256::digest(content)),
            blake3: blake3::hash(content).to_hex().to_string(),
        }
    }
}
