//! Models × suites with intervals, and published figures as reference rows.

use serde::Serialize;

use super::Part;
use crate::analysis::Cell;
use crate::report::address::Trials;
use crate::report::chart::Chart;
use crate::report::chart::intervals::{Axis, Bar, intervals};
use crate::report::leaders::leaders;
use crate::report::published::PublishedFigure;
use crate::report::{Report, ReportError};

/// Cells with fewer questions than this get a badge.
const SMALL_SAMPLE: usize = 20;
/// Maximum number of rows in a chart; beyond it, the table is easier to read.
const MAX_BARS: usize = 60;

#[derive(Serialize)]
struct Context<'a> {
    findings: Vec<String>,
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
                    report
                        .cells
                        .iter()
                        .find(|c| c.model == m.identity.name && c.suite == s.name)
                        .map(describe)
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
    for suite in &data.suites {
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
    let context = Context {
        findings: leaders(report),
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
