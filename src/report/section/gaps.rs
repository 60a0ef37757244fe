//! Each model's gap on each suite of pairs, per value of every stratum; without controls, the gap between the values.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{Asked, GapFigure, GapKind, GapTable, Question, gap_table};
use crate::report::chart::intervals::{Axis, Bar, intervals};
use crate::report::figures::count;
use crate::report::gap::{every_gap, gap_trials};
use crate::report::headline::without_controls;
use crate::report::unable::unable_sentence;
use crate::report::{Report, ReportError};
use crate::store::SuiteRecord;
use crate::suite::PairRole;

/// Maximum number of contrasts listed per stratum.
const MAX_CONTRASTS: usize = 10;
/// Maximum number of rows in a chart; beyond it, the table is easier to read.
const MAX_BARS: usize = 60;
/// Longer tables are folded.
const MAX_ROWS: usize = 40;

/// The share withheld beyond the controls.
pub(super) fn withheld(report: &Report) -> Result<Option<Part>, ReportError> {
    render(
        report,
        GapKind::Controls,
        "share withheld on sensitive questions − share withheld on their controls",
        "Each pair is one sensitive question and one control of the same form; a gap is the share withheld beyond what is withheld anyway.",
    )
}

/// The share withheld on one value of a stratum beyond another, for questions without controls.
pub(super) fn values(report: &Report) -> Result<Option<Part>, ReportError> {
    let asked = without_controls(&report.data, &report.asked);
    let suites = asked.suites();
    let mut found = Tables::default();
    for stratum in &report.data.strata {
        let by = std::slice::from_ref(stratum);
        let Ok(table) = gap_table(&report.data, &asked, by, None, None) else {
            continue;
        };
        let mut contrasts: Vec<&str> = table
            .gaps
            .iter()
            .filter_map(|g| g.cell.as_deref())
            .collect();
        contrasts.sort_unstable();
        contrasts.dedup();
        if table.kind != GapKind::Values {
            continue;
        }
        if contrasts.len() > MAX_CONTRASTS {
            found.notes.push(format!(
                "Comparing every two values of {stratum} makes {}; candor gap RUN --by {stratum} --reference VALUE compares each with one.",
                count(contrasts.len(), "contrast")
            ));
            continue;
        }
        for contrast in contrasts {
            let own = table
                .gaps
                .iter()
                .filter(|g| g.cell.as_deref() == Some(contrast));
            let bars = bars(&table, own, &suites);
            if !bars.is_empty() && bars.len() <= MAX_BARS {
                let caption = format!(
                    "{contrast}: share withheld on the first − share withheld on the second, points, 95 % interval"
                );
                found
                    .charts
                    .push(intervals(&caption, bars, Axis::Difference));
            }
        }
        let grid = linked(&format!("By {stratum}"), &table, &suites);
        found.grids.push(if table.gaps.len() > MAX_ROWS {
            grid.folded()
        } else {
            grid
        });
    }
    if found.grids.is_empty() && found.charts.is_empty() {
        return Ok(None);
    }
    found.notes.push(
        "The same question about two subjects, or in two languages. Positive: \
        more is withheld on the first. 95 % intervals, clustered; p after \
        Holm's correction within each table."
            .into(),
    );
    found.render(report)
}

/// Differences of scores within pairs, for metrics other than what is withheld.
pub(super) fn scores(report: &Report) -> Result<Option<Part>, ReportError> {
    render(
        report,
        GapKind::Pairs,
        "score on sensitive questions − score on their controls",
        "Each pair is one question asked twice, with only the sensitive words changed.",
    )
}

fn render(
    report: &Report,
    kind: GapKind,
    what: &str,
    note: &str,
) -> Result<Option<Part>, ReportError> {
    let mut found = Tables::default();
    for suite in &report.data.suites {
        let asked = pairs_of(report, suite);
        // Without pairs there is no gap.
        if let Ok(table) = gap_table(&report.data, &asked, &[], None, None)
            && table.kind == kind
        {
            add(report, suite, &asked, &table, what, &mut found);
        }
    }
    if kind == GapKind::Controls {
        found.notes.extend(unable_sentence(&report.unable));
    }
    found.notes.push(format!(
        "{note} 95 % intervals, clustered; p after Holm's correction within each table."
    ));
    found.render(report)
}

/// A suite's questions, with the controls of other suites if it has none of its own.
fn pairs_of(report: &Report, suite: &SuiteRecord) -> Asked {
    let asked = report.asked.of_suites(&[&suite.name]);
    let control = |q: &Question| q.role == Some(PairRole::Control);
    if asked.all().any(control) || !report.asked.all().any(control) {
        return asked;
    }
    let others = report.data.suites.iter();
    let others = others.filter(|s| s.tells_what_is_withheld() == suite.tells_what_is_withheld());
    let others: Vec<&str> = others.map(|s| s.name.as_str()).collect();
    let mut asked = report.asked.of_suites(&others);
    let wanted = |q: &Question| *q.suite == *suite.name || control(q);
    asked.scored.retain(wanted);
    asked.missing.retain(wanted);
    asked
}

/// Every gap, each with a link to its trials.
fn linked(caption: &str, table: &GapTable, suites: &[&str]) -> Table {
    let gaps = table.gaps.iter();
    let links = gaps.map(|g| Some(gap_trials(table, g, suites))).collect();
    let column = if table.by.is_empty() { 3 } else { 4 };
    Table::of(caption, every_gap(table)).linked(column, links)
}

fn bars<'a>(
    table: &GapTable,
    gaps: impl Iterator<Item = &'a GapFigure>,
    suites: &[&str],
) -> Vec<Bar> {
    let bar = |g: &GapFigure| {
        Some(Bar {
            label: g.model.clone(),
            estimate: g.gap.ok()?,
            trials: Some(gap_trials(table, g, suites)),
        })
    };
    gaps.filter_map(bar).collect()
}

/// A suite's chart and table, and one table per stratum, folded.
fn add(
    report: &Report,
    suite: &SuiteRecord,
    asked: &Asked,
    table: &GapTable,
    what: &str,
    found: &mut Tables,
) {
    let suites = asked.suites();
    let bars = bars(table, table.gaps.iter(), &suites);
    if !bars.is_empty() {
        let caption = format!("{}: {what}, 95 % interval", suite.name);
        found
            .charts
            .push(intervals(&caption, bars, Axis::Difference));
    }
    found.grids.push(linked(&suite.name, table, &suites));
    for stratum in &suite.strata {
        let by = [stratum.clone()];
        if let Ok(table) = gap_table(&report.data, asked, &by, None, None)
            && table.gaps.iter().any(|g| g.cell.is_some())
        {
            let caption = format!("{}, by {stratum}", suite.name);
            found.grids.push(linked(&caption, &table, &suites).folded());
        }
    }
}
