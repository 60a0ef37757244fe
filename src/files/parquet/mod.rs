//! Parquet files as rows of JSON: every type is read, or refused by its name and column.
//!
//! | Parquet | JSON |
//! |---|---|
//! | integers, floats, booleans | the same; NaN is null, an infinity is text |
//! | strings, enums, JSON, UUID | text |
//! | dates, times, timestamps, durations | text as in ISO 8601 |
//! | decimals of up to 38 digits | text with all their digits |
//! | binary | text in base64 |
//! | lists, structs | arrays, objects |
//! | maps | objects; arrays of `{key, value}` where keys are not plain values |
//!
//! Intervals, wider decimals and groups without fields are refused. Types are taken from the Parquet schema, not from the Arrow schema that
//! some writers put next to it, which can contradict the file; that one only says which integers are durations.

mod column;
mod limits;
mod thrift;
mod value;

use std::io::Cursor;
use std::path::Path;

use polars_arrow::array::Array;
use polars_buffer::Buffer;
use polars_parquet::read::{
    RowGroupMetadata, read_metadata,
    schema::{read_custom_key_value_metadata, read_schema_from_metadata},
};
use serde_json::Map;

use self::column::Column;
use self::limits::Room;
use super::{Row, isolate};

/// Every row of a file.
///
/// # Errors
/// What is wrong with the file, or which column has a type that cannot be read.
pub(super) fn rows(path: &Path) -> Result<Vec<Row>, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    // The decoder asserts where it might return errors, and descends nested types before their depth can be looked at.
    let broken = |_| Err("it is not a complete, valid Parquet file; download it again".into());
    isolate(|| read(bytes)).unwrap_or_else(broken)
}

fn read(bytes: Vec<u8>) -> Result<Vec<Row>, String> {
    if !footer(&bytes).is_some_and(thrift::is_whole) {
        return Err("its footer is not that of a complete Parquet file; download it again".into());
    }
    let bytes = Buffer::from(bytes);
    let metadata = read_metadata(&mut Cursor::new(&bytes[..])).map_err(|e| e.to_string())?;
    let mut columns: Vec<Column> = metadata
        .schema()
        .fields()
        .iter()
        .map(|field| Column::of(field, 0))
        .collect::<Result<_, _>>()?;
    let mut beside = read_custom_key_value_metadata(metadata.key_value_metadata());
    if let Ok(Some(arrow)) = read_schema_from_metadata(&mut beside) {
        for column in &mut columns {
            if let Some(field) = arrow.get(column.name.as_str()) {
                column.kind.find_durations(&field.dtype);
            }
        }
    }
    for (i, column) in columns.iter().enumerate() {
        if columns[..i].iter().any(|c| c.name == column.name) {
            return Err(format!("two columns are called '{}'", column.name));
        }
    }
    limits::check_metadata(&metadata)?;
    let mut room = Room::default();
    let mut rows = Vec::new();
    for group in &metadata.row_groups {
        read_group(group, &columns, &bytes, &mut room, &mut rows)?;
    }
    Ok(rows)
}

/// The file's table of contents: what is before its length and the closing magic.
fn footer(bytes: &[u8]) -> Option<&[u8]> {
    let (bytes, length) = bytes.strip_suffix(b"PAR1")?.split_last_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    bytes.get(bytes.len().checked_sub(length)?..)
}

fn read_group(
    group: &RowGroupMetadata,
    columns: &[Column],
    bytes: &Buffer<u8>,
    room: &mut Room,
    rows: &mut Vec<Row>,
) -> Result<(), String> {
    let arrays: Vec<Box<dyn Array>> = columns
        .iter()
        .map(|column| column.array(group, bytes, room))
        .collect::<Result<_, _>>()?;
    for i in 0..group.num_rows() {
        let mut row = Map::new();
        for (column, array) in columns.iter().zip(&arrays) {
            let value = column.kind.value(array.as_ref(), i, room);
            let value = value.map_err(|reason| column.error(&reason))?;
            row.insert(column.name.clone(), value);
        }
        rows.push(row);
    }
    Ok(())
}
