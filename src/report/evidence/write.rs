//! Packs runs with their report.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{
    FORMAT, FileRecord, LABELS, MANIFEST, Manifest, REPORT, SCORES_CSV, options, record_of,
    scores_csv,
};
use crate::analysis::Dataset;
use crate::report::{Report, ReportError};
use crate::store::{RunDirectory, SCORES, TRIALS};

const README: &str = "This is evidence of an audit by candor.

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

/// Writes a zip of evidence, and gives the BLAKE3 hash of its manifest: who publishes it can be held to the whole. Labels beside the first run
/// go into its report.
///
/// # Errors
/// [`ReportError`] where a run cannot be read or the zip cannot be written.
pub fn write_evidence<P: AsRef<Path>>(
    runs: &[P],
    baseline: Option<&str>,
    path: &Path,
) -> Result<String, ReportError> {
    let named: Vec<(&Path, String)> = names(runs.iter().map(AsRef::as_ref));
    let report = Report::new(Dataset::open_as(&named)?, &options(runs, baseline)?)?;
    let created = Timestamp::now();
    let made = tempfile::tempdir().map_err(|e| failed("cannot make a folder for", path, &e))?;
    let write = |name: &str, content: &[u8]| {
        let place = made.path().join(name);
        let written = fs::write(&place, content);
        written.map_err(|e| failed("cannot write", &place, &e))?;
        Ok::<_, ReportError>((name.to_owned(), place))
    };
    let mut files = vec![
        write("README.txt", README.as_bytes())?,
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
    let sums = records.iter().fold(String::new(), |mut sums, record| {
        let _ = writeln!(sums, "{}  {}", record.sha256, record.path);
        sums
    });
    files.push(write("SHA256SUMS", sums.as_bytes())?);
    records.push(FileRecord::of("SHA256SUMS", sums.as_bytes()));
    let manifest = Manifest {
        format: FORMAT,
        candor_version: env!("CARGO_PKG_VERSION").into(),
        created,
        runs: named.into_iter().map(|(_, name)| name).collect(),
        baseline: report.baseline().map(str::to_owned),
        headlines: report.headlines().to_vec(),
        files: records,
    };
    let manifest = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    files.insert(0, write(MANIFEST, &manifest)?);
    pack(&files, path).map_err(|e| failed("cannot write", path, &e))?;
    Ok(blake3::hash(&manifest).to_hex().to_string())
}

/// Each run with a folder's name of its own.
fn names<'a>(runs: impl Iterator<Item = &'a Path>) -> Vec<(&'a Path, String)> {
    let mut named: Vec<(&Path, String)> = Vec::new();
    for run in runs {
        let own = run
            .file_name()
            .map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
        // A name that is plain here may not be elsewhere.
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

/// The files of a run's folder that are evidence: what was run, every transcript as it came, the tables, and people's labels.
fn of_a_run(run: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, ReportError> {
    let directory = RunDirectory::open(run)?;
    let mut places: Vec<PathBuf> = ["run.json", "journal.jsonl", "rescored.jsonl", LABELS]
        .iter()
        .map(|file| run.join(file))
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

fn failed(action: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> ReportError {
    ReportError::File {
        action,
        path: path.into(),
        reason: reason.to_string(),
    }
}

/// Packs files under their names, each as it is read. The same content gives the same bytes: no entry carries a time. A zip is there whole or
/// not at all.
fn pack(files: &[(String, PathBuf)], path: &Path) -> zip::result::ZipResult<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    // As any new file, not for its owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut part = builder.tempfile_in(folder)?;
    let mut zip = ZipWriter::new(part.as_file_mut());
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .large_file(true);
    for (name, place) in files {
        zip.start_file(name.as_str(), options)?;
        io::copy(&mut File::open(place)?, &mut zip)?;
    }
    zip.finish()?;
    part.as_file().sync_all()?;
    // A device or a pipe is written to, and never replaced; a link keeps its place, and its target is replaced.
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => {
            let mut out = File::options().write(true).open(path)?;
            io::copy(&mut part.reopen()?, &mut out)?;
        }
        Ok(_) => drop(part.persist(path.canonicalize()?).map_err(|e| e.error)?),
        Err(_) => drop(part.persist(path).map_err(|e| e.error)?),
    }
    Ok(())
}
