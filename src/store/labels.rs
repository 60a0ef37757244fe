//! Labels of a run's trials that come from outside it, a person's or another judge's: one JSON line each.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// One label of one trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialLabel {
    /// The trial's key.
    pub trial: String,
    /// A class of the taxonomy, or a label of SpeechMap's.
    pub class: String,
    /// Who says so.
    pub by: String,
}

/// The labels of each trial in a file, by who gave them; whoever labels a trial again means the later label.
///
/// # Errors
/// [`StoreError::File`] where the file cannot be read, or names the line that is no label.
pub fn read_labels(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, String>>, StoreError> {
    let text =
        std::fs::read_to_string(path).map_err(|e| StoreError::file("cannot read", path, &e))?;
    let mut labels: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (at, line) in text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
    {
        let TrialLabel { trial, class, by } = serde_json::from_str(line).map_err(|e| {
            let why = format!(
                "line {}: {e}. A label is {{\"trial\": KEY, \"class\": CLASS, \"by\": NAME}}",
                at + 1
            );
            StoreError::file("cannot read", path, &why)
        })?;
        labels.entry(trial).or_default().insert(by, class);
    }
    Ok(labels)
}

/// Adds a label to a file, which is made where there is none; it is on disk when this returns.
///
/// # Errors
/// [`StoreError::File`] where the file cannot be written.
pub fn append_label(path: &Path, label: &TrialLabel) -> Result<(), StoreError> {
    let failed = |e: &dyn std::fmt::Display| StoreError::file("cannot write", path, e);
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|e| failed(&e))?;
    let line = serde_json::to_string(label).map_err(|e| failed(&e))? + "\n";
    file.write_all(line.as_bytes()).map_err(|e| failed(&e))?;
    file.sync_data().map_err(|e| failed(&e))
}
