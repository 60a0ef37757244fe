//! Labels of a run's trials that come from outside it, a person's or another judge's: one JSON line each.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::journal::end_of_last_line;
use super::replace::replace;

/// One label of one trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialLabel {
    /// The trial's key.
    pub trial: String,
    /// A class of the taxonomy, or a label of SpeechMap's.
    pub class: String,
    /// The annotator.
    pub by: String,
}

/// The labels of each trial in a file, by who gave them; for a trial labelled again by the same annotator, the later label counts. A last line that was cut
/// off in the middle is skipped with a warning.
///
/// # Errors
/// [`StoreError::File`] if the file cannot be read, or names the line that is not a label.
pub fn read_labels(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, String>>, StoreError> {
    let text =
        std::fs::read_to_string(path).map_err(|e| StoreError::file("cannot read", path, &e))?;
    let mut labels: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(TrialLabel { trial, class, by }) => {
                labels.entry(trial).or_default().insert(by, class);
            }
            Err(_) if !line.ends_with('\n') => tracing::warn!(
                "{}: the last label is incomplete and is skipped",
                path.display()
            ),
            Err(e) => {
                let why = format!(
                    "line {}: {e}. A label is {{\"trial\": KEY, \"class\": CLASS, \"by\": NAME}}",
                    at + 1
                );
                return Err(StoreError::file("cannot read", path, &why));
            }
        }
    }
    Ok(labels)
}

/// Adds a label to a file, which is made if there is none; it is on disk when this returns. A label that was cut off in the middle
/// is removed first, so that the two do not become one line.
///
/// # Errors
/// [`StoreError::File`] if the file cannot be written.
pub fn append_label(path: &Path, label: &TrialLabel) -> Result<(), StoreError> {
    let failed = |e: &dyn std::fmt::Display| StoreError::file("cannot write", path, e);
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)
        .map_err(|e| failed(&e))?;
    // Two label pages may share a file; where it cannot be locked, a line is still written in one piece.
    let _ = file.lock();
    end_line(&mut file).map_err(|e| failed(&e))?;
    let line = serde_json::to_string(label).map_err(|e| failed(&e))? + "\n";
    file.write_all(line.as_bytes()).map_err(|e| failed(&e))?;
    file.sync_data().map_err(|e| failed(&e))
}

/// Writes labels into a new file, whole or not at all.
///
/// # Errors
/// [`StoreError::File`] if it cannot be written.
pub fn write_labels(path: &Path, labels: &[TrialLabel]) -> Result<(), StoreError> {
    let failed = |e: &dyn std::fmt::Display| StoreError::file("cannot write", path, e);
    let mut text = String::new();
    for label in labels {
        text += &serde_json::to_string(label).map_err(|e| failed(&e))?;
        text.push('\n');
    }
    replace(path, |mut file| {
        file.write_all(text.as_bytes()).map_err(|e| failed(&e))
    })
}

/// Makes the file end with a newline: behind a whole label, which a person may have written, or instead of a torn one.
fn end_line(file: &mut File) -> std::io::Result<()> {
    let end = end_of_last_line(file)?;
    let mut rest = String::new();
    file.seek(SeekFrom::Start(end))?;
    let is_text = file.read_to_string(&mut rest).is_ok();
    if is_text && rest.is_empty() {
        Ok(())
    } else if is_text && serde_json::from_str::<TrialLabel>(&rest).is_ok() {
        file.write_all(b"\n")
    } else {
        file.set_len(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(trial: &str) -> TrialLabel {
        TrialLabel {
            trial: trial.into(),
            class: "complete".into(),
            by: "person".into(),
        }
    }

    #[test]
    fn a_label_after_a_torn_one_is_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.jsonl");
        append_label(&path, &label("a")).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"trial\": \"b\", \"cla")).unwrap();
        assert_eq!(read_labels(&path).unwrap().len(), 1, "torn, and left out");
        append_label(&path, &label("c")).unwrap();
        let labels = read_labels(&path).unwrap();
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn a_label_written_by_hand_without_a_newline_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.jsonl");
        std::fs::write(&path, serde_json::to_string(&label("a")).unwrap()).unwrap();
        append_label(&path, &label("b")).unwrap();
        assert_eq!(read_labels(&path).unwrap().len(), 2);
    }
}
