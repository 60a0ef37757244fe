//! The gap of each model, and of each value of every stratum.

use serde::Serialize;

use crate::analysis::{GapFigure, gap, gaps};
use crate::report::chart::intervals::{Bar, intervals};
use crate::report::{Report, ReportError};

#[derive(Serialize)]
struct Context {
    gaps: Vec<Row>,
    by_stratum: Vec<(String, Vec<Row>)>,
    chart: Option<String>,
    method: &'static str,
}

#[derive(Serialize)]
struct Row {
    model: String,
    stratum: Option<String>,
    sensitive: f64,
    control: f64,
    value: Option<f64>,
    low: f64,
    high: f64,
    n: usize,
    clusters: usize,
    excludes_zero: bool,
}

fn row(gap: GapFigure) -> Row {
    let estimate = gap.gap.ok();
    Row {
        model: gap.model,
        stratum: gap.cell,
        sensitive: gap.first,
        control: gap.second,
        value: estimate.map(|e| e.value),
        low: estimate.map_or(0.0, |e| e.interval.low),
        high: estimate.map_or(0.0, |e| e.interval.high),
        n: estimate.map_or(0, |e| e.n),
        clusters: estimate.map_or(0, |e| e.clusters),
        excludes_zero: estimate.is_some_and(|e| e.interval.excludes(0.0)),
    }
}

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    let all: Vec<GapFigure> = report
        .data
        .names()
        .filter_map(|m| gap(report.questions(), m))
        .collect();
    let Some(method) = all.first().map(|g| g.method) else {
        return Ok(None);
    };
    let bars: Vec<Bar> = all
        .iter()
        .filter_map(|g| {
            g.gap.as_ref().ok().map(|e| Bar {
                label: g.model.clone(),
                value: e.value,
                interval: e.interval,
            })
        })
        .collect();
    let chart = if bars.is_empty() {
        None
    } else {
        Some(intervals(&bars, (-1.0, 1.0), Some(0.0))?)
    };
    let by_stratum = report
        .data
        .strata
        .iter()
        .map(|s| {
            (
                s.clone(),
                gaps(&report.data, report.questions(), s)
                    .into_iter()
                    .map(row)
                    .collect::<Vec<_>>(),
            )
        })
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    report
        .render(
            "sections/gaps.html",
            &Context {
                gaps: all.into_iter().map(row).collect(),
                by_stratum,
                chart,
                method,
            },
        )
        .map(Some)
}
