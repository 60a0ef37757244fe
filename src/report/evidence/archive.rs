//! An untrusted zip, read within bounds: never more of an entry than the manifest states, and no entry except the manifest is held in
//! memory whole.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::{FileRecord, Hashing, MANIFEST};

/// The largest manifest: a few hundred bytes per file.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;
/// The longest line of a journal, which is read whole: an answer's size is limited to 16 MiB, and six bytes may write one.
const MAX_LINE_BYTES: u64 = 128 << 20;

/// An open zip.
pub(super) struct Archive(ZipArchive<File>);

/// Why an entry does not match the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// It is missing.
    Missing,
    /// Its content differs, or cannot be read.
    Content,
    /// One of its lines is too long to be read.
    Line,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let archive = ZipArchive::new(File::open(path)?).map_err(|e| match e {
            ZipError::InvalidArchive(_) => "it is not a whole zip file".into(),
            other => Box::<dyn std::error::Error>::from(other),
        })?;
        // Of two entries with the same name, different tools take different ones.
        match entries(&mut File::open(path)?)? {
            Some(entries) if entries != archive.len() => {
                Err("two of its entries have the same name".into())
            }
            _ => Ok(Self(archive)),
        }
    }

    /// Entries that are not regular files: links, devices, pipes, by the kind that the zip states (`st_mode`, APPNOTE.TXT 4.5.7).
    pub(super) fn special(&mut self) -> Vec<String> {
        const KIND: u32 = 0o170_000;
        const FILE: u32 = 0o100_000;
        let places = 0..self.0.len();
        let special = places.filter_map(|at| {
            let entry = self.0.by_index_raw(at).ok()?;
            let kind = entry.unix_mode().map_or(0, |mode| mode & KIND);
            (![0, FILE].contains(&kind) || entry.is_dir()).then(|| entry.name().to_owned())
        });
        special.collect()
    }

    /// The entries' names.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.file_names().map(str::to_owned).collect()
    }

    /// The manifest; none if there is no such entry.
    pub(super) fn manifest(&mut self) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error>> {
        let Ok(entry) = self.0.by_name(MANIFEST) else {
            return Ok(None);
        };
        let mut content = Vec::new();
        entry
            .take(MAX_MANIFEST_BYTES + 1)
            .read_to_end(&mut content)?;
        if content.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(
                format!("{MANIFEST} has more than {} MiB", MAX_MANIFEST_BYTES >> 20).into(),
            );
        }
        Ok(Some(content))
    }

    /// Copies an entry while hashing it. Reads at most one byte more than the record states.
    pub(super) fn copy(
        &mut self,
        record: &FileRecord,
        sink: &mut impl Write,
    ) -> Result<(), Mismatch> {
        let entry = self
            .0
            .by_name(&record.path)
            .map_err(|_| Mismatch::Missing)?;
        if entry.size() != record.bytes {
            return Err(Mismatch::Content);
        }
        let mut hashing = Hashing::default();
        let mut both = Tee(&mut hashing, sink);
        io::copy(&mut entry.take(record.bytes.saturating_add(1)), &mut both)
            .map_err(|_| Mismatch::Content)?;
        let longest_line = hashing.longest_line;
        if hashing.record(&record.path) != *record {
            return Err(Mismatch::Content);
        }
        if record.path.ends_with(".jsonl") && longest_line > MAX_LINE_BYTES {
            return Err(Mismatch::Line);
        }
        Ok(())
    }
}

/// Number of entries in a zip's directory, by its end record (APPNOTE.TXT 4.3.16); none if there are more than the record can hold.
fn entries(file: &mut File) -> io::Result<Option<usize>> {
    const RECORD: usize = 22;
    const MAX_COMMENT: u64 = 0xffff;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(
        length.saturating_sub(RECORD as u64 + MAX_COMMENT),
    ))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let record = end
        .windows(RECORD)
        .rev()
        .find(|w| w.starts_with(b"PK\x05\x06"));
    let entries = record.map(|r| u16::from_le_bytes([r[10], r[11]]));
    Ok(entries.filter(|n| *n != u16::MAX).map(usize::from))
}

/// Writes to both.
struct Tee<'a, A, B>(&'a mut A, &'a mut B);

impl<A: Write, B: Write> Write for Tee<'_, A, B> {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.0.write_all(content)?;
        self.1.write_all(content)?;
        Ok(content.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.1.flush()
    }
}
