//! A journal that is read while it is written: each call gives the trials that were added since the one before.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use rayon::prelude::*;

use super::error::StoreError;
use super::record::TrialRecord;

/// Bytes read at a time.
const BLOCK: usize = 4 << 20;

/// A place in a journal.
#[derive(Debug)]
pub struct JournalTail {
    path: PathBuf,
    /// Where the first line begins that has not been read. Half a line at the end is read again with its other half, or with what is in
    /// its place once a writer has taken it away.
    offset: u64,
}

impl JournalTail {
    /// Reads on from a byte where a line begins.
    #[must_use]
    pub fn from(path: PathBuf, offset: u64) -> Self {
        Self { path, offset }
    }

    /// The next trials, in their order; none where nothing was added. Lines that are not trials are passed over: whoever reads the whole
    /// journal tells of them.
    ///
    /// # Errors
    /// [`StoreError`] if the journal cannot be read.
    pub fn read_on(&mut self) -> Result<Vec<TrialRecord>, StoreError> {
        let failed = |e: std::io::Error| StoreError::file("cannot read", &self.path, &e);
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e)),
        };
        let (mut block, mut most) = (Vec::new(), BLOCK);
        // A line longer than a block is read with as many as it takes.
        let whole = loop {
            block.clear();
            file.seek(SeekFrom::Start(self.offset))
                .and_then(|_| {
                    Read::by_ref(&mut file)
                        .take(most as u64)
                        .read_to_end(&mut block)
                })
                .map_err(failed)?;
            match block.iter().rposition(|b| *b == b'\n') {
                None if block.len() == most => most *= 2,
                end => break end.map_or(0, |at| at + 1),
            }
        };
        self.offset += whole as u64;
        block.truncate(whole);
        let lines: Vec<&[u8]> = block.split(|b| *b == b'\n').collect();
        let read = lines
            .par_iter()
            .filter_map(|line| serde_json::from_slice(line).ok());
        Ok(read.collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_line_waits_for_its_other_half() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut tail = JournalTail::from(path.clone(), 0);
        assert!(
            tail.read_on().unwrap().is_empty(),
            "there is no journal yet"
        );
        let line = |sample: &str| {
            json!({
                "trial": "0".repeat(64), "schedule_index": 0, "model": "m", "suite": "s", "sample": sample, "epoch": 0, "strata": {},
                "prompt": { "text": "q" }, "status": "ok", "finished": "2026-11-27T00:00:00Z", "scores": [],
            })
            .to_string()
        };
        let mut file = File::create(&path).unwrap();
        let (a, b) = (line("a"), line("b"));
        let (first, second) = b.split_at(30);
        let samples = |tail: &mut JournalTail| -> Vec<String> {
            tail.read_on()
                .unwrap()
                .into_iter()
                .map(|r| r.sample)
                .collect()
        };
        write!(file, "{a}\nnot a trial\n{first}").unwrap();
        assert_eq!(samples(&mut tail), ["a"]);
        assert!(samples(&mut tail).is_empty());
        writeln!(file, "{second}").unwrap();
        assert_eq!(samples(&mut tail), ["b"]);
    }
}
