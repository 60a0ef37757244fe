//! A nameless temporary file that texts are kept in: written at its end, read anywhere. What a run says may be larger than the memory.

use std::fs::File;
use std::io::{self, Write};

/// Where a text lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub start: u64,
    pub bytes: u32,
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct TextFile {
    file: File,
    end: u64,
}

impl TextFile {
    /// An empty one, in the system's folder for temporary files (`TMPDIR`); it is gone when the process ends.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile()?,
            end: 0,
        })
    }

    /// Bytes so far.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Writes bytes at the end; gives where they begin.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let start = self.end;
        self.file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        Ok(start)
    }

    /// The bytes from `start` on.
    pub(super) fn read(&self, start: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut read = vec![0; bytes];
        read_exact_at(&self.file, &mut read, start)?;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut start: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, buffer, start)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[read..];
        start += read as u64;
    }
    Ok(())
}
