//! `rescored.jsonl`: scores that `candor score` gave after the run. They win over those of the journal, whatever happens to the tables.
//!
//! The file is written completely and moved into its place at once. Its first line says what the suites' headlines are now.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::record::{TrialKey, TrialRecord};
use super::replace::replace;
use crate::score::{Score, Tells};

/// The file's name.
pub(super) const RESCORED: &str = "rescored.jsonl";

/// What rescoring changed of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RescoredSuite {
    /// The scorer and metric that are now its primary metric.
    pub headline: (String, String),
    /// What that metric tells; none in files written before it was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tells: Option<Tells>,
    /// Hash of its scorers, where others than its own were named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scorers: Option<String>,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    rescored: Timestamp,
    suites: BTreeMap<String, RescoredSuite>,
}

/// The other lines: the scores of one answer.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    trial: TrialKey,
    /// When the answer was given: another answer of the same trial has its own scores.
    finished: Timestamp,
    scores: Vec<Score>,
}

/// The last line: without it, or with fewer lines before it, the file was cut short.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    answers: u64,
}

/// Writes the scores of records in place of those given before.
pub(super) fn write_rescored(
    path: &Path,
    suites: BTreeMap<String, RescoredSuite>,
    records: impl Iterator<Item = Result<TrialRecord, StoreError>>,
) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| StoreError::file("cannot write", path, &e);
    replace(path, |file| {
        let mut out = BufWriter::new(file);
        write_line(
            &mut out,
            &Head {
                rescored: Timestamp::now(),
                suites,
            },
        )
        .map_err(failed)?;
        let mut answers = 0;
        for record in records {
            let record = record?;
            answers += 1;
            let scores = Line {
                trial: record.trial,
                finished: record.finished,
                scores: record.scores,
            };
            write_line(&mut out, &scores).map_err(failed)?;
        }
        write_line(&mut out, &End { answers }).map_err(failed)?;
        out.flush().map_err(failed)
    })
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Scores given later, by the trial they are of.
pub(super) struct Rescored {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the line of each trial begins.
    places: HashMap<TrialKey, u64>,
    /// Lines that cannot be read or are missing.
    damaged: u64,
}

/// What the file says of the suites; none if there is no such file.
///
/// # Errors
/// [`StoreError`] if it cannot be read.
pub(super) fn rescored_suites(
    path: &Path,
) -> Result<Option<BTreeMap<String, RescoredSuite>>, StoreError> {
    let Some(mut file) = open(path)? else {
        return Ok(None);
    };
    let mut line = Vec::new();
    Ok(head(path, &mut file, &mut line)?.map(|head| head.suites))
}

fn open(path: &Path) -> Result<Option<BufReader<File>>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(StoreError::file("cannot read", path, &e)),
    }
}

/// The first line; none, with a warning, where it is damaged: the run's own scores are there, and `candor score` gives new ones.
fn head(
    path: &Path,
    file: &mut BufReader<File>,
    line: &mut Vec<u8>,
) -> Result<Option<Head>, StoreError> {
    file.read_until(b'\n', line)
        .map_err(|e| StoreError::file("cannot read", path, &e))?;
    match serde_json::from_slice(line) {
        Ok(head) => Ok(Some(head)),
        Err(e) => {
            tracing::warn!(
                "{}: the first line does not say what was scored ({e}); its scores are ignored. `candor score` creates new ones",
                path.display()
            );
            Ok(None)
        }
    }
}

impl Rescored {
    /// Opens the file; none if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(mut file) = open(path)? else {
            return Ok(None);
        };
        let mut line = Vec::new();
        if head(path, &mut file, &mut line)?.is_none() {
            return Ok(None);
        }
        let (mut places, mut place, mut wrong) = (HashMap::new(), line.len() as u64, 0_u64);
        let mut end = None;
        loop {
            line.clear();
            let read = file
                .read_until(b'\n', &mut line)
                .map_err(|e| StoreError::file("cannot read", path, &e))?;
            if read == 0 {
                break;
            }
            match serde_json::from_slice::<Line>(&line) {
                Ok(scores) => {
                    places.insert(scores.trial, place);
                }
                Err(_) => match serde_json::from_slice::<End>(&line) {
                    Ok(read) => end = Some(read.answers),
                    Err(_) => wrong += 1,
                },
            }
            place += read as u64;
        }
        let read = places.len() as u64 + wrong;
        // If the end itself is missing, the number of lost lines is unknown.
        let missing = end.map_or(1, |answers| answers.saturating_sub(read));
        if missing > 0 {
            tracing::warn!(
                "{}: the file is truncated; answers missing from it have the run's original scores. `candor score` creates new ones",
                path.display()
            );
        }
        if wrong > 0 {
            tracing::warn!(
                "{}: {wrong} lines are damaged; their answers have the run's original scores. `candor score` creates new ones",
                path.display()
            );
        }
        Ok(Some(Self {
            path: path.to_path_buf(),
            file,
            places,
            damaged: wrong + missing,
        }))
    }

    /// Lines that cannot be read or are missing.
    pub(super) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Gives a record the scores that its answer was given later. What its judges did not say in the run no longer matters then.
    pub(super) fn apply(&mut self, record: &mut TrialRecord) -> Result<(), StoreError> {
        let Some(place) = self.places.get(&record.trial) else {
            return Ok(());
        };
        let failed = |e: &dyn std::fmt::Display| StoreError::file("cannot read", &self.path, e);
        let mut line = Vec::new();
        self.file
            .seek(SeekFrom::Start(*place))
            .and_then(|_| self.file.read_until(b'\n', &mut line))
            .map_err(|e| failed(&e))?;
        let given: Line = serde_json::from_slice(&line).map_err(|e| failed(&e))?;
        if given.finished == record.finished {
            record.scores = given.scores;
            record.unjudged.clear();
        }
        Ok(())
    }
}
