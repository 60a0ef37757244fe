//! A zip that others wrote, read within bounds: a few bytes of it can represent a disk full of zeros.

use std::fs::File;
use std::io::{self, BufReader, Error, ErrorKind, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

/// Largest entry that is read: ten times the largest sample that tools write.
const MAX_ENTRY_BYTES: u64 = 256 << 20;
/// Most bytes that are read of one zip, all its entries together.
const MAX_BYTES: u64 = 16 << 30;

/// An open zip. Nothing is unpacked: an entry's name is a name, never a path. Of two entries of one name the last counts, as for the tools
/// that append to their zips.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    left: u64,
}

impl Archive {
    /// Opens a zip.
    ///
    /// # Errors
    /// What the system says, or [`ErrorKind::InvalidData`] where it is not a whole zip.
    pub fn open(path: &Path) -> io::Result<Self> {
        let zip = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(broken)?;
        Ok(Self {
            zip,
            left: MAX_BYTES,
        })
    }

    /// The entries' names, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.zip.file_names()
    }

    /// An entry's bytes; none if there is no such entry.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] where it is damaged, compressed by a method that is not read, or too large.
    pub fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let entry = match self.zip.by_name(name) {
            Err(ZipError::FileNotFound) => return Ok(None),
            entry => entry.map_err(broken)?,
        };
        let most = MAX_ENTRY_BYTES.min(self.left);
        let mut bytes = Vec::new();
        entry.take(most + 1).read_to_end(&mut bytes)?;
        let read = bytes.len() as u64;
        self.left = self.left.saturating_sub(read);
        if read > most {
            let reason = if most < MAX_ENTRY_BYTES {
                format!("the zip unpacks to more than {} GiB", MAX_BYTES >> 30)
            } else {
                format!("it unpacks to more than {} MiB", MAX_ENTRY_BYTES >> 20)
            };
            return Err(Error::new(ErrorKind::InvalidData, reason));
        }
        Ok(Some(bytes))
    }
}

fn broken(error: ZipError) -> Error {
    match error {
        ZipError::Io(error) => error,
        ZipError::InvalidArchive(_) => {
            Error::new(ErrorKind::InvalidData, "it is not a whole zip file")
        }
        other => Error::new(ErrorKind::InvalidData, other.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;

    use zip::CompressionMethod;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn archive(entries: &[(&str, CompressionMethod, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ZipWriter::new(file.reopen().unwrap());
        for (name, method, content) in entries {
            let options = SimpleFileOptions::default().compression_method(*method);
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    #[test]
    fn entries_are_read_however_they_are_compressed() {
        let methods = [
            CompressionMethod::Stored,
            CompressionMethod::Deflated,
            CompressionMethod::Zstd,
        ];
        for method in methods {
            let file = archive(&[("samples/../x.json", method, b"{}")]);
            let mut archive = Archive::open(file.path()).unwrap();
            assert_eq!(archive.names().collect::<Vec<_>>(), ["samples/../x.json"]);
            assert_eq!(archive.read("samples/../x.json").unwrap().unwrap(), b"{}");
            assert_eq!(archive.read("other").unwrap(), None);
        }
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let zeros = vec![0; usize::try_from(MAX_ENTRY_BYTES).unwrap() + 1];
        let file = archive(&[("bomb", CompressionMethod::Zstd, &zeros)]);
        assert!(file.as_file().metadata().unwrap().len() < 1 << 20);
        let said = Archive::open(file.path())
            .unwrap()
            .read("bomb")
            .unwrap_err()
            .to_string();
        assert!(said.contains("more than 256 MiB"), "{said}");
    }

    #[test]
    fn what_is_no_zip_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(b"PK\x03\x04 and no more").unwrap();
        let said = Archive::open(file.path()).err().unwrap().to_string();
        assert!(said.contains("not a whole zip"), "{said}");
    }
}
