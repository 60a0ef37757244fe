//! Comma-separated values, UTF-8, with a header.

use std::path::Path;

use polars::prelude::*;

use super::create;
use crate::report::ReportError;

pub(super) fn write(table: LazyFrame, path: &Path) -> Result<(), ReportError> {
    let mut frame = table.collect()?;
    Ok(CsvWriter::new(create(path)?)
        .include_header(true)
        .finish(&mut frame)?)
}
