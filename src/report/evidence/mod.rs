//! Evidence: runs, transcripts, tables and report in one zip, with a manifest of hashes by which a third party can check that the files
//! belong together, and from which the figures can be recomputed.

mod archive;
mod verify;
mod write;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::export::export;
use super::{ReportError, ReportOptions};
use crate::analysis::Dataset;
use crate::store::{read_labels, working_folder};
use crate::text::hex;

pub use verify::{Verified, verify};
pub use write::write_evidence;

/// The manifest's name in the zip.
const MANIFEST: &str = "MANIFEST.json";
/// The report's name in the zip.
const REPORT: &str = "report.html";
/// The name of the table of scores with their transcripts.
const SCORES_CSV: &str = "scores.csv";
/// People's labels, in the directory of the run they belong to.
const LABELS: &str = "labels.jsonl";
/// Name of the zip's README.
const README: &str = "README.txt";
/// The name of the list of hashes for `sha256sum -c`.
const SUMS: &str = "SHA256SUMS";
/// The files of a run that are packed as evidence, besides its tables.
const OF_A_RUN: &[&str] = &["run.json", "journal.jsonl", "rescored.jsonl", LABELS];
/// This candor.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Version of the manifest's format.
const FORMAT: u32 = 1;

/// The zip's README.
const WHAT_IT_IS: &str = "This is evidence of an audit by candor.

report.html               the report; open it in any browser, it loads nothing
scores.csv                every score with its transcript, a row a score
runs/*/run.json           what was run: suites, models, parameters, versions
runs/*/journal.jsonl      every answer as it came, with what the provider said beside it
runs/*/rescored.jsonl     scores given later, which win over the journal's, where there are any
runs/*/trials*.parquet    the same as a table, and scores*.parquet every score
runs/*/labels.jsonl       labels by people, where there are any
MANIFEST.json             every file with its size and hashes, and the report's headlines

To check that the files belong together: `sha256sum -c SHA256SUMS` in the unpacked folder, or `candor verify FILE.zip`, which also makes tables,
headlines, report and scores again from the transcripts. Both only show that the files belong together. That they are the files once published
is shown by the hash of MANIFEST.json, if whoever published them published it too: `candor verify FILE.zip --manifest HASH`.
";

/// The manifest of a zip of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// Version of this format: 1.
    format: u32,
    /// The version of candor that wrote it.
    candor_version: String,
    /// When it was written; the report states it too.
    created: Timestamp,
    /// The runs' folders under `runs/`, in the order they were read in.
    runs: Vec<String>,
    /// The model that the others are compared with in the report.
    #[serde(default)]
    baseline: Option<String>,
    /// The report's headlines: they can be recomputed from the tables.
    headlines: Vec<String>,
    /// Every other file.
    files: Vec<FileRecord>,
}

impl Manifest {
    /// Whether this version of candor wrote it, and so computes the same from the same transcripts.
    fn is_of_this_version(&self) -> bool {
        self.candor_version == VERSION
    }
}

/// The list of files' hashes that `sha256sum -c` checks.
fn sha256_sums<'a>(records: impl IntoIterator<Item = &'a FileRecord>) -> String {
    records.into_iter().fold(String::new(), |mut sums, record| {
        let _ = writeln!(sums, "{}  {}", record.sha256, record.path);
        sums
    })
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
        let mut hashing = Hashing::default();
        hashing.add(content);
        hashing.record(path)
    }
}

/// Hashes what is written to it, and tracks its size and longest line.
#[derive(Default)]
struct Hashing {
    sha256: Sha256,
    blake3: blake3::Hasher,
    bytes: u64,
    line: u64,
    longest_line: u64,
}

impl Hashing {
    fn add(&mut self, content: &[u8]) {
        self.sha256.update(content);
        self.blake3.update(content);
        self.bytes += content.len() as u64;
        for part in content.split_inclusive(|b| *b == b'\n') {
            self.line += part.len() as u64;
            self.longest_line = self.longest_line.max(self.line);
            if part.ends_with(b"\n") {
                self.line = 0;
            }
        }
    }

    fn record(self, path: &str) -> FileRecord {
        FileRecord {
            path: path.to_owned(),
            bytes: self.bytes,
            sha256: hex(&self.sha256.finalize()),
            blake3: self.blake3.finalize().to_hex().to_string(),
        }
    }
}

impl Write for Hashing {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.add(content);
        Ok(content.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a path stays within the folder it is unpacked into, on every platform: plain names with slashes between.
fn is_plain(path: &str) -> bool {
    !path.contains(['\\', ':', '\0'])
        && path.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

/// Options of the evidence's report: nothing goes into it that is not in the zip.
fn options<P: AsRef<Path>>(
    runs: &[P],
    baseline: Option<&str>,
) -> Result<ReportOptions, ReportError> {
    let first = runs.first().map(|run| working_folder(run.as_ref()));
    let labels = first.transpose()?.map(|folder| folder.join(LABELS));
    let labels = labels.filter(|path| path.is_file());
    Ok(ReportOptions {
        baseline: baseline.map(str::to_owned),
        labels: labels.map(|path| read_labels(&path)).transpose()?,
        ..ReportOptions::default()
    })
}

/// Writes every score with its transcript, and returns the file's record.
fn scores_csv(data: &Dataset, path: &Path) -> Result<FileRecord, ReportError> {
    export(data, "csv", true, path)?;
    record_of(SCORES_CSV, path)
}

/// A file's record under another name.
fn record_of(name: &str, path: &Path) -> Result<FileRecord, ReportError> {
    let mut hashing = Hashing::default();
    File::open(path)
        .and_then(|mut file| io::copy(&mut file, &mut hashing))
        .map_err(|e| ReportError::file("cannot read", path, &e))?;
    Ok(hashing.record(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_paths() {
        for plain in ["a", "runs/one/run.json", "..a/b.", "语/文"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "", "/", "/a", "a/", "a//b", "..", "a/../b", "./a", "C:a", "a\\b", "a\0",
        ] {
            assert!(!is_plain(other), "{other:?}");
        }
    }

    #[test]
    fn hashes_are_those_of_the_whole_however_it_comes() {
        let whole = FileRecord::of("x", b"one\ntwo and more\n3");
        let mut parts = Hashing::default();
        for part in [&b"one\nt"[..], b"wo and", b" more\n3"] {
            parts.add(part);
        }
        assert_eq!(parts.longest_line, 13);
        assert_eq!(parts.record("x"), whole);
    }
}
