//! Models × suites with intervals, and published figures as reference rows.

use std::collections::HashMap;

use serde::Serialize;

use super::Part;
use crate::analysis::Cell;
use crate::report::address::Trials;
use crate::report::chart::Chart;
use crate::report::chart::intervals::{Axis, Bar, intervals};
use crate::report::headline::MAX_SENTENCES;
use crate::report::leaders::leaders;
use crate::report::published::PublishedFigure;
use crate::report::{Report, ReportError};

/// Cells with fewer questions than this get a badge.
const SMALL_SAMPLE: usize = 20;
/// Maximum number of rows in a chart; beyond it, the table is easier to read.
const MAX_BARS: usize = 60;
/// Suites that have a column each; of more each has a row.
pub(super) const MAX_COLUMNS: usize = 12;
/// Suites that have a chart each; of more none has.
pub(super) const MAX_CHARTS: usize = 40;

#[derive(Serialize)]
struct Context<'a> {
    findings: Vec<String>,
    /// Those that are folded behind them.
    more_findings: Vec<String>,
    /// Whether suites are in rows and models in columns.
    suites_in_rows: bool,
    names_baseline: bool,
    suites: Vec<SuiteHead<'a>>,
    rows: Vec<Row<'a>>,
    published: Vec<PublishedRow<'a>>,
    charts: Vec<Chart>,
}

#[derive(Serialize)]
struct SuiteHead<'a> {
    name: &'a str,
    title: &'a str,
    metric: String,
    asked: usize,
    available: usize,
}

#[derive(Serialize)]
struct Row<'a> {
    model: &'a str,
    baseline: bool,
    stopped: Option<&'a str>,
    cells: Vec<Option<Shown<'a>>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    value: Option<f64>,
    low: f64,
    high: f64,
    n: usize,
    clusters: usize,
    small: bool,
    undefined: Option<String>,
    links: Links,
    #[serde(flatten)]
    cell: &'a Cell,
}

/// Where a cell's figures lead.
#[derive(Serialize)]
struct Links {
    scored: Trials,
    blocked: Trials,
    failed: Trials,
    truncated: Trials,
    unscored: Trials,
    unable: Trials,
    cached: Trials,
}

impl Links {
    fn of(cell: &Cell) -> Self {
        let all = || Trials::of_suite(&cell.suite).by(&cell.model);
        Self {
            scored: all().with_verdict("has-score"),
            blocked: all().with_verdict("blocked"),
            failed: all().with_verdict("failed"),
            truncated: all().marked("truncated"),
            unscored: all().with_verdict("unscored"),
            unable: all().with_verdict("unable"),
            cached: all().marked("cached"),
        }
    }
}

#[derive(Serialize)]
struct PublishedRow<'a> {
    figure: &'a PublishedFigure,
    cells: Vec<Option<f64>>,
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let data = &report.data;
    let suites = data
        .suites
        .iter()
        .map(|s| SuiteHead {
            name: &s.name,
            title: &s.title,
            metric: format!("{} · {}", s.headline.0, s.headline.1),
            asked: s.samples,
            available: s.available,
        })
        .collect();
    let cells: HashMap<(&str, &str), &Cell> = report
        .cells
        .iter()
        .map(|c| ((c.model.as_str(), c.suite.as_str()), c))
        .collect();
    let rows = data
        .models
        .iter()
        .map(|m| Row {
            model: &m.identity.name,
            baseline: report.baseline() == Some(&m.identity.name) && data.models.len() > 1,
            stopped: m.stopped.as_deref(),
            cells: data
                .suites
                .iter()
                .map(|s| {
                    let cell = cells.get(&(m.identity.name.as_str(), s.name.as_str()));
                    cell.map(|c| describe(c))
                })
                .collect(),
        })
        .collect();
    let published = report
        .published
        .same
        .iter()
        .map(|figure| PublishedRow {
            figure,
            cells: data
                .suites
                .iter()
                .map(|s| {
                    s.published_as
                        .as_ref()
                        .filter(|own| own.is(&figure.benchmark, &figure.setting))
                        .map(|_| figure.score_percent)
                })
                .collect(),
        })
        .collect();
    let mut charts = Vec::new();
    let charted = if data.suites.len() > MAX_CHARTS {
        &[]
    } else {
        data.suites.as_slice()
    };
    for suite in charted {
        let bars: Vec<Bar> = report
            .cells
            .iter()
            .filter(|c| c.suite == suite.name)
            .filter_map(|c| {
                Some(Bar {
                    label: c.model.clone(),
                    estimate: c.estimate.ok()?,
                    trials: Some(Links::of(c).scored),
                })
            })
            .collect();
        if bars.len() > 1 && bars.len() <= MAX_BARS {
            let caption = format!("{}: score with its 95 % interval", suite.name);
            charts.push(intervals(&caption, bars, Axis::Share));
        }
    }
    let mut findings = leaders(report);
    let more_findings = findings.split_off(findings.len().min(MAX_SENTENCES));
    let context = Context {
        findings,
        more_findings,
        suites_in_rows: data.suites.len() > MAX_COLUMNS,
        names_baseline: report.baseline().is_some() || data.models.len() < 2,
        suites,
        rows,
        published,
        charts,
    };
    let html = report.render("sections/scores.html", &context)?;
    Ok(Some(Part {
        html,
        charts: context.charts,
    }))
}

fn describe(cell: &Cell) -> Shown<'_> {
    match &cell.estimate {
        Ok(e) => Shown {
            value: Some(e.value),
            low: e.interval.low,
            high: e.interval.high,
            n: e.n,
            clusters: e.clusters,
            small: e.n < SMALL_SAMPLE,
            undefined: None,
            links: Links::of(cell),
            cell,
        },
        Err(why) => Shown {
            value: None,
            low: 0.0,
            high: 0.0,
            n: cell.questions,
            clusters: cell.questions,
            small: false,
            undefined: Some(why.to_string()),
            links: Links::of(cell),
            cell,
        },
    }
}
