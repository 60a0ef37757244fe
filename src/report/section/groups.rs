//! What groups of tasks come to, as lm-evaluation-harness sums them up.

use serde::Serialize;

use super::Part;
use crate::analysis::GroupValue;
use crate::report::{Report, ReportError};

#[derive(Serialize)]
struct Context<'a> {
    figures: &'a [GroupValue],
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    if report.groups.is_empty() {
        return Ok(None);
    }
    let figures = &report.groups;
    report
        .render("sections/groups.html", &Context { figures })
        .map(Part::of)
}
