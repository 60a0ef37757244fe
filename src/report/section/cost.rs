//! Each model's cost, tokens and time.

use serde::Serialize;

use crate::analysis::{ModelTotals, totals};
use crate::report::{Report, ReportError};

#[derive(Serialize)]
struct Context {
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    totals: ModelTotals,
    cost_per_thousand: Option<f64>,
}

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    let rows: Vec<Row> = totals(&report.data)?
        .into_iter()
        .map(|totals| {
            #[allow(clippy::cast_precision_loss)]
            let cost_per_thousand = totals
                .cost_usd
                .map(|c| c / totals.trials.max(1) as f64 * 1000.0);
            Row {
                totals,
                cost_per_thousand,
            }
        })
        .collect();
    let says_something = rows
        .iter()
        .any(|r| r.totals.completion_tokens > 0 || r.totals.median_seconds.is_some());
    if says_something {
        report
            .render("sections/cost.html", &Context { rows })
            .map(Some)
    } else {
        Ok(None)
    }
}
