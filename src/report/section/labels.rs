//! Agreement with labels from outside, and corrected rates beside the raw ones.

use super::tables::{Table, Tables};
use crate::analysis::calibrate;
use crate::report::calibration::{agreement_grid, calibration_notes, confusion_grid, rates_grid};
use crate::report::{Report, ReportError};

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    let Some(labels) = &report.labels else {
        return Ok(None);
    };
    let by = ["suite".to_owned()];
    let calibration = calibrate(&report.data, &report.data.headlines(), labels, &by)?;
    let Some(all) = calibration.agreement.first() else {
        return Ok(None);
    };
    let found = Tables {
        grids: vec![
            Table::of(
                "Agreement with the external labels",
                agreement_grid(&calibration),
            ),
            Table::of(
                "Rates: raw, and corrected for the labeller's errors",
                rates_grid(&calibration),
            ),
            Table::of("Confusion", confusion_grid(all)).folded(),
        ],
        notes: calibration_notes(&calibration),
        ..Tables::default()
    };
    found.render(report)
}
