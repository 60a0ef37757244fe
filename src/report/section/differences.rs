//! Each model's paired difference from the baseline, suite by suite.

use serde::Serialize;

use crate::analysis::Comparison;
use crate::report::{Report, ReportError};

#[derive(Serialize)]
struct Context<'a> {
    baseline: Option<&'a str>,
    /// Each suite, and whether its differences are of shares withheld instead of scores.
    suites: Vec<(&'a str, bool)>,
    rows: Vec<(&'a str, Vec<Cell>)>,
}

#[derive(Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Cell {
    NothingShared,
    NotEstimable { n: usize, why: String },
    Difference(Difference),
}

#[derive(Serialize)]
struct Difference {
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
    let suites: Vec<(&str, bool)> = data
        .suites
        .iter()
        .map(|s| (s.name.as_str(), s.tells_what_is_withheld()))
        .collect();
    let rows = data
        .names()
        .filter(|m| report.baseline().is_some_and(|baseline| baseline != *m))
        .map(|model| {
            let compared = suites
                .iter()
                .filter_map(|(suite, _)| report.compare(suite, model));
            (model, compared.map(|c| Cell::of(&c)).collect())
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

impl Cell {
    fn of(comparison: &Comparison) -> Self {
        match &comparison.difference {
            _ if comparison.shared == 0 => Self::NothingShared,
            Err(why) => Self::NotEstimable {
                n: comparison.shared,
                why: why.to_string(),
            },
            Ok(d) => Self::Difference(Difference {
                value: d.value,
                low: d.interval.low,
                high: d.interval.high,
                n: d.n,
                unshared: comparison.unshared,
                excludes_zero: d.interval.excludes(0.0),
                method: comparison.method,
            }),
        }
    }
}
