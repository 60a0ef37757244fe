//! Agreement with external labels, and raw and corrected rates.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{AnalysisError, calibrate};
use crate::report::calibration::{agreement_grid, calibration_notes, confusion_grid, rates_grid};
use crate::report::{Report, ReportError};

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let Some(labels) = report.labels.as_ref().filter(|l| !l.is_empty()) else {
        return Ok(None);
    };
    let by = ["suite".to_owned()];
    let calibration = match calibrate(&report.data, &report.data.headlines(), labels, &by) {
        Ok(calibration) => calibration,
        // Labels that do not fit the run are not a reason to have no report.
        Err(AnalysisError::Mixed(why)) => {
            let note = format!("The external labels were not compared with the run's own: {why}");
            tracing::warn!("{note}");
            let only_notes = Tables {
                notes: vec![note],
                ..Tables::default()
            };
            return report
                .render("sections/tables.html", &only_notes)
                .map(Part::of);
        }
        Err(error) => return Err(error.into()),
    };
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
