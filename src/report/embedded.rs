//! The files of `reports/`, compiled in.

use include_dir::{Dir, include_dir};

pub(super) static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/reports");

/// A file of `reports/` as text.
pub(super) fn file(name: &str) -> &'static str {
    FILES
        .get_file(name)
        .and_then(|f| f.contents_utf8())
        .unwrap_or_default()
}
