//! PDF through a Chromium that is installed.

use std::path::Path;

use super::ReportError;
use super::chromium;

/// Prints an HTML file to a PDF file.
///
/// # Errors
/// [`ReportError::File`] where there is no Chromium, or it does not print.
pub fn print(page: &Path, pdf: &Path) -> Result<(), ReportError> {
    let cannot = |reason: String| ReportError::file("cannot print", pdf, &reason);
    // A file of an earlier print must not be taken for this one's.
    let folder = tempfile::tempdir().map_err(|e| cannot(e.to_string()))?;
    let printed = folder.path().join("report.pdf");
    let arguments = [
        "--no-pdf-header-footer".into(),
        format!("--print-to-pdf={}", printed.display()).into(),
    ];
    chromium::run(page, &arguments, &|_| printed.is_file()).map_err(|reason| {
        cannot(format!(
            "{reason}. `candor report --print` writes the same pages as HTML, which any browser prints"
        ))
    })?;
    std::fs::copy(&printed, pdf)
        .map(drop)
        .map_err(|e| cannot(e.to_string()))
}
