//! Tables on stdout.

use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, Table, presets};

use super::exit::{Exit, Failure};
use crate::analysis::{Cell as Score, Comparison, Measure, ModelTotals};
use crate::report::{Grid, Report, bracket, points};
use crate::text::visible_line;

/// Output format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// Columns for a terminal.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For pull requests and notes.
    Markdown,
}

/// A value as JSON.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map_err(|e| Failure::new(Exit::CouldNotRun, format!("cannot write JSON: {e}")))
}

/// Prints a value as JSON.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    out!("{}\n", to_json(value)?);
    Ok(())
}

/// An empty table in the house style.
pub(super) fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(heads.iter().map(Cell::new));
    table
}

/// Adds a row whose cells each stay on one line, whatever they hold.
pub(super) fn add_row(table: &mut Table, cells: impl IntoIterator<Item = impl AsRef<str>>) {
    let cells = cells.into_iter();
    table.add_row(cells.map(|cell| visible_line(cell.as_ref()).into_owned()));
}

/// A table of the report as lines.
pub(super) fn lines(grid: &Grid) -> Table {
    let mut table = table(&grid.heads.iter().map(String::as_str).collect::<Vec<_>>());
    for row in &grid.rows {
        add_row(&mut table, row);
    }
    figures(&mut table, &grid.figures);
    table
}

/// Right-aligns columns of figures.
pub(super) fn figures(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Models × suites as lines: score, interval, difference from the baseline, cost.
pub(super) fn score_table(report: &Report, totals: &[ModelTotals]) -> Table {
    let mut heads = vec!["suite", "model", "score %", "95 % interval", "n"];
    if report.baseline().is_some() {
        heads.extend(["− baseline", "interval"]);
    }
    let unlabelled = report.cells().iter().any(|c| c.unlabelled > 0);
    heads.extend(["blocked", "failed"]);
    if unlabelled {
        heads.push("no label");
    }
    heads.extend(["$/1,000", "median s"]);
    let mut table = table(&heads);
    for cell in report.cells() {
        let own = totals.iter().find(|t| t.model == cell.model);
        add_row(&mut table, score_row(report, cell, own, unlabelled));
    }
    let behind = heads.iter().position(|h| *h == "blocked").unwrap_or(0);
    figures(&mut table, &[2, 4]);
    if report.baseline().is_some() {
        figures(&mut table, &[5]);
    }
    figures(&mut table, &(behind..heads.len()).collect::<Vec<_>>());
    table
}

#[allow(clippy::cast_precision_loss)]
fn score_row(
    report: &Report,
    cell: &Score,
    totals: Option<&ModelTotals>,
    unlabelled: bool,
) -> Vec<String> {
    let dash = || "–".to_owned();
    let (value, interval, n) = match &cell.estimate {
        Ok(e) => (
            format!("{:.1}", e.value * 100.0),
            format!(
                "[{:.1}, {:.1}]",
                e.interval.low * 100.0,
                e.interval.high * 100.0
            ),
            e.n.to_string(),
        ),
        Err(why) => (dash(), why.to_string(), cell.questions.to_string()),
    };
    let cost = totals
        .and_then(|t| {
            t.cost_usd
                .map(|c| format!("{:.2}", c / t.trials.max(1) as f64 * 1000.0))
        })
        .unwrap_or_else(dash);
    let seconds = totals
        .and_then(|t| t.median_seconds)
        .map_or_else(dash, |s| format!("{s:.2}"));
    let mut row = vec![cell.suite.clone(), cell.model.clone(), value, interval, n];
    match report.compare(&cell.suite, &cell.model) {
        _ if report.baseline() == Some(&cell.model) => {
            row.extend(["baseline".into(), String::new()]);
        }
        Some(Comparison {
            difference: Ok(d),
            measure,
            ..
        }) => {
            let of = match measure {
                Measure::Score => "",
                Measure::Withheld => " withheld",
            };
            row.extend([points(d.value) + of, bracket(d.interval)]);
        }
        Some(_) => row.extend([dash(), String::new()]),
        None => {}
    }
    row.extend([cell.blocked.to_string(), cell.failed.to_string()]);
    if unlabelled {
        row.push(cell.unlabelled.to_string());
    }
    row.extend([cost, seconds]);
    row
}
