//! Files of a run, written whole or not at all, and what killed writers left of them.

use std::fs::{self, File};
use std::path::Path;

use super::error::StoreError;
use crate::files;

/// Writes a file of a run whole or not at all.
pub(super) fn replace<T>(
    path: &Path,
    write: impl FnOnce(&File) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    files::replace(path, |e| StoreError::file("cannot write", path, &e), write)
}

/// Removes what killed writers left half written in a folder. Files of writers that live are locked, and stay.
pub(super) fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|n| n.to_str());
        if name.is_some_and(is_partial)
            && File::open(&path).is_ok_and(|file| file.try_lock().is_ok())
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether a file's name is one that [`files::replace`] makes of a file of a run.
fn is_partial(name: &str) -> bool {
    const OURS: &[&str] = &["run.json", "rescored.jsonl", "trials", "scores", "tables"];
    let parts = name.strip_prefix('.').and_then(|n| n.rsplit_once('.'));
    parts.is_some_and(|(own, writer)| {
        let numbers = writer.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        numbers && !writer.is_empty() && OURS.iter().any(|ours| own.starts_with(ours))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_writer_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "half").unwrap();
            path
        };
        let left = [file(".trials.parquet.12345"), file(".run.json.7-0")];
        let kept = [
            file("trials.parquet"),
            file(".lock"),
            file(".trials.parquet"),
            file(".notes.1"),
        ];
        let live = file(".scores.parquet.99-1");
        let writer = File::open(&live).unwrap();
        writer.try_lock().unwrap();
        remove_leftovers(folder.path());
        assert!(left.iter().all(|path| !path.exists()));
        assert!(kept.iter().all(|path| path.exists()));
        assert!(live.exists(), "its writer still holds it");
    }
}
