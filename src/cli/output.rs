//! Tables on stdout.

use std::path::Path;

use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::terminal::width;
use crate::analysis::{Cell as Score, Comparison, GroupValue, Measure, ModelTotals};
use crate::report::{Grid, Report, bracket, count, points};
use crate::text::visible_line;

/// Output format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    // Not docs: clap would print each value on a line of its own, and all other flags with it.
    #[default]
    Table,
    Json,
    Markdown,
}

/// Output format of what is not a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Form {
    #[default]
    Text,
    Json,
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

/// Prints a table, as wide as the terminal at most: columns that it can do without are left out, and named below it; where that is not enough, cells take
/// several lines. Into a file or a pipe it is printed whole.
pub(super) fn print_grid(grid: &Grid) {
    let (mut shown, mut left_out) = (grid.clone(), Vec::new());
    let width = width();
    if let Some(width) = width {
        while lines(&shown).1 > width && !shown.spare.is_empty() {
            let column = shown.spare[0];
            left_out.push(shown.heads[column].clone());
            shown = shown.without_column(column);
        }
    }
    let (mut table, wide) = lines(&shown);
    if let Some(width) = width.and_then(|w| u16::try_from(w).ok())
        && wide > width.into()
    {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    out!("{}\n", table.to_string().replace(UNBROKEN, " "));
    if !left_out.is_empty() {
        print_note(&format!(
            "Left out, as the terminal is {} columns wide: {}.",
            width.unwrap_or_default(),
            left_out.join(", ")
        ));
    }
}

/// Whether a table is no wider than the terminal, with all its columns.
pub(super) fn fits(grid: &Grid) -> bool {
    width().is_none_or(|width| lines(grid).1 <= width)
}

/// Prints a table for people, in the format asked for. JSON is not made of a table but of what it was made of.
pub(super) fn print_as(grid: &Grid, format: Format) {
    match format {
        Format::Markdown => out!("{}", grid.to_markdown()),
        Format::Table | Format::Json => print_grid(grid),
    }
}

/// Prints a note below a table, wrapped where it is wider than the terminal.
pub(super) fn print_note(note: &str) {
    let note = visible_line(note);
    let Some(width) = width() else {
        outln!("{note}");
        return;
    };
    let folds = textwrap::Options::new(width.max(20)).subsequent_indent("  ");
    for line in textwrap::wrap(&note, folds) {
        outln!("{line}");
    }
}

/// Prints a report's main findings, and how many more it holds.
pub(super) fn print_findings(report: &Report) {
    let (first, more) = report.overview();
    for sentence in first {
        print_note(sentence);
    }
    if !more.is_empty() {
        let more = count(more.len(), "more finding");
        print_note(&format!("The report has {more}."));
    }
}

/// A blank that no line ends at.
const UNBROKEN: char = '\u{a0}';

/// A cell whose intervals stay on one line.
fn unbroken(cell: &str) -> String {
    let mut within = false;
    let keep = |c: char| {
        within = c == '[' || within && c != ']';
        if within && c == ' ' { UNBROKEN } else { c }
    };
    cell.chars().map(keep).collect()
}

/// A table in the house style and its width in columns. Each cell is on one line, whatever it holds; a table without any head has no line of heads.
fn lines(grid: &Grid) -> (Table, usize) {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if grid.heads.iter().any(|h| !h.is_empty()) {
        table.set_header(grid.heads.iter().map(Cell::new));
    }
    for row in &grid.rows {
        table.add_row(row.iter().map(|cell| unbroken(&visible_line(cell))));
    }
    for column in &grid.figures {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // A blank on each side of every cell.
    let widths = table.column_max_content_widths();
    let wide = widths.iter().map(|w| usize::from(*w) + 2).sum();
    (table, wide)
}

/// What a report says, for programs.
#[derive(Serialize)]
struct Summary<'a> {
    /// The page.
    report: &'a Path,
    /// Its first sentences.
    headlines: &'a [String],
    /// Every model on every suite.
    scores: &'a [Score],
    /// What groups of tasks come to.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [GroupValue],
    /// What each model took altogether.
    totals: &'a [ModelTotals],
}

/// Prints what a report says, as JSON.
pub(super) fn print_summary(
    report: &Report,
    totals: &[ModelTotals],
    page: &Path,
) -> Result<(), Failure> {
    print_json(&Summary {
        report: page,
        headlines: report.headlines(),
        scores: report.cells(),
        groups: report.groups(),
        totals,
    })
}

/// What groups of tasks come to; none where there are no groups.
pub(super) fn group_grid(report: &Report) -> Option<Grid> {
    let heads = ["group", "model", "metric", "mean", "± s.e.", "n", "tasks"];
    let mut grid = Grid::new(&heads, &[3, 4, 5, 6]);
    for figure in report.groups() {
        let tasks = match figure.missing {
            0 => figure.tasks.to_string(),
            missing => format!("{} of {}", figure.tasks, figure.tasks + missing),
        };
        let error = figure.standard_error;
        grid.rows.push(vec![
            figure.title.clone(),
            figure.model.clone(),
            figure.metric.clone(),
            format!("{:.4}", figure.value),
            error.map_or_else(|| "–".into(), |e| format!("{e:.4}")),
            figure.n.to_string(),
            tasks,
        ]);
    }
    (!grid.rows.is_empty()).then_some(grid)
}

/// Models × suites: score, interval, difference from the baseline, cost.
pub(super) fn score_grid(report: &Report, totals: &[ModelTotals]) -> Grid {
    let mut heads = vec!["suite", "model", "score %", "95 % interval", "n"];
    if report.baseline().is_some() {
        heads.extend(["− baseline", "interval"]);
    }
    let unlabelled = report.cells().iter().any(|c| c.unlabelled > 0);
    let unable = report.cells().iter().any(|c| c.unable > 0);
    heads.extend(["blocked", "failed"]);
    if unlabelled {
        heads.push("no label");
    }
    if unable {
        heads.push("unable");
    }
    heads.extend(["$/1,000", "median s"]);
    let behind = heads.iter().position(|h| *h == "blocked").unwrap_or(0);
    let mut figures = vec![2, 4];
    figures.extend(report.baseline().map(|_| 5));
    figures.extend(behind..heads.len());
    let spare = ["median s", "$/1,000", "failed", "blocked", "interval"];
    let mut grid = Grid::new(&heads, &figures).spare(&spare);
    for cell in report.cells() {
        let own = totals.iter().find(|t| t.model == cell.model);
        grid.rows
            .push(score_row(report, cell, own, [unlabelled, unable]));
    }
    grid
}

#[allow(clippy::cast_precision_loss)]
fn score_row(
    report: &Report,
    cell: &Score,
    totals: Option<&ModelTotals>,
    [unlabelled, unable]: [bool; 2],
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
    if unable {
        row.push(cell.unable.to_string());
    }
    row.extend([cost, seconds]);
    row
}
