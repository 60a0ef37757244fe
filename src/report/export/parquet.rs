//! Parquet, zstd.

use std::path::Path;

use super::create;
use crate::report::ReportError;
use crate::store::Table;

pub(super) fn write(table: Table, path: &Path) -> Result<(), ReportError> {
    Ok(table.write_parquet(create(path)?, path)?)
}
