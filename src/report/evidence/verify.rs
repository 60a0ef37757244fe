//! Checks a zip of evidence: its hashes, that its tables are those of its transcripts, and that its headlines follow from its tables.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read;
use std::path::{Component, Path};

use zip::ZipArchive;

use super::{FORMAT, FileRecord, MANIFEST, Manifest};
use crate::analysis::Dataset;
use crate::report::{Report, ReportError, ReportOptions};
use crate::store::{Filter, Reading, RunDirectory, TRIALS, column, read_journal};

/// Most bytes unpacked of one file: a zip from somebody else may claim to be small.
const MOST_BYTES: u64 = 4 << 30;

/// What a zip of evidence was found to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// BLAKE3 of its manifest.
    pub manifest: String,
    /// Files whose hashes hold.
    pub files: usize,
    /// Trials whose transcripts and tables agree.
    pub trials: usize,
    /// Headlines that were computed again.
    pub headlines: usize,
    /// What does not hold, each in one line; none where all does.
    pub wrong: Vec<String>,
}

/// Checks a zip of evidence.
///
/// # Errors
/// [`ReportError`] where the file cannot be read, or is no evidence at all.
pub fn verify(path: &Path) -> Result<Verified, ReportError> {
    let failed = |reason: &dyn std::fmt::Display| ReportError::File {
        action: "cannot read the evidence",
        path: path.into(),
        reason: reason.to_string(),
    };
    let file = fs::File::open(path).map_err(|e| failed(&e))?;
    let mut archive = ZipArchive::new(file).map_err(|e| failed(&e))?;
    let mut contents = BTreeMap::new();
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(|e| failed(&e))?;
        let name = entry.name().to_owned();
        let mut content = Vec::new();
        entry
            .take(MOST_BYTES)
            .read_to_end(&mut content)
            .map_err(|e| failed(&e))?;
        contents.insert(name, content);
    }
    let manifest = contents.remove(MANIFEST).ok_or_else(|| {
        failed(&format!(
            "it holds no {MANIFEST}; is it from `candor export --format evidence`?"
        ))
    })?;
    let mut found = Verified {
        manifest: blake3::hash(&manifest).to_hex().to_string(),
        ..Verified::default()
    };
    let manifest: Manifest = serde_json::from_slice(&manifest).map_err(|e| failed(&e))?;
    if manifest.format != FORMAT {
        let format = manifest.format;
        return Err(failed(&format!(
            "this candor reads evidence of format {FORMAT}, not {format}"
        )));
    }
    hashes(&manifest, &contents, &mut found);
    // What is not what it was says nothing about figures.
    if found.wrong.is_empty() {
        let folder = tempfile::tempdir().map_err(|e| failed(&e))?;
        unpack(&contents, folder.path()).map_err(|e| failed(&e))?;
        figures(&manifest, folder.path(), &mut found)?;
    }
    Ok(found)
}

fn hashes(manifest: &Manifest, contents: &BTreeMap<String, Vec<u8>>, found: &mut Verified) {
    for record in &manifest.files {
        match contents.get(&record.path) {
            None => found.wrong.push(format!("{} is missing", record.path)),
            Some(content) if FileRecord::of(&record.path, content) != *record => {
                found
                    .wrong
                    .push(format!("{} is not what the manifest says", record.path));
            }
            Some(_) => found.files += 1,
        }
    }
    let known = |path: &String| manifest.files.iter().any(|f| f.path == *path);
    let strange = contents.keys().filter(|path| !known(path));
    found
        .wrong
        .extend(strange.map(|path| format!("{path} is not in the manifest")));
    let plain = |path: &str| {
        Path::new(path)
            .components()
            .all(|c| matches!(c, Component::Normal(_)))
    };
    let outside = contents.keys().filter(|path| !plain(path));
    found
        .wrong
        .extend(outside.map(|path| format!("{path} would lie outside the folder")));
}

fn unpack(contents: &BTreeMap<String, Vec<u8>>, folder: &Path) -> std::io::Result<()> {
    for (path, content) in contents {
        let place = folder.join(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(place, content)?;
    }
    Ok(())
}

/// Whether tables follow from transcripts, and headlines from tables.
fn figures(manifest: &Manifest, folder: &Path, found: &mut Verified) -> Result<(), ReportError> {
    let runs: Vec<_> = manifest
        .runs
        .iter()
        .map(|run| folder.join("runs").join(run))
        .collect();
    for (run, name) in runs.iter().zip(&manifest.runs) {
        let reading = Reading {
            columns: &[column::TRIAL_KEY, column::ANSWER],
            filter: &Filter::all(),
            renamed: &HashMap::new(),
        };
        let trials = RunDirectory::open(run)?.read(TRIALS, reading)?;
        let (keys, answers) = (
            trials.texts(column::TRIAL_KEY)?,
            trials.texts(column::ANSWER)?,
        );
        let table: BTreeMap<String, Option<String>> = keys
            .iter()
            .zip(answers.iter())
            .filter_map(|(key, answer)| Some((key?.to_owned(), answer.map(str::to_owned))))
            .collect();
        let journal = run.join("journal.jsonl");
        if !journal.is_file() {
            found
                .wrong
                .push(format!("{name}: there are no transcripts"));
            continue;
        }
        let mut seen = BTreeMap::new();
        for record in read_journal(&journal)? {
            let record = record?;
            seen.insert(record.trial.to_string(), record.completion.map(|c| c.text));
        }
        let (said, told) = (seen.len(), table.len());
        if seen == table {
            found.trials += said;
        } else {
            found.wrong.push(format!(
                "{name}: the table of {told} trials is not that of the {said} transcripts"
            ));
        }
    }
    let options = ReportOptions {
        baseline: Some(manifest.baseline.clone()),
        ..ReportOptions::default()
    };
    let headlines = Report::new(Dataset::open(&runs)?, &options)?.headlines();
    if headlines == manifest.headlines {
        found.headlines = headlines.len();
    } else {
        let now = headlines.join(" | ");
        found.wrong.push(format!(
            "the headlines do not follow from the tables; they would be: {now}"
        ));
    }
    Ok(())
}
