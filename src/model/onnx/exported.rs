//! An export's file, read to be taken apart (`build/exported.rs`).

use std::path::Path;

use serde_json::Value;

use super::build::{self, BuiltGraph, ExportFile};

/// An export's graph as the batch runs it, and the folder that its weights are relative to; none where it is not laid out so that it can.
pub(super) fn on_pages<'p>(path: &'p Path, config: &Value) -> Option<(BuiltGraph, &'p Path)> {
    with_file(path, |file| build::on_pages(file, config))
}

/// An export's graph with logits of the wanted rows alone, and the folder that its weights are relative to; none where its head is not found.
pub(super) fn of_wanted_rows(path: &Path) -> Option<(Vec<u8>, &Path)> {
    with_file(path, build::of_wanted_rows)
}

fn with_file<T>(path: &Path, change: impl FnOnce(ExportFile) -> Option<T>) -> Option<(T, &Path)> {
    if !std::fs::metadata(path).is_ok_and(|file| file.len() <= build::MAX_BYTES) {
        return None;
    }
    let (folder, name) = (path.parent()?, path.file_name()?.to_str()?);
    let bytes = std::fs::read(path).ok()?;
    let changed = change(ExportFile {
        name,
        bytes: &bytes,
    })?;
    Some((changed, folder))
}
