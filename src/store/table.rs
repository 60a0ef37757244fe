//! Rows of a run's tables in memory: the requested columns of the requested rows, typed as they are read.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use polars::io::parquet::metadata::FileMetadataRef;
use polars::prelude::*;

use super::error::StoreError;

/// Columns that tables of earlier versions lack.
const LATER_COLUMNS: &[(&str, DataType)] = &[
    ("labelled_by", DataType::String),
    ("confidence", DataType::Float64),
    ("empty_replies", DataType::Int64),
];
/// Most rows read at a time.
const SLICE_ROWS: usize = 32 * 1024;
/// Most bytes of the columns read at a time.
const SLICE_BYTES: u64 = 8 << 20;

/// Rows and columns of a table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    frame: DataFrame,
}

/// Values of a text column.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a>(&'a StringChunked);

/// Values of a column of floating-point numbers.
#[derive(Debug, Clone, Copy)]
pub struct Floats<'a>(&'a Float64Chunked);

/// Values of a column of whole numbers.
#[derive(Debug, Clone, Copy)]
pub struct Wholes<'a>(&'a Int64Chunked);

impl<'a> Texts<'a> {
    /// The value of a row; none if it is null or there is no such row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&'a str> {
        self.0.get(row)
    }

    /// Every row's value.
    pub fn iter(&self) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
        self.0.iter()
    }
}

impl Floats<'_> {
    /// The value of a row; none if it is null or there is no such row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<f64> {
        self.0.get(row)
    }
}

impl Wholes<'_> {
    /// The value of a row; none if it is null or there is no such row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<i64> {
        self.0.get(row)
    }

    /// The value of a row as a count; 0 if it is null or negative.
    #[must_use]
    pub fn count(&self, row: usize) -> u64 {
        self.get(row)
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(0)
    }
}

impl Table {
    /// How many rows there are.
    #[must_use]
    pub fn height(&self) -> usize {
        self.frame.height()
    }

