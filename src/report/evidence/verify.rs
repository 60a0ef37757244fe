//! Verifies an untrusted zip of evidence: its paths, its hashes, that its tables match its transcripts, and that
//! headlines, report and scores follow from its transcripts.
//!
//! Nothing is unpacked before every path, size and hash has been checked, and then into a temporary folder. Figures are computed from tables
//! rebuilt from the transcripts; the tables that were packed are only compared with them.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::archive::{Archive, Mismatch};
use super::{
    FORMAT, FileRecord, MANIFEST, Manifest, OF_A_RUN, README, REPORT, SCORES_CSV, SUMS, VERSION,
    WHAT_IT_IS, is_plain, options, record_of, scores_csv, sha256_sums,
};
use crate::analysis::Dataset;
use crate::report::{Report, ReportError};
use crate::store::{
    Filter, Reading, RunDirectory, SCORES, StoreError, TRIALS, Table, column, stratum_column,
};
use crate::text::visible_line;

/// Maximum size of a file, and of all files together.
const MAX_FILE_BYTES: u64 = 8 << 30;
const MAX_TOTAL_BYTES: u64 = 32 << 30;

/// The outcome of verifying a zip of evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// BLAKE3 of its manifest.
    pub manifest: String,
    /// Number of files whose hashes match.
    pub files: usize,
    /// Trials whose transcripts and tables agree.
    pub trials: usize,
    /// Scores whose transcripts and tables agree.
    pub scores: usize,
    /// Headlines that were recomputed.
    pub headlines: usize,
    /// Files that were rebuilt and came out identical.
    pub rendered: Vec<String>,
    /// Files that could not be rebuilt, since another version wrote them: only their hashes were checked.
    pub only_hashed: Vec<String>,
    /// The version of candor that wrote those.
    pub written_by: String,
    /// Every failed check, in one line each; empty if all passed.
    pub wrong: Vec<String>,
}

