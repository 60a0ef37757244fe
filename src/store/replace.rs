//! Writing a file so that it is there whole or not at all.

use std::fs;
use std::path::Path;

use super::error::StoreError;

/// Writes a file beside its place and moves it there, so that it is there whole or not at all.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("file");
    let partial = path.with_file_name(format!(".{name}.{}", std::process::id()));
    write(&partial)?;
    fs::rename(&partial, path).map_err(|e| StoreError::file("cannot write", path, &e))
}