    /// A column of text.
    ///
    /// # Errors
    /// [`StoreError::Column`] if it is not there or holds something else.
    pub fn texts(&self, column: &str) -> Result<Texts<'_>, StoreError> {
        let values = self.frame.column(column).and_then(|c| c.str());
        values.map(Texts).map_err(|e| wrong_column(column, &e))
    }

    /// A column of floating-point numbers.
    ///
    /// # Errors
    /// [`StoreError::Column`] if it is not there or holds something else.
    pub fn floats(&self, column: &str) -> Result<Floats<'_>, StoreError> {
        let values = self.frame.column(column).and_then(|c| c.f64());
        values.map(Floats).map_err(|e| wrong_column(column, &e))
    }

    /// A column of whole numbers.
    ///
    /// # Errors
    /// [`StoreError::Column`] if it is not there or holds something else.
    pub fn wholes(&self, column: &str) -> Result<Wholes<'_>, StoreError> {
        let values = self.frame.column(column).and_then(|c| c.i64());
        values.map(Wholes).map_err(|e| wrong_column(column, &e))
    }

    /// Rows of another table with the same columns, behind these.
    ///
    /// # Errors
    /// [`StoreError::Column`] if its columns are others.
    pub fn append(&mut self, other: &Self) -> Result<(), StoreError> {
        if self.frame.width() == 0 {
            *self = other.clone();
            return Ok(());
        }
        self.frame
            .vstack_mut(&other.frame)
            .map(|_| ())
            .map_err(|e| wrong_column("all", &e))
    }

    /// Makes each column contiguous, for fast access by row.
    pub fn rechunk(&mut self) {
        self.frame.rechunk_mut();
    }

    /// These columns in this order.
    ///
    /// # Errors
    /// [`StoreError::Column`] if one is not there.
    pub fn select(&self, columns: &[&str]) -> Result<Self, StoreError> {
        let frame = self.frame.select(columns.iter().copied());
        frame
            .map(|frame| Self { frame })
            .map_err(|e| wrong_column(&columns.join(", "), &e))
    }

    /// The rows for which a condition holds.
    ///
    /// # Errors
    /// [`StoreError::Column`] if the table is too large to be filtered.
    pub fn filter_rows(&self, keep: impl Fn(usize) -> bool) -> Result<Self, StoreError> {
        let mask: BooleanChunked = (0..self.height()).map(keep).collect();
        let frame = self.frame.filter(&mask);
        frame
            .map(|frame| Self { frame })
            .map_err(|e| wrong_column("all", &e))
    }

    /// Rows in a new order; if there is none, every value is null.
    ///
    /// # Errors
    /// [`StoreError::Column`] if a row's number is too large.
    pub fn gather(&self, rows: impl Iterator<Item = Option<usize>>) -> Result<Self, StoreError> {
        let rows: IdxCa = rows
            .map(|row| row.and_then(|row| IdxSize::try_from(row).ok()))
            .collect();
        let frame = self.frame.take(&rows);
        frame
            .map(|frame| Self { frame })
            .map_err(|e| wrong_column("all", &e))
    }

    /// Another table's columns, right of these.
    ///
    /// # Errors
    /// [`StoreError::Column`] if a name is there twice or the heights differ.
    pub fn with_columns_of(&self, other: &Self) -> Result<Self, StoreError> {
        let frame = self.frame.hstack(other.frame.columns());
        frame
            .map(|frame| Self { frame })
            .map_err(|e| wrong_column("all", &e))
    }

    /// The same with another name for a column.
    ///
    /// # Errors
    /// [`StoreError::Column`] if it is not there.
    pub fn renamed(mut self, from: &str, to: &str) -> Result<Self, StoreError> {
        match self.frame.rename(from, to.into()) {
            Ok(_) => Ok(self),
            Err(e) => Err(wrong_column(from, &e)),
        }
    }

    /// Every column's name, and whether it holds text.
    pub fn columns(&self) -> impl Iterator<Item = (&str, bool)> {
        let columns = self.frame.columns().iter();
        columns.map(|c| (c.name().as_str(), c.dtype() == &DataType::String))
    }

    /// A cell as text; none if it is null.
    #[must_use]
    pub fn cell(&self, column: usize, row: usize) -> Option<String> {
        match self.frame.columns().get(column)?.get(row).ok()? {
            AnyValue::Null => None,
            AnyValue::String(text) => Some(text.to_owned()),
            AnyValue::StringOwned(text) => Some(text.to_string()),
            // As other tools write it: a whole number keeps its ".0", and so its kind.
            AnyValue::Float64(number) => Some(format!("{number:?}")),
            AnyValue::Int64(number) => Some(number.to_string()),
            other => Some(other.to_string()),
        }
    }

    /// Writes the table as one Parquet file (zstd).
    ///
    /// # Errors
    /// [`StoreError::Frame`] if it cannot be written.
    pub fn write_parquet(mut self, file: &File, path: &Path) -> Result<(), StoreError> {
        ParquetWriter::new(file)
            .with_compression(ParquetCompression::Zstd(None))
            .finish(&mut self.frame)
            .map(|_| ())
            .map_err(|e| StoreError::Frame {
                action: "written",
                path: path.display().to_string(),
                reason: e.to_string(),
            })
    }

    /// A column without a value, where the file has none of that name: strata of other runs' suites, and columns that came later.
    fn add_empty(&mut self, name: &str) -> Result<(), StoreError> {
        let later = LATER_COLUMNS.iter().find(|(later, _)| *later == name);
        let kind = match later {
            Some((_, kind)) => kind.clone(),
            None if name.starts_with(super::frames::STRATUM_PREFIX) => DataType::String,
            None => {
                return Err(StoreError::Column {
                    name: name.into(),
                    reason: "it is not in the table".into(),
                });
            }
        };
        let empty = Column::full_null(name.into(), self.height(), &kind);
        self.frame
            .with_column(empty)
            .map(|_| ())
            .map_err(|e| wrong_column(name, &e))
    }

    /// The same with other texts in a column of text, if it is there.
    ///
    /// # Errors
    /// [`StoreError::Column`] if it holds something else.
    pub fn with_texts(
        mut self,
        column: &str,
        change: impl Fn(&str) -> String,
    ) -> Result<Self, StoreError> {
        if self.frame.column(column).is_err() {
            return Ok(self);
        }
        let values: StringChunked = self.texts(column)?.iter().map(|t| t.map(&change)).collect();
        match self
            .frame
            .with_column(values.with_name(column.into()).into_column())
        {
            Ok(_) => Ok(self),
            Err(e) => Err(wrong_column(column, &e)),
        }
    }

    fn rename_models(&mut self, renamed: &HashMap<String, String>) -> Result<(), StoreError> {
        if !renamed.is_empty() {
            let new = |m: &str| renamed.get(m).map_or_else(|| m.to_owned(), Clone::clone);
            *self = std::mem::take(self).with_texts(super::column::MODEL, new)?;
        }
        Ok(())
    }
}

