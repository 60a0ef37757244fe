//! `batches.jsonl` in a run's directory: which batches were submitted, with which requests. A batch is written down before it is submitted.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Name;
use crate::model::ModelError;
use crate::model::error::files_error;

/// A batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// A name of our own, which the provider keeps with the batch where it can.
    pub token: String,
    /// The model's fingerprint.
    pub model: String,
    /// When it was to be submitted.
    pub time: Timestamp,
    /// Names of its requests.
    pub requests: Vec<Name>,
    /// The provider's name for it, once that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Submitting(Entry),
    Submitted { token: String, id: String },
    Refused { token: String },
}

pub(super) struct Ledger {
    path: PathBuf,
    entries: Mutex<Vec<Entry>>,
}

impl Ledger {
    pub(super) fn open(path: &Path) -> Result<Self, ModelError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            Err(e) => return Err(failed("read", path, &e)),
        };
        let mut entries: Vec<Entry> = Vec::new();
        // A last line that was cut off in the middle was written before anything was submitted.
        for line in text.split_inclusive('\n').filter(|l| l.ends_with('\n')) {
            match serde_json::from_str(line) {
                Ok(line) => take(&mut entries, line),
                Err(e) => return Err(failed("read", path, &e)),
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            entries: Mutex::new(entries),
        })
    }

    /// The batches of a model, the newest first.
    pub(super) fn entries(&self, model: &str) -> Vec<Entry> {
        let entries = self.locked();
        let own = entries.iter().filter(|e| e.model == model);
        own.rev().cloned().collect()
    }

    /// Writes down that a batch is about to be submitted.
    pub(super) fn submitting(&self, model: &str, requests: Vec<Name>) -> Result<Entry, ModelError> {
        let time = Timestamp::now();
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{time}{}", std::process::id()).as_bytes());
        for name in &requests {
            hasher.update(name.as_bytes());
        }
        let entry = Entry {
            token: hasher.finalize().to_hex()[..24].to_owned(),
            model: model.to_owned(),
            time,
            requests,
            id: None,
        };
        self.write(Line::Submitting(entry.clone()))?;
        Ok(entry)
    }

    /// Writes down the provider's name for a batch.
    pub(super) fn submitted(&self, token: &str, id: &str) -> Result<(), ModelError> {
        let known = self
            .locked()
            .iter()
            .any(|e| e.token == token && e.id.is_some());
        if known {
            return Ok(());
        }
        let (token, id) = (token.to_owned(), id.to_owned());
        self.write(Line::Submitted { token, id })
    }

    /// Writes down that the provider did not take a batch.
    pub(super) fn refused(&self, token: &str) -> Result<(), ModelError> {
        let token = token.to_owned();
        self.write(Line::Refused { token })
    }

    fn write(&self, line: Line) -> Result<(), ModelError> {
        let written = || -> std::io::Result<()> {
            let mut file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)?;
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            file.write_all(&text)?;
            file.sync_data()
        };
        let mut entries = self.locked();
        written().map_err(|e| failed("write", &self.path, &e))?;
        take(&mut entries, line);
        Ok(())
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take(entries: &mut Vec<Entry>, line: Line) {
    match line {
        Line::Submitting(entry) => entries.push(entry),
        Line::Submitted { token, id } => {
            if let Some(entry) = entries.iter_mut().find(|e| e.token == token) {
                entry.id = Some(id);
            }
        }
        Line::Refused { token } => entries.retain(|e| e.token != token),
    }
}

fn failed(action: &str, path: &Path, why: &dyn std::fmt::Display) -> ModelError {
    files_error(format!(
        "cannot {action} the ledger of batches {}: {why}",
        path.display()
    ))
}
