//! Packs runs with their report.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{FORMAT, FileRecord, MANIFEST, Manifest};
use crate::analysis::Dataset;
use crate::report::export::export;
use crate::report::{Report, ReportError, ReportOptions};

/// Files of a run's folder that are evidence: what was run, every transcript as it came, the tables, and a person's labels.
const OF_A_RUN: &[&str] = &[
    "run.json",
    "journal.jsonl",
    "trials.parquet",
    "scores.parquet",
    "labels.jsonl",
];

const README: &str = "This is evidence of an audit by candor.

report.html               the report; open it in any browser, it loads nothing
scores.csv                every score with its transcript, a row a score
runs/*/run.json           what was run: suites, models, parameters, versions
runs/*/journal.jsonl      every answer as it came, with what the provider said beside it
runs/*/trials.parquet     the same as a table, and scores.parquet every score
runs/*/labels.jsonl       labels by people, where there are any
MANIFEST.json             every file with its size and hashes, and the report's headlines

To check that nothing was changed: `sha256sum -c SHA256SUMS` in the unpacked folder, or `candor verify FILE.zip`, which also computes the
headlines again from the tables. Both only show that the files belong together. That they are the files once published is shown by the hash of
MANIFEST.json, if whoever published them published it too.
";

/// Writes a zip of evidence, and gives the BLAKE3 hash of its manifest: who publishes it can be held to the whole.
///
/// # Errors
/// [`ReportError`] where a run cannot be read or the zip cannot be written.
pub fn write_evidence<P: AsRef<Path>>(
    runs: &[P],
    options: &ReportOptions,
    path: &Path,
) -> Result<String, ReportError> {
    let report = Report::new(Dataset::open(runs)?, options)?;
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("README.txt".into(), README.into()),
        ("report.html".into(), report.html()?.into_bytes()),
        ("scores.csv".into(), scores(&report.data)?),
    ];
    let mut names = BTreeSet::new();
    for run in runs.iter().map(AsRef::as_ref) {
        let own = run
            .file_name()
            .map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
        let mut name = own.clone();
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("{own}-{number}");
            number += 1;
        }
        for file in OF_A_RUN {
            let place = run.join(file);
            if place.is_file() {
                files.push((format!("runs/{name}/{file}"), read(&place)?));
            }
        }
    }
    let sums = files
        .iter()
        .fold(String::new(), |mut sums, (path, content)| {
            let _ = writeln!(sums, "{}  {path}", FileRecord::of(path, content).sha256);
            sums
        });
    files.push(("SHA256SUMS".into(), sums.into_bytes()));
    let manifest = Manifest {
        format: FORMAT,
        candor_version: env!("CARGO_PKG_VERSION").into(),
        created: jiff::Timestamp::now().to_string(),
        runs: names.into_iter().collect(),
        baseline: report.baseline().to_owned(),
        headlines: report.headlines(),
        files: files
            .iter()
            .map(|(path, content)| FileRecord::of(path, content))
            .collect(),
    };
    let manifest = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    let hash = blake3::hash(&manifest).to_hex().to_string();
    files.insert(0, (MANIFEST.into(), manifest));
    let packed = pack(&files).map_err(|e| failed("cannot pack", path, &e))?;
    fs::write(path, packed).map_err(|e| failed("cannot write", path, &e))?;
    Ok(hash)
}

fn scores(data: &Dataset) -> Result<Vec<u8>, ReportError> {
    let folder = tempfile::tempdir()
        .map_err(|e| failed("cannot make a folder for", Path::new("scores.csv"), &e))?;
    let path = folder.path().join("scores.csv");
    export(data, "csv", true, &path)?;
    read(&path)
}

fn read(path: &Path) -> Result<Vec<u8>, ReportError> {
    fs::read(path).map_err(|e| failed("cannot read", path, &e))
}

fn failed(action: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> ReportError {
    ReportError::File {
        action,
        path: path.into(),
        reason: reason.to_string(),
    }
}

/// The same content gives the same bytes: no file carries a time.
fn pack(files: &[(String, Vec<u8>)]) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .large_file(true);
    for (path, content) in files {
        zip.start_file(path.as_str(), options)?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}