/// A Parquet file read a slice at a time: the columns asked for, of the rows that a filter keeps.
pub struct Parts<'a> {
    path: PathBuf,
    reading: Reading<'a>,
    metadata: FileMetadataRef,
    /// Columns that the file has, and others that are all null.
    there: Vec<String>,
    missing: Vec<&'a str>,
    start: usize,
    /// The rows of each part to come.
    rows: std::vec::IntoIter<usize>,
}

/// What is read of a table.
#[derive(Clone)]
pub struct Reading<'a> {
    /// The columns, in this order.
    pub columns: &'a [&'a str],
    /// The rows.
    pub filter: &'a Filter<'a>,
    /// New names of models, which the filter uses.
    pub renamed: &'a HashMap<String, String>,
}

impl<'a> Parts<'a> {
    pub(super) fn open(path: PathBuf, reading: Reading<'a>) -> Result<Self, StoreError> {
        let mut reader = ParquetReader::new(open(&path)?);
        let known = reader.schema().map_err(|e| unreadable(&path, &e))?;
        let metadata = reader.get_metadata().map_err(|e| unreadable(&path, &e))?;
        let metadata = metadata.clone();
        let wanted = reading.filter.with_its_columns(reading.columns);
        let (there, missing): (Vec<&str>, Vec<&str>) =
            wanted.into_iter().partition(|c| known.contains(c));
        let mut parts = Self {
            there: there.into_iter().map(str::to_owned).collect(),
            missing,
            metadata,
            start: 0,
            rows: Vec::new().into_iter(),
            path,
            reading,
        };
        let bytes_per_row = parts.bytes() / (parts.metadata.num_rows.max(1) as u64);
        let most = usize::try_from(SLICE_BYTES / bytes_per_row.max(1)).unwrap_or(SLICE_ROWS);
        let groups = parts.metadata.row_groups.iter();
        let groups = groups.map(polars_parquet::read::RowGroupMetadata::num_rows);
        parts.rows = part_rows(groups, most.clamp(1, SLICE_ROWS)).into_iter();
        Ok(parts)
    }

    /// Bytes that the columns hold before compression.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let is_read = |name: &str| self.there.iter().any(|c| c == name);
        let mut bytes = 0;
        for group in &self.metadata.row_groups {
            for column in group.parquet_columns() {
                let path = &column.descriptor().path_in_schema;
                if path.first().is_some_and(|name| is_read(name)) {
                    bytes += u64::try_from(column.uncompressed_size()).unwrap_or(0);
                }
            }
        }
        bytes
    }

    /// All that is left, in one table.
    pub(super) fn together(self) -> Result<Table, StoreError> {
        let mut all = Table::default();
        for part in self {
            all.append(&part?)?;
        }
        all.rechunk();
        Ok(all)
    }

    fn read(&self, rows: usize) -> Result<Table, StoreError> {
        let Reading {
            columns, filter, ..
        } = self.reading;
        if filter.keeps_all() {
            return self.slice(self.start, rows, columns);
        }
        // What the filter looks at is read first: of the other columns, large texts among them, only the rows from the first kept to the last.
        let kept = filter.matches(&self.slice(self.start, rows, &filter.columns())?)?;
        let first = kept.iter().position(|kept| *kept).unwrap_or(0);
        let end = kept
            .iter()
            .rposition(|kept| *kept)
            .map_or(first, |last| last + 1);
        let part = self.slice(self.start + first, end - first, columns)?;
        part.filter_rows(|row| kept[first + row])
    }

    /// Columns of this many rows from `start` on.
    fn slice(&self, start: usize, count: usize, columns: &[&str]) -> Result<Table, StoreError> {
        let there = self.there.iter().filter(|c| columns.contains(&c.as_str()));
        let mut reader = ParquetReader::new(open(&self.path)?);
        reader.set_metadata(FileMetadataRef::clone(&self.metadata));
        let frame = reader
            .with_columns(Some(there.cloned().collect()))
            .with_slice(Some((start, count)))
            .set_rechunk(true)
            .finish()
            .map_err(|e| unreadable(&self.path, &e))?;
        let mut part = Table { frame };
        for column in self.missing.iter().filter(|c| columns.contains(c)) {
            part.add_empty(column)?;
        }
        part.rename_models(self.reading.renamed)?;
        part.select(columns)
    }
}

