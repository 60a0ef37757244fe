//! `journal.jsonl`: one line per finished trial, on disk before anything else happens with it.
//!
//! One process appends, under the run's lock, and one thread of it. The thread writes every line that is waiting, then syncs once, so
//! that a burst of answers costs one sync and a killed process (or a power cut) loses no finished trial.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::access::WriteAccess;
use super::error::StoreError;
use super::record::{TrialKey, TrialRecord};
use super::seal::Counted;
use crate::files::sync_folder;

/// A trial as a line that has been verified to be readable.
#[derive(Debug, Clone)]
pub struct JournalLine(Vec<u8>);

impl JournalLine {
    /// The line of a record.
    ///
    /// # Errors
    /// [`StoreError::NotReadable`] if the line would not be read back: JSON has no NaN and no infinity, and its readers stop at a
    /// depth that its writers do not.
    pub fn of(record: &TrialRecord) -> Result<Self, StoreError> {
        let wrong = |reason: String| StoreError::NotReadable { reason };
        let mut line = serde_json::to_vec(record).map_err(|e| wrong(e.to_string()))?;
        let read: TrialRecord = serde_json::from_slice(&line).map_err(|e| wrong(e.to_string()))?;
        let same = read.scores.len() == record.scores.len()
            && read
                .scores
                .iter()
                .zip(&record.scores)
                .all(|(a, b)| a.value.is_some() == b.value.is_some());
        if read.trial != record.trial || !same {
            return Err(wrong("a score is not a number".into()));
        }
        line.push(b'\n');
        Ok(Self(line))
    }
}

/// Ends when a line is on disk.
#[derive(Debug)]
pub struct Written(oneshot::Receiver<()>);

impl Written {
    /// Whether the line is on disk; false if the writer has stopped before.
    pub async fn is_on_disk(self) -> bool {
        self.0.await.is_ok()
    }
}

struct Waiting {
    line: Vec<u8>,
    written: oneshot::Sender<()>,
}

/// Appends trials to a journal.
pub struct JournalWriter {
    lines: Option<mpsc::Sender<Waiting>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
    path: PathBuf,
}

impl JournalWriter {
    /// Opens a journal for appending, ending it first at its last whole line.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened.
    pub(super) fn open(path: &Path, access: Arc<WriteAccess>) -> Result<Self, StoreError> {
        let failed = |e: std::io::Error| StoreError::file("cannot write", path, &e);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        let end = end_of_last_line(&mut file).map_err(failed)?;
        if end < file.metadata().map_err(failed)?.len() {
            file.set_len(end)
                .and_then(|()| file.sync_data())
                .map_err(failed)?;
        }
        sync_folder(path);
        let (lines, queue) = mpsc::channel();
        let own = path.to_path_buf();
        let thread = std::thread::Builder::new()
            .name("candor-journal".into())
            .spawn(move || append(file, &own, &queue, &access))
            .map_err(|e| StoreError::file("cannot start the writer of", path, &e))?;
        Ok(Self {
            lines: Some(lines),
            thread: Some(thread),
            path: path.to_path_buf(),
        })
    }

    /// Records a trial. It is on disk when the returned handle says so.
    ///
    /// # Errors
    /// [`StoreError`] if the writer has stopped; [`JournalWriter::close`] tells why.
    pub fn append(&self, line: JournalLine) -> Result<Written, StoreError> {
        let stopped = || StoreError::file("cannot write", &self.path, &"the writer has stopped");
        let (written, is_written) = oneshot::channel();
        self.lines
            .as_ref()
            .ok_or_else(stopped)?
            .send(Waiting {
                line: line.0,
                written,
            })
            .map_err(|_| stopped())?;
        Ok(Written(is_written))
    }

    /// Waits until everything is on disk.
    ///
    /// # Errors
    /// [`StoreError`] if something could not be written.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.lines = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(StoreError::file(
                "cannot write",
                &self.path,
                &"the writer ended with a panic",
            )),
            None => Ok(()),
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

/// Bytes that are written with one sync at most.
const BATCH_BYTES: usize = 1 << 20;

fn append(
    mut file: File,
    path: &Path,
    queue: &mpsc::Receiver<Waiting>,
    access: &WriteAccess,
) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| StoreError::file("cannot write", path, &e);
    while let Ok(first) = queue.recv() {
        access.still_held()?;
        let (mut batch, mut told) = (first.line, vec![first.written]);
        while batch.len() < BATCH_BYTES {
            let Ok(next) = queue.try_recv() else { break };
            batch.extend_from_slice(&next.line);
            told.push(next.written);
        }
        file.write_all(&batch)
            .and_then(|()| file.sync_data())
            .map_err(failed)?;
        for written in told {
            // Whoever no longer waits for it does not need to know.
            let _ = written.send(());
        }
    }
    Ok(())
}

