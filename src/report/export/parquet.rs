//! Parquet, zstd.

use std::fs::File;
use std::path::Path;

use crate::report::ReportError;
use crate::store::Table;

pub(super) fn write(table: Table, file: &File, path: &Path) -> Result<(), ReportError> {
    Ok(table.write_parquet(file, path)?)
}
