//! What `--record` keeps: a line per question, with its raw exchanges and the answer, in the form that `replay:` reads.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::error::StoreError;
use super::journal::end_of_last_line;
use super::record::{Failure, TrialRecord};
use crate::model::{Completion, Exchange};

/// A recording that is being written.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: Mutex<File>,
}

/// What a judge was asked about an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgeAsked {
    /// Its specification.
    pub judge: String,
    /// The raw exchanges with it.
    pub exchanges: Vec<Exchange>,
}

#[derive(Serialize)]
struct Line<'a> {
    model: &'a str,
    suite: &'a str,
    sample_id: &'a str,
    epoch: u32,
    exchanges: &'a [Exchange],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    judges: &'a [JudgeAsked],
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Completion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Failure>,
}

impl Recording {
    /// Begins a recording in a new file; with `more`, one that is there is gone on with.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] if there is a file and it is not to be gone on with; [`StoreError::File`] if it cannot be written.
    pub fn open(path: &Path, more: bool) -> Result<Self, StoreError> {
        let failed = |e: std::io::Error| StoreError::file("cannot write", path, &e);
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        let mut file = match options.clone().create_new(true).open(path) {
            Ok(file) => file,
            Err(e)
                if e.kind() == std::io::ErrorKind::AlreadyExists
                    && (more || path.metadata().is_ok_and(|m| m.is_file() && m.len() == 0)) =>
            {
                options.open(path).map_err(failed)?
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Occupied {
                    path: path.display().to_string(),
                    reason: "it exists already; name another file to record into".into(),
                });
            }
            Err(e) => return Err(failed(e)),
        };
        // What a killed process cut off in the middle would spoil the line after it.
        let end = end_of_last_line(&mut file).map_err(failed)?;
        file.set_len(end).map_err(failed)?;
        Ok(Self {
            path: path.to_path_buf(),
            file: Mutex::new(file),
        })
    }

    /// Writes down a trial that has ended: the exchanges behind its answer, and those with its judges.
    ///
    /// # Errors
    /// [`StoreError::File`] if it cannot be written.
    pub fn write(
        &self,
        record: &TrialRecord,
        exchanges: &[Exchange],
        judges: &[JudgeAsked],
    ) -> Result<(), StoreError> {
        let answer = record.completion.as_ref().map(|completion| Completion {
            // The last exchange has it.
            raw: completion.raw.clone().filter(|_| exchanges.is_empty()),
            ..completion.clone()
        });
        let line = Line {
            model: &record.model,
            suite: &record.suite,
            sample_id: &record.sample,
            epoch: record.epoch,
            exchanges,
            judges,
            answer,
            error: record.failure.as_ref(),
        };
        let failed = |e: &dyn std::fmt::Display| StoreError::file("cannot write", &self.path, e);
        let mut line = serde_json::to_vec(&line).map_err(|e| failed(&e))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(|e| failed(&e))
    }
}
