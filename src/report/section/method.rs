//! How the figures were made, what they cannot say, and exactly what was run.

use serde::Serialize;

use crate::report::{Report, ReportError};
use crate::store::Manifest;

#[derive(Serialize)]
struct Context<'a> {
    manifests: &'a [Manifest],
    has_refusal: bool,
    has_imported: bool,
    has_pairs: bool,
    trials: u64,
    cached: u64,
    target: &'static str,
    target_meaning: &'static str,
}

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    let scored_by = |name: &str| report.data.suites.iter().any(|s| s.headline.0 == name);
    let has_pairs = report
        .questions()
        .iter()
        .any(|q| q.role.is_some() && q.pair.is_some());
    let context = Context {
        manifests: &report.data.manifests,
        has_refusal: scored_by("refusal"),
        has_imported: scored_by("imported"),
        has_pairs,
        trials: report.cells.iter().map(|c| c.trials).sum(),
        cached: report.cells.iter().map(|c| c.cached).sum(),
        target: report.target.name(),
        target_meaning: report.target.meaning(),
    };
    report.render("sections/method.html", &context).map(Some)
}
