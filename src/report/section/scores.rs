//! Models × suites with intervals, and published figures as reference rows.

use serde::Serialize;

use crate::analysis::Cell;
use crate::report::chart::intervals::{Bar, intervals};
use crate::report::published::PublishedFigure;
use crate::report::{Report, ReportError};

/// Cells with fewer questions than this get a badge.
const SMALL_SAMPLE: usize = 20;
/// Maximum number of rows in a chart; beyond it, the table is easier to read.
const MAX_BARS: usize = 60;

#[derive(Serialize)]
struct Context<'a> {
    suites: Vec<SuiteHead<'a>>,
    rows: Vec<Row<'a>>,
    published: Vec<PublishedRow<'a>>,
    charts: Vec<(String, String)>,
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
    small: bool,
    undefined: Option<String>,
    #[serde(flatten)]
    cell: &'a Cell,
}

#[derive(Serialize)]
struct PublishedRow<'a> {
    figure: &'a PublishedFigure,
    cells: Vec<Option<f64>>,
}

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
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
                c.estimate.as_ref().ok().map(|e| Bar {
                    label: c.model.clone(),
                    value: e.value,
                    interval: e.interval,
                })
            })
            .collect();
        if bars.len() > 1 && bars.len() <= MAX_BARS {
            charts.push((suite.name.clone(), intervals(&bars, (0.0, 1.0), None)?));
        }
    }
    report
        .render(
            "sections/scores.html",
            &Context {
                suites,
                rows,
                published,
                charts,
            },
        )
        .map(Some)
}

fn describe(cell: &Cell) -> Shown<'_> {
    match &cell.estimate {
        Ok(e) => Shown {
            value: Some(e.value),
            low: e.interval.low,
            high: e.interval.high,
            n: e.n,
            small: e.n < SMALL_SAMPLE,
            undefined: None,
            cell,
        },
        Err(why) => Shown {
            value: None,
            low: 0.0,
            high: 0.0,
            n: cell.questions,
            small: false,
            undefined: Some(why.to_string()),
            cell,
        },
    }
}