/// The byte after the last newline.
pub(super) fn end_of_last_line(file: &mut File) -> std::io::Result<u64> {
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
    lines: Lines,
    /// Lines of the journal when it was opened: what is appended meanwhile is not read.
    whole: u64,
    /// Lines that do not count, from the last to the first.
    passed_over: Vec<u64>,
    counted: Counted,
    spent: Vec<f64>,
    /// Where the line of the record given last begins.
    offset: u64,
}

/// Lines left out that are each told of; the others are counted.
const TOLD: u64 = 5;

/// Opens a journal for reading. Lines that are not trials are skipped, reported and counted: a torn last line, where the process was
/// killed in the middle of it, or a damaged one.
///
/// # Errors
/// [`StoreError`] if the file cannot be read.
pub fn read_journal(path: &Path) -> Result<JournalReader, StoreError> {
    let mut trials = TrialLines::default();
    let (mut spent, mut passed_over) = (Vec::new(), Vec::new());
    let mut counted = Counted::default();
    let mut lines = Lines::open(path)?;
    while lines.next()? {
        let number = lines.number;
        // Whoever appends ends the file at its last newline, so a line without one does not count even if it is whole.
        if !lines.buffer.ends_with(b"\n") {
            counted.left_out += 1;
            tracing::warn!(
                "{}: the last line is incomplete; it is skipped and its trial will be asked again",
                path.display()
            );
            continue;
        }
        counted.lines += 1;
        match serde_json::from_slice::<TrialRecord>(&lines.buffer) {
            Ok(record) => {
                spent.extend(record.spent.map(|cost| cost.0));
                trials.add(&record.trial, number);
            }
            Err(e) => {
                counted.left_out += 1;
                passed_over.push(number);
                if counted.left_out <= TOLD {
                    tracing::warn!(
                        "{}:{number}: this line is not a trial and is skipped: {e}",
                        path.display()
                    );
                }
            }
        }
    }
    if counted.left_out > 0 {
        tracing::warn!("{}", left_out_of(path, counted.left_out));
    }
    passed_over.extend(trials.superseded());
    passed_over.sort_unstable_by(|a, b| b.cmp(a));
    Ok(JournalReader {
        lines: Lines::open(path)?,
        whole: counted.lines,
        passed_over,
        counted,
        spent,
        offset: 0,
    })
}

/// The lines of trials. Half a key distinguishes trials as well as the whole, in half the memory.
#[derive(Default)]
struct TrialLines(Vec<([u8; 16], u64)>);

impl TrialLines {
    fn add(&mut self, trial: &TrialKey, line: u64) {
        let key = std::array::from_fn(|at| trial.as_bytes()[at]);
        self.0.push((key, line));
    }

    /// The lines whose trial has a later one.
    fn superseded(mut self) -> Vec<u64> {
        self.0.sort_unstable();
        let pairs = self.0.windows(2);
        let earlier = pairs.filter(|pair| pair[0].0 == pair[1].0);
        earlier.map(|pair| pair[0].1).collect()
    }
}

/// The sentence on lines that a journal's readers leave out.
pub(super) fn left_out_of(journal: &Path, lines: u64) -> String {
    let (are, their, them) = match lines {
        1 => ("line is", "its trial counts", "it"),
        _ => ("lines are", "their trials count", "them"),
    };
    format!(
        "{}: {lines} {are} skipped; {their} as not asked, and `candor run --resume` asks {them} again",
        journal.display()
    )
}

/// Reads one record again, at the offset that [`JournalReader::offset`] gave.
///
/// # Errors
/// [`StoreError`] if it cannot be read.
pub fn read_record(path: &Path, offset: u64) -> Result<TrialRecord, StoreError> {
    let failed = |e: &dyn std::fmt::Display| StoreError::file("cannot read", path, e);
    let mut file = BufReader::new(File::open(path).map_err(|e| failed(&e))?);
    let mut line = Vec::new();
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.read_until(b'\n', &mut line))
        .map_err(|e| failed(&e))?;
    serde_json::from_slice(&line).map_err(|e| failed(&e))
}

