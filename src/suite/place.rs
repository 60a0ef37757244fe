//! Rows, and where they are written.

use std::fmt;
use std::sync::Arc;

use crate::files::Row;

/// A row, and where it is.
pub(super) struct PlacedRow {
    pub place: Place,
    /// Its number among the suite's rows as they are published, from 1.
    pub number: usize,
    pub row: Row,
}

/// Where a row stands: a line of a file, or a row of one that has no lines.
#[derive(Clone)]
pub(super) struct Place {
    file: Arc<str>,
    number: usize,
    by_line: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.by_line { "line" } else { "row" };
        write!(f, "{}, {unit} {}", self.file, self.number)
    }
}

/// Adds the rows of a file, each with its number there, to those of others.
pub(super) fn place_rows(
    rows: &mut Vec<PlacedRow>,
    file: &str,
    by_line: bool,
    own: impl IntoIterator<Item = (usize, Row)>,
) {
    let file: Arc<str> = file.into();
    for (line, row) in own {
        rows.push(PlacedRow {
            place: Place {
                file: Arc::clone(&file),
                number: line,
                by_line,
            },
            number: rows.len() + 1,
            row,
        });
    }
}
