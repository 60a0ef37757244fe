//! Writing a file so that it is there whole or not at all, after a power cut too.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::StoreError;

/// Writes a file beside its place, syncs it and moves it there.
pub(super) fn replace<T>(
    path: &Path,
    write: impl FnOnce(&File) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let failed = |e: std::io::Error| StoreError::file("cannot write", path, &e);
    let partial = partial_path(path);
    // A file of that name is a dead writer's, or a link that somebody laid there.
    let _ = fs::remove_file(&partial);
    let file = File::create_new(&partial).map_err(failed)?;
    // The lock tells a live writer's file from one that a killed process left behind.
    let _ = file.try_lock();
    let written = write(&file).and_then(|value| {
        file.sync_all()
            .and_then(|()| fs::rename(&partial, path))
            .map_err(failed)?;
        sync_folder(path);
        Ok(value)
    });
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Makes the names in a file's folder durable, where the system can.
pub(super) fn sync_folder(path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Windows opens no folders, and some file systems sync none: then the rename is as durable as it can be.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
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

/// `.NAME.PROCESS-NUMBER`: two writers never share one.
fn partial_path(path: &Path) -> PathBuf {
    static WRITTEN: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("file");
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}-{number}", std::process::id()))
}

/// Whether a file's name is one that [`partial_path`] makes of a file of a run.
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

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        fs::write(&path, "old").unwrap();
        let failed = replace(&path, |_| {
            Err::<(), _>(StoreError::file("cannot write", &path, &"no room"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
