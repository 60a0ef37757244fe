//! `tables.json`: which journals a run's tables were written from, and what the tables were then. Tables whose seal does not hold are
//! rewritten; no clock is asked. A seal also remembers what was there: a journal only grows, so one that has fewer lines than its seal
//! says has lost some.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::replace::replace;

/// Raised whenever the same journal gives other tables.
const FORMAT: u32 = 1;

/// A file's length and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    bytes: u64,
    blake3: String,
}

/// The two journals that tables are written from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sources {
    format: u32,
    journal: Option<Content>,
    rescored: Option<Content>,
}

/// What the tables are, and what they were written from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seal {
    #[serde(flatten)]
    sources: Sources,
    trials: Content,
    scores: Content,
    /// Lines of the journal that are not in the tables, because they could not be read.
    pub left_out: u64,
    /// Whole lines of the journal; none in seals of earlier versions.
    #[serde(default)]
    lines: Option<u64>,
}

/// The lines of a journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Whole ones.
    pub lines: u64,
    /// Those that could not be read.
    pub left_out: u64,
}

/// The state of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// The tables are those of the journals.
    Yes {
        /// Lines of the journal that could not be read.
        left_out: u64,
    },
    /// They do not, or it is unknown.
    No,
}

impl Sources {
    /// The journals as they are now. What is appended while tables are written from them makes the seal break, as it should.
    pub(super) fn read(journal: &Path, rescored: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            format: FORMAT,
            journal: content(journal)?,
            rescored: content(rescored)?,
        })
    }

    /// Seals tables that were written from these sources.
    pub(super) fn seal(
        self,
        seal: &Path,
        trials: &Path,
        scores: &Path,
        journal: Counted,
    ) -> Result<(), StoreError> {
        let there = |path: &Path| {
            content(path)?.ok_or_else(|| StoreError::file("cannot read", path, &"it is missing"))
        };
        let sealed = Seal {
            sources: self,
            trials: there(trials)?,
            scores: there(scores)?,
            left_out: journal.left_out,
            lines: Some(journal.lines),
        };
        replace(seal, |mut file| {
            serde_json::to_vec_pretty(&sealed)
                .map_err(std::io::Error::from)
                .and_then(|text| file.write_all(&text))
                .map_err(|e| StoreError::file("cannot write", seal, &e))
        })
    }
}

fn read_seal(path: &Path) -> Option<Seal> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Whether tables were written with scores that were given later.
pub(super) fn knows_rescored(seal: &Path) -> bool {
    read_seal(seal).is_some_and(|sealed| sealed.sources.rescored.is_some())
}

/// Refuses a journal that has fewer lines than its seal says were in it. Where nothing can be read of the seal, nothing is known.
///
/// # Errors
/// [`StoreError::Lost`] with both counts.
pub(super) fn nothing_lost(seal: &Path, journal: &Path) -> Result<(), StoreError> {
    let sealed = read_seal(seal);
    let known = sealed.as_ref().map(|s| (&s.sources.journal, s.lines));
    let Some((Some(then), Some(lines))) = known else {
        return Ok(());
    };
    let bytes = std::fs::metadata(journal).map_or(0, |m| m.len());
    let now = if bytes == then.bytes {
        lines
    } else {
        whole_lines(journal)?
    };
    if now >= lines {
        return Ok(());
    }
    Err(StoreError::Lost {
        path: journal.display().to_string(),
        what: format!(
            "it has {now} complete lines ({bytes} bytes), but {} says that there were {lines} ({} bytes): {} trials are missing",
            seal.file_name().unwrap_or_default().display(),
            then.bytes,
            lines - now
        ),
        remedy: "Restore the journal from a copy, or ask the missing trials again with \
            `candor run --resume RUN`"
            .into(),
    })
}

/// Lines of a file that end; 0 if there is no file.
fn whole_lines(path: &Path) -> Result<u64, StoreError> {
    let failed = |e: std::io::Error| StoreError::file("cannot read", path, &e);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(failed(e)),
    };
    let (mut file, mut lines) = (BufReader::with_capacity(1 << 16, file), 0);
    loop {
        let block = file.fill_buf().map_err(failed)?;
        let read = block.len();
        if read == 0 {
            return Ok(lines);
        }
        lines += block.iter().map(|b| u64::from(*b == b'\n')).sum::<u64>();
        file.consume(read);
    }
}

/// Whether a seal holds. One that cannot be read does not.
pub(super) fn holds(seal: &Path, journal: &Path, rescored: &Path, tables: [&Path; 2]) -> Held {
    let read = || -> Option<u64> {
        let sealed = read_seal(seal)?;
        // Lengths first: they are cheap, and differ nearly always where anything does.
        let of = |content: &Content, path: &Path| {
            std::fs::metadata(path).is_ok_and(|m| m.len() == content.bytes)
        };
        let quick = sealed.sources.format == FORMAT
            && of(&sealed.trials, tables[0])
            && of(&sealed.scores, tables[1]);
        let same = quick
            && Sources::read(journal, rescored).ok()? == sealed.sources
            && content(tables[0]).ok()? == Some(sealed.trials)
            && content(tables[1]).ok()? == Some(sealed.scores);
        same.then_some(sealed.left_out)
    };
    read().map_or(Held::No, |left_out| Held::Yes { left_out })
}

/// A file's length and hash; none if there is no file.
fn content(path: &Path) -> Result<Option<Content>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::file("cannot read", path, &e)),
    };
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_reader(file)
        .map_err(|e| StoreError::file("cannot read", path, &e))?;
    Ok(Some(Content {
        bytes: hasher.count(),
        blake3: hasher.finalize().to_hex().to_string(),
    }))
}
