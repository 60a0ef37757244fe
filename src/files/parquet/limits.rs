//! Limits on what a file makes its reader allocate: a decoder trusts the counts that it reads, and a few bytes can claim anything.

use polars_parquet::parquet::page::CompressedPage;
use polars_parquet::read::{ColumnChunkMetadata, FileMetadata, PageReader};

/// Most rows, and most values of a column, in one row group; writers make groups of a million rows.
const MAX_VALUES: i64 = 1 << 26;

/// Most bytes of pages and rows in memory: one text in a dictionary can be the value of every row.
const MAX_BYTES: usize = if cfg!(fuzzing) { 1 << 26 } else { 1 << 32 };

/// Bytes that a value takes besides its text.
const PER_VALUE: usize = 64;

/// The counts of the file's own table of contents.
pub(super) fn check_metadata(metadata: &FileMetadata) -> Result<(), String> {
    let counts_hold = metadata.row_groups.iter().all(|group| {
        let rows = i64::try_from(group.num_rows()).unwrap_or(i64::MAX);
        let mut chunks = group.parquet_columns().iter();
        rows <= MAX_VALUES && chunks.all(|c| (0..=MAX_VALUES).contains(&c.num_values()))
    });
    counts_hold.then_some(()).ok_or_else(|| {
        format!("it states a negative number of values in a row group, or more than {MAX_VALUES}")
    })
}

/// The counts of a column's pages, before one is unpacked; what they unpack to comes out of `room`.
pub(super) fn check_pages(
    pages: PageReader,
    chunk: &ColumnChunkMetadata,
    room: &mut Room,
) -> Result<(), String> {
    let mut left = usize::try_from(chunk.num_values()).unwrap_or(0);
    for page in pages {
        if let CompressedPage::Data(page) = page.map_err(|e| format!("cannot be read: {e}"))? {
            let counted = left.checked_sub(page.num_values());
            left = counted.ok_or("has pages with more values than the file states")?;
            room.take(page.uncompressed_size())?;
        }
    }
    Ok(())
}

/// What is left of a file's memory limit.
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(MAX_BYTES)
    }
}

impl Room {
    /// Sets room aside for a value with this many bytes of text, or for a page of this many bytes.
    pub(super) fn take(&mut self, text: usize) -> Result<(), String> {
        let left = self.0.checked_sub(PER_VALUE.saturating_add(text));
        self.0 = left.ok_or_else(|| {
            format!("unpacks to more than {MAX_BYTES} bytes; split the file into smaller ones")
        })?;
        Ok(())
    }
}
