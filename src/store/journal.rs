//! `journal.jsonl`: one line a finished trial, on disk before anything else happens with it.
//!
//! One thread appends. It writes every line that is waiting, then syncs once, so that a burst of answers costs one sync and
//! a killed process (or a power cut) loses no finished trial.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::error::StoreError;
use super::record::{TrialKey, TrialRecord};

/// Appends trials to a journal.
pub struct JournalWriter {
    lines: Option<mpsc::Sender<Vec<u8>>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl JournalWriter {
    /// Opens a journal for appending, ending it first at its last whole line.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |e: std::io::Error| StoreError::file("cannot write", path, &e);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let whole = end_of_last_line(&mut file).map_err(failed)?;
        file.set_len(whole)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(failed)?;
        let (lines, queue) = mpsc::channel();
        let path = path.to_path_buf();
        let thread = std::thread::Builder::new()
            .name("candor-journal".into())
            .spawn(move || append(file, &path, &queue))
            .map_err(|e| {
                StoreError::file("cannot start the writer of", Path::new("journal.jsonl"), &e)
            })?;
        Ok(Self {
            lines: Some(lines),
            thread: Some(thread),
        })
    }

    /// Puts a trial down.
    ///
    /// # Errors
    /// [`StoreError`] where the writer has stopped (a full disk).
    pub fn append(&self, record: &TrialRecord) -> Result<(), StoreError> {
        let stopped = || StoreError::File {
            action: "cannot write",
            path: "journal.jsonl".into(),
            reason: "the writer has stopped; is the disk full?".into(),
        };
        let mut line = serde_json::to_vec(record)
            .map_err(|e| StoreError::file("cannot write", Path::new("journal.jsonl"), &e))?;
        line.push(b'\n');
        self.lines
            .as_ref()
            .ok_or_else(stopped)?
            .send(line)
            .map_err(|_| stopped())
    }

    /// Waits until everything is on disk.
    ///
    /// # Errors
    /// [`StoreError`] where something could not be written.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.lines = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Ok(()),
        }
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn append(mut file: File, path: &Path, queue: &mpsc::Receiver<Vec<u8>>) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| StoreError::file("cannot write", path, &e);
    while let Ok(mut batch) = queue.recv() {
        while batch.len() < 1 << 20 {
            let Ok(more) = queue.try_recv() else { break };
            batch.extend_from_slice(&more);
        }
        file.write_all(&batch)
            .and_then(|()| file.sync_data())
            .map_err(failed)?;
    }
    Ok(())
}

/// The byte after the last newline.
fn end_of_last_line(file: &mut File) -> std::io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = [0; 8192];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = &mut block[..usize::try_from(end - start).unwrap_or(0)];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|b| *b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Trials of a journal, in the order written; of a trial written twice (a failure and its repetition) the last counts.
pub struct JournalReader {
    file: BufReader<File>,
    path: PathBuf,
    /// The line that counts for each trial.
    last: HashMap<TrialKey, u64>,
    line: u64,
}

/// Opens a journal for reading. Lines that are no trial are left out with a warning: a torn last line, where the process was
/// killed in the middle of it, or a damaged one.
///
/// # Errors
/// [`StoreError`] where the file cannot be read.
pub fn read_journal(path: &Path) -> Result<JournalReader, StoreError> {
    #[derive(serde::Deserialize)]
    struct KeyOnly {
        trial: TrialKey,
    }
    let open = || {
        File::open(path)
            .map(BufReader::new)
            .map_err(|e| StoreError::file("cannot read", path, &e))
    };
    let mut last = HashMap::new();
    let (mut file, mut buffer, mut line) = (open()?, Vec::new(), 0);
    while next_line(&mut file, path, &mut buffer)? {
        line += 1;
        // Whoever appends ends the file at its last newline, so a line without one does not count even if it is whole.
        if !buffer.ends_with(b"\n") {
            tracing::warn!(
                "{}: the last line was cut off in the middle; it is left out and its trial will be asked again",
                path.display()
            );
            continue;
        }
        match serde_json::from_slice::<KeyOnly>(&buffer) {
            Ok(KeyOnly { trial }) => {
                last.insert(trial, line);
            }
            Err(e) => tracing::warn!(
                "{}:{line}: this line is no trial and is left out: {e}",
                path.display()
            ),
        }
    }
    Ok(JournalReader {
        file: open()?,
        path: path.to_path_buf(),
        last,
        line: 0,
    })
}

fn next_line(
    file: &mut BufReader<File>,
    path: &Path,
    buffer: &mut Vec<u8>,
) -> Result<bool, StoreError> {
    buffer.clear();
    file.read_until(b'\n', buffer)
        .map(|n| n > 0)
        .map_err(|e| StoreError::file("cannot read", path, &e))
}

impl Iterator for JournalReader {
    type Item = Result<TrialRecord, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut buffer = Vec::new();
        loop {
            match next_line(&mut self.file, &self.path, &mut buffer) {
                Ok(true) => self.line += 1,
                Ok(false) => return None,
                Err(e) => return Some(Err(e)),
            }
            if let Ok(record) = serde_json::from_slice::<TrialRecord>(&buffer)
                && self.last.get(&record.trial) == Some(&self.line)
            {
                return Some(Ok(record));
            }
        }
    }
}
