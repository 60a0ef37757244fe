//! Parquet, zstd.

use std::path::Path;

use polars::prelude::*;

use super::create;
use crate::report::ReportError;

pub(super) fn write(table: LazyFrame, path: &Path) -> Result<(), ReportError> {
    let mut frame = table.collect()?;
    ParquetWriter::new(create(path)?)
        .with_compression(ParquetCompression::Zstd(None))
        .finish(&mut frame)?;
    Ok(())
}
