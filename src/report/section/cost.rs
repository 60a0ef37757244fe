//! Each model's cost, tokens and time.

use serde::Serialize;

use super::Part;
use crate::analysis::{ModelTotals, totals};
use crate::report::chart::Chart;
use crate::report::chart::scatter::{Spot, scatter};
use crate::report::figures::count;
use crate::report::{Report, ReportError};
use crate::suite::Kind;

/// More suites than this are replaced by their number in a caption.
const MAX_NAMES: usize = 4;

#[derive(Serialize)]
struct Context {
    charts: Vec<Chart>,
    rows: Vec<Row>,
    /// What is known of any model: columns of nothing do not appear.
    known: Vec<&'static str>,
}

/// A quantity, and whether it is known of a model.
type Known = (&'static str, fn(&ModelTotals) -> bool);

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    totals: ModelTotals,
    cost_per_thousand: Option<f64>,
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
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
    if !says_something {
        return Ok(None);
    }
    let known: [Known; 4] = [
        ("cost", |t| t.cost_usd.is_some()),
        ("time", |t| t.median_seconds.is_some()),
        ("input", |t| t.prompt_tokens > 0),
        ("speed", |t| t.tokens_per_second.is_some()),
    ];
    let known = known.into_iter();
    let known = known.filter(|(_, known)| rows.iter().any(|r| known(&r.totals)));
    let context = Context {
        known: known.map(|(name, _)| name).collect(),
        charts: worth(report, &rows),
        rows,
    };
    let html = report.render("sections/cost.html", &context)?;
    Ok(Some(Part {
        html,
        charts: context.charts,
    }))
}

/// Scores on the benchmarks that every model answered, against dollars and seconds.
fn worth(report: &Report, rows: &[Row]) -> Vec<Chart> {
    let data = &report.data;
    let score = |model: &str, suite: &str| {
        let mut cells = report.cells.iter();
        let cell = cells.find(|c| c.model == model && c.suite == suite)?;
        Some(cell.estimate.ok()?.value)
    };
    let suites: Vec<&str> = data
        .suites
        .iter()
        .filter(|s| s.kind == Kind::Benchmark)
        .map(|s| s.name.as_str())
        .filter(|s| data.names().all(|m| score(m, s).is_some()))
        .collect();
    let chart = |caption: &str, axis: &str, takes: &dyn Fn(&Row) -> Option<f64>| {
        #[allow(clippy::cast_precision_loss)]
        let mean = |model: &str| {
            let all: Option<Vec<f64>> = suites.iter().map(|s| score(model, s)).collect();
            Some(all?.iter().sum::<f64>() / suites.len() as f64)
        };
        let spots: Vec<Spot> = rows
            .iter()
            .filter_map(|row| {
                Some(Spot {
                    label: row.totals.model.clone(),
                    takes: takes(row).filter(|t| *t > 0.0)?,
                    score: mean(&row.totals.model)?,
                })
            })
            .collect();
        (spots.len() > 1).then(|| scatter(caption, axis, spots))
    };
    if suites.is_empty() {
        return Vec::new();
    }
    let over = if suites.len() > MAX_NAMES {
        count(suites.len(), "suite")
    } else {
        suites.join(", ")
    };
    let of = format!("Mean score over {over}");
    let money = format!("{of} against cost");
    let time = format!("{of} against time");
    [
        chart(&money, "$ per 1,000 questions", &|row| {
            row.cost_per_thousand
        }),
        chart(&time, "median seconds per answer", &|row| {
            row.totals.median_seconds
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