/// Verifies a zip of evidence. No more of an entry is read than the manifest states, and no entry is held in memory whole.
///
/// # Errors
/// [`ReportError`] if the file cannot be read, or is not evidence at all.
pub fn verify(path: &Path) -> Result<Verified, ReportError> {
    let failed = |reason: &dyn std::fmt::Display| {
        ReportError::file("cannot read the evidence", path, reason)
    };
    let mut archive = Archive::open(path).map_err(|e| failed(&e))?;
    let manifest = archive.manifest().map_err(|e| failed(&e))?;
    let manifest = manifest.ok_or_else(|| {
        failed(&format!(
            "it has no {MANIFEST}; was it written by `candor export --format evidence`?"
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
    for entry in archive.special() {
        found.report(&format!(
            "{entry} is a link or another special entry; evidence consists of regular files"
        ));
    }
    names(&manifest, &archive.names(), &mut found);
    // Entries with unsafe paths or sizes are not read at all.
    if found.wrong.is_empty() {
        hashes(&manifest, &mut archive, &mut found);
    }
    if found.wrong.is_empty() {
        fixed(&manifest, &mut found);
    }
    // Skip recomputation if any hash mismatches.
    if found.wrong.is_empty() {
        let folder = tempfile::tempdir().map_err(|e| failed(&e))?;
        let runs = Unpacked::unpack(&manifest, &mut archive, folder.path(), &mut found)
            .map_err(|e| failed(&e))?;
        if found.wrong.is_empty() {
            for run in &runs {
                run.check(&mut found);
            }
        }
        if found.wrong.is_empty() {
            figures(&manifest, &runs, folder.path(), &mut found)?;
        }
    }
    Ok(found)
}

impl Verified {
    fn report(&mut self, line: &str) {
        self.wrong.push(visible_line(line).into_owned());
    }
}

/// Whether every name is a safe path and occurs once, and every size is within bounds.
fn names(manifest: &Manifest, entries: &[String], found: &mut Verified) {
    let mut known: BTreeSet<&str> = BTreeSet::from([MANIFEST]);
    let mut total = 0_u64;
    for record in &manifest.files {
        let path = &record.path;
        if !is_plain(path) {
            found.report(&format!("{path} would be outside the folder"));
        } else if !known.insert(path) {
            found.report(&format!("{path} is in the manifest twice"));
        } else if record.bytes > MAX_FILE_BYTES {
            found.report(&format!("{path} is too large ({} bytes)", record.bytes));
        }
        total = total.saturating_add(record.bytes);
    }
    if total > MAX_TOTAL_BYTES {
        found.report(&format!("the files are too large together ({total} bytes)"));
    }
    for entry in entries {
        if !is_plain(entry) {
            found.report(&format!("{entry} would be outside the folder"));
        } else if !known.contains(entry.as_str()) {
            found.report(&format!("{entry} is not in the manifest"));
        }
    }
    let mut runs = BTreeSet::new();
    for run in &manifest.runs {
        if !is_plain(run) || run.contains('/') {
            found.report(&format!("the run {run} would be outside the folder"));
        } else if !runs.insert(run) {
            found.report(&format!("the run {run} is in the manifest twice"));
        }
        for file in ["run.json", "journal.jsonl"] {
            let path = format!("runs/{run}/{file}");
            if is_plain(run) && !known.contains(path.as_str()) {
                found.report(&format!("the run {run} has no {file}"));
            }
        }
    }
    if manifest.runs.is_empty() {
        found.report("there is no run in it");
    }
}

fn hashes(manifest: &Manifest, archive: &mut Archive, found: &mut Verified) {
    for record in &manifest.files {
        let path = &record.path;
        match archive.copy(record, &mut io::sink()) {
            Ok(()) => found.files += 1,
            Err(Mismatch::Missing) => found.report(&format!("{path} is missing")),
            Err(Mismatch::Content) => {
                found.report(&format!("{path} is not what the manifest says"));
            }
            Err(Mismatch::Line) => found.report(&format!("{path} has a line too long to be read")),
        }
    }
}

/// Whether every file is one that evidence has, and whether those derived from the others alone are correct.
fn fixed(manifest: &Manifest, found: &mut Verified) {
    let is_there = |name, content: &str| {
        let made = FileRecord::of(name, content.as_bytes());
        manifest.files.contains(&made)
    };
    let others = manifest.files.iter().filter(|f| f.path != SUMS);
    if !is_there(SUMS, &sha256_sums(others)) {
        found.report(&format!(
            "{SUMS} is not the list of the other files' hashes"
        ));
    }
    if manifest.is_of_this_version() && !is_there(README, WHAT_IT_IS) {
        found.report(&format!("{README} is not what candor {VERSION} writes"));
    }
    for record in &manifest.files {
        if !is_known(&record.path, &manifest.runs) {
            found.report(&format!("{} is not a file of evidence", record.path));
        }
    }
}

/// Whether evidence has a file of that name.
fn is_known(path: &str, runs: &[String]) -> bool {
    let of_a_run = |file: &str| {
        let is_table = |table: &str| {
            file.starts_with(table) && file.ends_with(".parquet") && !file.contains('/')
        };
        OF_A_RUN.contains(&file) || [TRIALS, SCORES].into_iter().any(is_table)
    };
    [README, REPORT, SCORES_CSV, SUMS].contains(&path)
        || path
            .strip_prefix("runs/")
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(run, file)| runs.iter().any(|r| r == run) && of_a_run(file))
}

/// A run twice: rebuilt from its transcripts, and with its tables as packed.
struct Unpacked {
    name: String,
    /// Holds everything packed except the tables, which are rebuilt here.
    made: RunDirectory,
    /// Holds the manifest and the tables that were packed.
    packed: RunDirectory,
}

impl Unpacked {
    /// Unpacks every run into a folder.
    fn unpack(
        manifest: &Manifest,
        archive: &mut Archive,
        folder: &Path,
        found: &mut Verified,
    ) -> Result<Vec<Self>, Box<dyn std::error::Error>> {
        let mut runs = Vec::new();
        for name in &manifest.runs {
            let [made, packed] = ["runs", "packed"].map(|part| folder.join(part).join(name));
            fs::create_dir_all(&made)?;
            fs::create_dir_all(&packed)?;
            let inside = format!("runs/{name}/");
            for record in &manifest.files {
                let Some(file) = record.path.strip_prefix(&inside) else {
                    continue;
                };
                if file.contains('/') {
                    continue;
                }
                let place = if file.ends_with(".parquet") {
                    packed.join(file)
                } else {
                    made.join(file)
                };
                archive
                    .copy(record, &mut File::create(place)?)
                    .map_err(|_| format!("{} changed while it was read", record.path))?;
            }
            for shared in ["run.json", "rescored.jsonl"] {
                if made.join(shared).is_file() {
                    fs::copy(made.join(shared), packed.join(shared))?;
                }
            }
            let made = match RunDirectory::open(&made) {
                Err(StoreError::Lost { .. }) => {
                    found.report(&format!(
                        "the run {name} has no rescored.jsonl, where its scores are"
                    ));
                    continue;
                }
                opened => opened?,
            };
            let damaged = made.damaged_lines()?;
            if damaged > 0 {
                found.report(&format!(
                    "{damaged} lines of the transcripts or scores of the run {name} are damaged or missing, so nothing in it follows from all of them"
                ));
                continue;
            }
            made.write_tables()?;
            runs.push(Self {
                name: name.clone(),
                made,
                packed: RunDirectory::open(&packed)?,
            });
        }
        Ok(runs)
    }

    /// Whether the packed tables match those rebuilt from the transcripts.
    fn check(&self, found: &mut Verified) {
        let strata = self.made.manifest.suites.iter().flat_map(|s| &s.strata);
        let strata: BTreeSet<String> = strata.map(|s| stratum_column(s)).collect();
        let mut of_trials = column::OF_TRIALS.to_vec();
        of_trials.extend(strata.iter().map(String::as_str));
        let trials = self.same_rows(TRIALS, &of_trials, &[column::TRIAL_KEY]);
        let key = [column::TRIAL_KEY, column::SCORER, column::METRIC];
        let scores = self.same_rows(SCORES, column::OF_SCORES, &key);
        for (told, count) in [(trials, &mut found.trials), (scores, &mut found.scores)] {
            match told {
                Ok(rows) => *count += rows,
                Err(why) => {
                    let line = format!("{}: {why}", self.name);
                    found.wrong.push(visible_line(&line).into_owned());
                }
            }
        }
    }

    /// The number of rows of a table if both are the same, else the first difference.
    fn same_rows(&self, table: &str, columns: &[&str], key: &[&str]) -> Result<usize, String> {
        let read = |run: &RunDirectory| {
            let reading = Reading {
                columns,
                filter: &Filter::all(),
                renamed: &HashMap::new(),
            };
            run.read(table, reading).map_err(|e| e.to_string())
        };
        let made = read(&self.made)?;
        if same_bytes(&self.made.table(table), &self.packed.table(table)) {
            return Ok(made.height());
        }
        if !self.packed.table(table).is_file() {
            return Err(format!("there is no table of {table}"));
        }
        // A forged table can make the reader panic.
        let packed = catch_unwind(AssertUnwindSafe(|| read(&self.packed)))
            .unwrap_or_else(|_| Err(format!("the table of {table} cannot be read")))?;
        difference(&made, &packed, columns, key).map_or(Ok(made.height()), |at| {
            Err(format!(
                "the table of {table} does not match the transcripts: {at}"
            ))
        })
    }
}

/// The first difference between two tables, regardless of the order of rows.
fn difference(made: &Table, packed: &Table, columns: &[&str], key: &[&str]) -> Option<String> {
    if made.height() != packed.height() {
        return Some(format!(
            "it has {} rows, they make {}",
            packed.height(),
            made.height()
        ));
    }
    let place = |name: &str| columns.iter().position(|c| *c == name);
    let key: Vec<usize> = key.iter().filter_map(|name| place(name)).collect();
    let name = |table: &Table, row: usize| -> Vec<Option<String>> {
        key.iter().map(|at| table.cell(*at, row)).collect()
    };
    let rows: HashMap<Vec<Option<String>>, usize> = (0..packed.height())
        .map(|row| (name(packed, row), row))
        .collect();
    (0..made.height()).find_map(|row| {
        let key = name(made, row);
        let first = key.first().cloned().flatten().unwrap_or_default();
        let Some(other) = rows.get(&key) else {
            return Some(format!("trial {first} is not in it"));
        };
        let differs =
            (0..columns.len()).find(|at| made.cell(*at, row) != packed.cell(*at, *other))?;
        Some(format!("{} of trial {first}", columns[differs]))
    })
}

fn same_bytes(one: &Path, other: &Path) -> bool {
    matches!((record_of("", one), record_of("", other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether headlines, report and scores follow from the transcripts.
fn figures(
    manifest: &Manifest,
    runs: &[Unpacked],
    folder: &Path,
    found: &mut Verified,
) -> Result<(), ReportError> {
    let paths: Vec<PathBuf> = runs.iter().map(|run| run.made.path.clone()).collect();
    let options = options(&paths, manifest.baseline.as_deref())?;
    let report = Report::new(Dataset::open(&paths)?, &options)?;
    if report.headlines() == manifest.headlines {
        found.headlines = manifest.headlines.len();
    } else {
        let now = report.headlines().join(" | ");
        found.report(&format!(
            "the headlines do not follow from the transcripts; candor {VERSION} computes: {now}"
        ));
    }
    let record = |path: &str| manifest.files.iter().find(|f| f.path == path);
    if !manifest.is_of_this_version() {
        found.written_by.clone_from(&manifest.candor_version);
        let others = [REPORT, SCORES_CSV]
            .into_iter()
            .filter(|p| record(p).is_some());
        found.only_hashed.extend(others.map(str::to_owned));
        return Ok(());
    }
    let page = record(REPORT).map(|packed| {
        let html = report.html_made(manifest.created)?;
        Ok::<_, ReportError>((packed, FileRecord::of(REPORT, html.as_bytes())))
    });
    let table = record(SCORES_CSV).map(|packed| {
        let path = folder.join(SCORES_CSV);
        Ok::<_, ReportError>((packed, scores_csv(&report.data, &path)?))
    });
    for (packed, made) in [page, table]
        .into_iter()
        .flatten()
        .collect::<Result<Vec<_>, _>>()?
    {
        if made == *packed {
            found.rendered.push(made.path);
        } else {
            found.report(&format!(
                "{} is not what candor {VERSION} computes from the transcripts",
                made.path
            ));
        }
    }
    Ok(())
}
