//! Comma-separated values, UTF-8, with a header. Texts are for people and spreadsheets: control characters are made visible, and
//! no text is a formula. Parquet keeps every character as it came.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use crate::report::ReportError;
use crate::store::Table;
use crate::text::visible;

#[allow(clippy::needless_pass_by_value)] // As every writer takes it.
pub(super) fn write(table: Table, file: &File, path: &Path) -> Result<(), ReportError> {
    let failed = |e: csv::Error| ReportError::file("cannot write", path, &e);
    let mut writer = csv::Writer::from_writer(file);
    let columns: Vec<(String, bool)> = table
        .columns()
        .map(|(name, text)| (no_formula(name).into_owned(), text))
        .collect();
    writer
        .write_record(columns.iter().map(|(name, _)| name))
        .map_err(failed)?;
    for row in 0..table.height() {
        for (at, (_, text)) in columns.iter().enumerate() {
            let cell = table.cell(at, row).unwrap_or_default();
            let cell = if *text {
                no_formula(&cell)
            } else {
                cell.into()
            };
            writer.write_field(cell.as_bytes()).map_err(failed)?;
        }
        writer.write_record(None::<&[u8]>).map_err(failed)?;
    }
    writer.flush().map_err(|e| failed(e.into()))
}

/// A text with its control characters made visible. One that a spreadsheet would take for a formula gets an apostrophe before it, as OWASP's
/// page on CSV injection advises; a number is kept as it is.
fn no_formula(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['\t', '\r', '\n'])
        || text
            .trim_start()
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
            && text.parse::<f64>().is_err();
    let shown = visible(text);
    if formula {
        Cow::Owned(format!("'{shown}"))
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::no_formula;

    #[test]
    fn formulas_are_text_and_numbers_stay_numbers() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-1+2", "@SUM(A1)", "\t=1"] {
            assert_eq!(no_formula(formula), format!("'{formula}"));
        }
        for plain in ["-5", "+0.5", "1e3", "answer = 4", ""] {
            assert_eq!(no_formula(plain), plain);
        }
    }
}
