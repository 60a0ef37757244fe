//! The rows of a file of recordings. A malformed row is skipped and reported; the others are read.

use std::path::Path;

use serde_json::Value;

use super::ImportError;
use super::recordings::Recordings;
use crate::files::{self, Format, ReadError};

/// Consecutive unreadable lines after which the rest of a file is given up: a damaged stream has no end.
const MAX_UNREADABLE: usize = 100;

/// How a Git LFS pointer begins, which represents a large file that was not fetched.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/";

/// Does something with each row of a JSONL file, which comes with its place (`FILE:LINE`).
///
/// # Errors
/// What `each` says.
pub(super) fn each_row(
    recordings: &mut Recordings,
    path: &Path,
    mut each: impl FnMut(&mut Recordings, String, Value) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let name = path.display().to_string();
    if is_lfs_pointer(path) {
        recordings.skip(
            name,
            "only a Git LFS pointer; fetch the file with `git lfs pull`",
        );
        return Ok(());
    }
    let rows = match files::rows(path, Format::Jsonl, None) {
        Ok(rows) => rows,
        Err(e) => {
            recordings.skip(name, e.to_string());
            return Ok(());
        }
    };
    let mut unreadable = 0;
    for row in rows {
        match row {
            Ok((line, row)) => {
                unreadable = 0;
                each(recordings, format!("{name}:{line}"), row.into())?;
            }
            Err(ReadError::Source(error)) => {
                unreadable = 0;
                let place = format!("{name}:{}", error.line());
                recordings.skip(place, "the line is not a JSON object");
            }
            Err(ReadError::File { reason, .. }) => {
                unreadable += 1;
                recordings.skip(name.clone(), reason);
                if unreadable == MAX_UNREADABLE {
                    recordings.skip(name, "the rest of the file cannot be read");
                    break;
                }
            }
        }
    }
    Ok(())
}

fn is_lfs_pointer(path: &Path) -> bool {
    use std::io::Read as _;
    let mut start = Vec::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|f| f.take(LFS_POINTER.len() as u64).read_to_end(&mut start));
    read.is_ok() && start == LFS_POINTER.as_bytes()
}
