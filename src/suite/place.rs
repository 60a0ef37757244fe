//! Rows, and where they are written.

use std::fmt;
use std::sync::Arc;

use super::SuiteError;
use crate::files::{ReadError, Row};

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

/// Rows as they are read.
pub(super) type PlacedRows<'a> =
    Box<dyn Iterator<Item = Result<PlacedRow, SuiteError>> + Send + 'a>;

/// The rows of a file, each with its number there. They are numbered among themselves.
pub(super) fn place_rows(
    file: &str,
    by_line: bool,
    own: impl Iterator<Item = Result<(usize, Row), ReadError>> + Send + 'static,
) -> PlacedRows<'static> {
    let file: Arc<str> = file.into();
    Box::new((1..).zip(own).map(move |(number, row)| {
        let (line, row) = row?;
        let place = Place {
            file: Arc::clone(&file),
            number: line,
            by_line,
        };
        Ok(PlacedRow { place, number, row })
    }))
}

/// The rows of several files, numbered through.
pub(super) fn in_turn(files: Vec<PlacedRows<'static>>) -> PlacedRows<'static> {
    Box::new((1..).zip(files.into_iter().flatten()).map(|(number, row)| {
        let row = row?;
        Ok(PlacedRow { number, ..row })
    }))
}