impl JournalReader {
    /// Lines that are not trials.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.counted.left_out
    }

    /// Its lines, whole ones and those left out.
    pub(super) fn counts(&self) -> Counted {
        self.counted
    }

    /// US dollars that each line's trial took, those of lines that no longer count included.
    #[must_use]
    pub fn spent(&self) -> &[f64] {
        &self.spent
    }

    /// Where the line of the record given last begins, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl Iterator for JournalReader {
    type Item = Result<TrialRecord, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.lines.number < self.whole {
            match self.lines.next() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(e) => return Some(Err(e)),
            }
            if self.passed_over.last() == Some(&self.lines.number) {
                self.passed_over.pop();
                continue;
            }
            self.offset = self.lines.start;
            let read = serde_json::from_slice(&self.lines.buffer);
            return Some(read.map_err(|e| StoreError::file("cannot read", &self.lines.path, &e)));
        }
        None
    }
}

/// A file's lines with their places.
struct Lines {
    file: BufReader<File>,
    path: PathBuf,
    buffer: Vec<u8>,
    /// The line in the buffer, from 1.
    number: u64,
    /// Its first byte.
    start: u64,
    /// The byte after it.
    end: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|e| StoreError::file("cannot read", path, &e))?;
        Ok(Self {
            file: BufReader::new(file),
            path: path.to_path_buf(),
            buffer: Vec::new(),
            number: 0,
            start: 0,
            end: 0,
        })
    }

    /// Reads the next line into the buffer; false at the end.
    fn next(&mut self) -> Result<bool, StoreError> {
        self.buffer.clear();
        let read = self
            .file
            .read_until(b'\n', &mut self.buffer)
            .map_err(|e| StoreError::file("cannot read", &self.path, &e))?;
        self.start = self.end;
        self.end += read as u64;
        self.number += 1;
        Ok(read > 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(change: impl FnOnce(&mut Value)) -> TrialRecord {
        let mut record = json!({
            "trial": "0".repeat(64), "schedule_index": 0, "model": "m", "suite": "s", "sample": "a", "epoch": 0, "strata": {},
            "prompt": { "text": "q" }, "status": "ok", "finished": "2026-11-27T00:00:00Z",
            "completion": { "text": "an answer", "finish": "stop" },
            "scores": [{ "scorer": "exact", "version": 1, "metric": "accuracy", "value": 1.0 }],
        });
        change(&mut record);
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn a_number_that_json_does_not_have_is_never_written() {
        assert!(JournalLine::of(&record(|_| ())).is_ok());
        for not_a_number in [f64::NAN, f64::NEG_INFINITY] {
            let mut likelihood = record(|r| {
                r["completion"]["continuations"] =
                    json!([{ "log_likelihood": -1.0, "is_greedy": true, "tokens": 1 }]);
            });
            assert!(JournalLine::of(&likelihood).is_ok());
            let completion = likelihood.completion.as_mut().unwrap();
            completion.continuations[0].log_likelihood = not_a_number;
            let refused = JournalLine::of(&likelihood).unwrap_err();
            assert!(refused.to_string().contains("cannot record the trial"));
            let mut score = record(|_| ());
            score.scores[0].value = Some(not_a_number);
            assert!(JournalLine::of(&score).is_err());
        }
    }

    #[test]
    fn of_a_trial_written_twice_the_last_line_counts_and_the_order_is_that_of_the_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let line = |key: &str, sample: &str| {
            let own = record(|r| {
                r["trial"] = key.repeat(64).into();
                r["sample"] = sample.into();
            });
            String::from_utf8(JournalLine::of(&own).unwrap().0).unwrap()
        };
        let written = [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("a", "5")];
        let text: String = written.iter().map(|(key, id)| line(key, id)).collect();
        std::fs::write(&path, &text).unwrap();
        let mut reader = read_journal(&path).unwrap();
        // What is written after it was opened is not of the same moment.
        std::fs::write(&path, text + &line("d", "6")).unwrap();
        let samples: Vec<String> = reader.by_ref().map(|r| r.unwrap().sample).collect();
        assert_eq!(samples, ["2", "4", "5"]);
        assert_eq!(read_record(&path, reader.offset()).unwrap().sample, "5");
    }

    #[test]
    fn a_damaged_line_leaves_an_earlier_one_of_its_trial_standing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let good = String::from_utf8(JournalLine::of(&record(|_| ())).unwrap().0).unwrap();
        let bad = good.replace("\"finish\":\"stop\"", "\"finish\":\"\"");
        std::fs::write(&path, format!("{good}{bad}")).unwrap();
        let mut reader = read_journal(&path).unwrap();
        assert_eq!(reader.left_out(), 1);
        assert_eq!(reader.next().unwrap().unwrap().sample, "a");
        assert_eq!(read_record(&path, reader.offset()).unwrap().sample, "a");
        assert!(reader.next().is_none());
    }
}
