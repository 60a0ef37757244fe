//! The right to write a run directory: one process has it at a time, and it ends with the process.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// The file that is locked. It stays when the lock is given back: removing it could part two processes that hold it open.
pub(super) const LOCK: &str = ".lock";

/// A lock on a run directory, held until it is dropped.
#[derive(Debug)]
pub(super) struct RunLock {
    _file: File,
}

/// The holder of a lock, from the lock's file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Holder {
    pid: u32,
    host: String,
    since: Timestamp,
}

impl RunLock {
    /// Whether the lock's file, if there is one, is candor's and not another program's.
    pub(super) fn is_ours(folder: &Path) -> bool {
        let mut text = String::new();
        match File::open(folder.join(LOCK)) {
            Ok(file) => {
                let read = file.take(4096).read_to_string(&mut text);
                // A killed process may have written half of it.
                read.is_ok() && (text.is_empty() || text.starts_with("{\"pid\":"))
            }
            Err(e) => e.kind() == std::io::ErrorKind::NotFound,
        }
    }

    /// Whether a process has the lock. It is tried for a moment; whoever looks often looks only where nothing else tells.
    pub(super) fn is_held(folder: &Path) -> bool {
        let tried = File::open(folder.join(LOCK)).map(|file| file.try_lock_shared());
        matches!(tried, Ok(Err(TryLockError::WouldBlock)))
    }

    /// Locks a directory that is there.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it.
    pub(super) fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let failed = |e: std::io::Error| StoreError::file("cannot lock", &path, &e);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                sign(&mut file).map_err(failed)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
                path: folder.display().to_string(),
                holder: holder(&mut file),
            }),
            Err(TryLockError::Error(e)) => {
                tracing::warn!(
                    "{}: this file system has no locks ({e}); do not let a second process write this run",
                    folder.display()
                );
                Ok(Self { _file: file })
            }
        }
    }
}

impl Holder {
    /// This process.
    pub(super) fn own() -> Self {
        Self {
            pid: std::process::id(),
            host: host(),
            since: Timestamp::now(),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "process {} on {} (since {since})", self.pid, self.host)
    }
}

/// Writes down who holds the lock.
fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&Holder::own())?)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file
        .rewind()
        .and_then(|()| Read::by_ref(file).take(4096).read_to_string(&mut text));
    match read.map(|_| serde_json::from_str::<Holder>(&text)) {
        Ok(Ok(holder)) => holder.to_string(),
        _ => "another process".into(),
    }
}

/// This machine's name, if it can be determined.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok());
    match name.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "this machine".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_told_who_is_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunLock::take(folder.path()).unwrap();
        let refused = RunLock::take(folder.path()).unwrap_err().to_string();
        let pid = format!("process {} on ", std::process::id());
        assert!(refused.contains(&pid), "{refused}");
        assert!(RunLock::is_held(folder.path()));
        drop(first);
        assert!(!RunLock::is_held(folder.path()));
        assert!(RunLock::take(folder.path()).is_ok());
    }
}
