//! Packs runs with their report.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use zip::result::{ZipError, ZipResult};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{
    FORMAT, FileRecord, MANIFEST, Manifest, OF_A_RUN, README, REPORT, SCORES_CSV, SUMS, VERSION,
    WHAT_IT_IS, options, record_of, scores_csv, sha256_sums,
};
use crate::analysis::Dataset;
use crate::files::write_output;
use crate::report::{Report, ReportError};
use crate::store::{RunDirectory, SCORES, TRIALS};

/// Writes a zip of evidence, and returns the BLAKE3 hash of its manifest: publishing the hash commits to the whole. Labels in the first
/// run's directory go into its report.
///
/// # Errors
/// [`ReportError`] if a run cannot be read or the zip cannot be written.
pub fn write_evidence<P: AsRef<Path>>(
    runs: &[P],
    baseline: Option<&str>,
    path: &Path,
) -> Result<String, ReportError> {
    let named: Vec<(&Path, String)> = names(runs.iter().map(AsRef::as_ref));
    let report = Report::new(Dataset::open_as(&named)?, &options(runs, baseline)?)?;
    let created = Timestamp::now();
    let made = tempfile::tempdir()
        .map_err(|e| ReportError::file("cannot create a folder for", path, &e))?;
    let write = |name: &str, content: &[u8]| {
        let place = made.path().join(name);
        let written = fs::write(&place, content);
        written.map_err(|e| ReportError::file("cannot write", &place, &e))?;
        Ok::<_, ReportError>((name.to_owned(), place))
    };
    let mut files = vec![
        write(README, WHAT_IT_IS.as_bytes())?,
        write(REPORT, report.html_made(created)?.as_bytes())?,
    ];
    let table = made.path().join(SCORES_CSV);
    scores_csv(&report.data, &table)?;
    files.push((SCORES_CSV.into(), table));
    for (run, name) in &named {
        files.extend(of_a_run(run, name)?);
    }
    let mut records: Vec<FileRecord> = files
        .iter()
        .map(|(name, place)| record_of(name, place))
        .collect::<Result<_, _>>()?;
    let sums = sha256_sums(&records);
    files.push(write(SUMS, sums.as_bytes())?);
    records.push(FileRecord::of(SUMS, sums.as_bytes()));
    let manifest = Manifest {
        format: FORMAT,
        candor_version: VERSION.into(),
        created,
        runs: named.into_iter().map(|(_, name)| name).collect(),
        baseline: report.baseline().map(str::to_owned),
        headlines: report.headlines().to_vec(),
        files: records,
    };
    let manifest = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    files.insert(0, write(MANIFEST, &manifest)?);
    pack(&files, path).map_err(|e| ReportError::file("cannot write", path, &e))?;
    Ok(blake3::hash(&manifest).to_hex().to_string())
}

/// Each run with a folder name of its own.
fn names<'a>(runs: impl Iterator<Item = &'a Path>) -> Vec<(&'a Path, String)> {
    let mut named: Vec<(&Path, String)> = Vec::new();
    for run in runs {
        let own = run
            .file_name()
            .map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
        // A name that is safe on this platform can be unsafe on another.
        let own = own.replace(['\\', ':'], "-");
        let mut name = own.clone();
        let mut number = 2;
        while named.iter().any(|(_, taken)| *taken == name) {
            name = format!("{own}-{number}");
            number += 1;
        }
        named.push((run, name));
    }
    named
}

/// The files of a run that are packed as evidence: manifest, transcripts as they came, tables, and people's labels.
fn of_a_run(run: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, ReportError> {
    let directory = RunDirectory::open(run)?;
    let damaged = directory.damaged_lines()?;
    if damaged > 0 {
        tracing::warn!(
            "{}: {damaged} lines of it cannot be read; evidence with such lines would not verify",
            run.display()
        );
    }
    let mut places: Vec<PathBuf> = OF_A_RUN
        .iter()
        .map(|file| directory.path.join(file))
        .collect();
    places.extend([TRIALS, SCORES].map(|table| directory.table(table)));
    let there = places.into_iter().filter(|place| place.is_file());
    Ok(there
        .filter_map(|place| {
            let file = place.file_name()?.to_str()?;
            Some((format!("runs/{name}/{file}"), place.clone()))
        })
        .collect())
}

/// Packs files under their names, each as it is read. The same content gives the same bytes: no entry carries a time. The zip is written
/// completely or not at all.
fn pack(files: &[(String, PathBuf)], path: &Path) -> ZipResult<()> {
    write_output(path, ZipError::Io, |file| {
        let mut zip = ZipWriter::new(file);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .large_file(true);
        for (name, place) in files {
            zip.start_file(name.as_str(), options)?;
            io::copy(&mut File::open(place)?, &mut zip)?;
        }
        zip.finish()?;
        Ok(())
    })
}
