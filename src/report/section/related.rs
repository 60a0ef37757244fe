//! Published figures on related benchmarks: for orientation, apart from the run's own scores.

use serde::Serialize;

use super::Part;
use crate::report::published::PublishedFigure;
use crate::report::{Report, ReportError};

#[derive(Serialize)]
struct Context<'a> {
    figures: &'a [PublishedFigure],
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let figures = &report.published.related;
    if figures.is_empty() {
        return Ok(None);
    }
    report
        .render("sections/related.html", &Context { figures })
        .map(Part::of)
}