impl Iterator for Parts<'_> {
    type Item = Result<Table, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.next()?;
        let part = self.read(rows);
        self.start += rows;
        Some(part)
    }
}

/// The rows of each part of a table that is written in these groups: parts of about `most` rows begin where groups do, since a part of a
/// group costs as much as the whole. Only groups of more rows than a part may ever have, which other tools write, are cut.
fn part_rows(groups: impl Iterator<Item = usize>, most: usize) -> Vec<usize> {
    let (mut parts, mut open) = (Vec::new(), 0);
    for mut group in groups {
        if open + group > most {
            parts.push(open);
            open = 0;
        }
        while group > SLICE_ROWS {
            parts.push(most);
            group -= most;
        }
        open += group;
    }
    parts.push(open);
    parts.retain(|rows| *rows > 0);
    // A table without rows still has its columns: its first part is there even where it is empty.
    if parts.is_empty() {
        parts.push(0);
    }
    parts
}

fn open(path: &Path) -> Result<File, StoreError> {
    File::open(path).map_err(|e| StoreError::file("cannot read", path, &e))
}

fn unreadable(path: &Path, reason: &PolarsError) -> StoreError {
    StoreError::Frame {
        action: "read",
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}

fn wrong_column(name: &str, reason: &PolarsError) -> StoreError {
    StoreError::Column {
        name: name.into(),
        reason: reason.to_string(),
    }
}

/// Which rows are read: those that have one of some texts in each column named.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    conditions: Vec<(&'a str, HashSet<&'a str>)>,
}

impl<'a> Filter<'a> {
    /// Keeps every row.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Keeps only rows with this text in a column.
    #[must_use]
    pub fn is(self, column: &'a str, text: &'a str) -> Self {
        self.among(column, [text])
    }

    /// Keeps only rows with one of these texts in a column.
    #[must_use]
    pub fn among(mut self, column: &'a str, texts: impl IntoIterator<Item = &'a str>) -> Self {
        self.conditions.push((column, texts.into_iter().collect()));
        self
    }

    /// The same, if there is a text; else nothing more is asked.
    #[must_use]
    pub fn is_some(self, column: &'a str, text: Option<&'a str>) -> Self {
        match text {
            Some(text) => self.is(column, text),
            None => self,
        }
    }

    fn keeps_all(&self) -> bool {
        self.conditions.is_empty()
    }

    fn columns(&self) -> Vec<&'a str> {
        self.with_its_columns(&[])
    }

    fn with_its_columns(&self, columns: &[&'a str]) -> Vec<&'a str> {
        let mut wanted = columns.to_vec();
        for (column, _) in &self.conditions {
            if !wanted.contains(column) {
                wanted.push(column);
            }
        }
        wanted
    }

    fn matches(&self, table: &Table) -> Result<Vec<bool>, StoreError> {
        let mut kept = vec![true; table.height()];
        for (column, wanted) in &self.conditions {
            for (kept, text) in kept.iter_mut().zip(table.texts(column)?.iter()) {
                *kept = *kept && text.is_some_and(|text| wanted.contains(text));
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::part_rows;

    fn parts(groups: &[usize], most: usize) -> Vec<usize> {
        part_rows(groups.iter().copied(), most)
    }

    #[test]
    fn parts_begin_where_groups_do_and_every_row_is_in_one() {
        assert_eq!(parts(&[1024, 1024, 1024, 300], 2500), [2048, 1324]);
        assert_eq!(parts(&[1024, 4096, 4096], 1000), [1024, 4096, 4096]);
        assert_eq!(parts(&[1024, 4096, 10], 9000), [5130]);
        assert_eq!(parts(&[], 10), [0]);
        assert_eq!(parts(&[0], 10), [0]);
    }

    #[test]
    fn a_group_of_another_tool_that_is_too_large_is_cut() {
        let cut = parts(&[100, 100_000, 50], 30_000);
        assert_eq!(cut, [100, 30_000, 30_000, 30_000, 10_050]);
        assert_eq!(cut.iter().sum::<usize>(), 100_150);
    }
}
