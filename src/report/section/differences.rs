//! Each model's paired difference to the baseline, suite by suite.

use serde::Serialize;

use crate::report::{Report, ReportError};

#[derive(Serialize)]
struct Context<'a> {
    baseline: Option<&'a str>,
    suites: Vec<&'a str>,
    rows: Vec<(&'a str, Vec<Option<Shown>>)>,
}

#[derive(Serialize)]
struct Shown {
    value: f64,
    low: f64,
    high: f64,
    n: usize,
    unshared: usize,
    excludes_zero: bool,
    method: &'static str,
}

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    let data = &report.data;
    if data.models.len() < 2 {
        return Ok(None);
    }
    let suites: Vec<&str> = data.suites.iter().map(|s| s.name.as_str()).collect();
    let rows = data
        .names()
        .filter(|m| report.baseline().is_some_and(|baseline| baseline != *m))
        .map(|model| {
            let cells = suites
                .iter()
                .map(|suite| {
                    let comparison = report.compare(&[*suite], model)?;
                    let paired = comparison.shared > 0;
                    comparison
                        .difference
                        .ok()
                        .filter(|_| paired)
                        .map(|d| Shown {
                            value: d.value,
                            low: d.interval.low,
                            high: d.interval.high,
                            n: d.n,
                            unshared: comparison.unshared,
                            excludes_zero: d.interval.excludes(0.0),
                            method: comparison.method,
                        })
                })
                .collect();
            (model, cells)
        })
        .collect();
    report
        .render(
            "sections/differences.html",
            &Context {
                baseline: report.baseline(),
                suites,
                rows,
            },
        )
        .map(Some)
}
