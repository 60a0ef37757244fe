//! How evenly sides are served, as tables and notes: the same on the screen, in the page and in Markdown.

use super::figures::{percent, points_with_interval, signed};
use super::table::{Grid, markdown};
use crate::analysis::{Controversy, SideMeasure, SidesFigure, SidesTable};

/// Controversies shown: the most uneven.
const MAX_CONTROVERSIES: usize = 10;
/// A controversy whose sides differ by less than this in everything is not shown.
const MIN_SPREAD: f64 = 0.1;

/// What a measure is called at the head of a column.
fn head(measure: SideMeasure) -> &'static str {
    match measure {
        SideMeasure::Answered => "one side alone answered %",
        SideMeasure::Length => "shorter by %",
        SideMeasure::Hedging => "hedging apart %",
        SideMeasure::Judged => "judge prefers a side %",
    }
}

/// The measures that a table has figures of.
fn measures(table: &SidesTable) -> Vec<SideMeasure> {
    let has = |measure: &SideMeasure| table.figures.iter().any(|f| f.measure == *measure);
    SideMeasure::ALL.into_iter().filter(has).collect()
}

fn uneven(figure: Option<&SidesFigure>) -> String {
    match figure.map(|f| &f.uneven) {
        None => "–".into(),
        Some(Err(why)) => format!("– ({why})"),
        Some(Ok(e)) => format!(
            "{} [{}, {}]",
            percent(e.value),
            percent(e.interval.low),
            percent(e.interval.high)
        ),
    }
}

/// The table: one row per cell and model, with a column per measure; beside a baseline, with the differences to it.
#[must_use]
pub fn sides_grid(table: &SidesTable) -> Grid {
    let measures = measures(table);
    let by = table.by.join(" · ");
    let mut heads = vec![by.as_str(), "model", "pairs"];
    heads.extend(measures.iter().map(|m| head(*m)));
    if table.baseline.is_some() {
        heads.push("beside the baseline, points");
    }
    let mut grid = Grid::new(&heads, &[2]);
    let mut rows: Vec<(Option<&str>, &str)> = Vec::new();
    for figure in &table.figures {
        let row = (figure.cell.as_deref(), figure.model.as_str());
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows.sort_by_key(|(cell, _)| *cell);
    for (cell, model) in rows {
        let of = |measure| table.figure(model, cell, measure);
        let pairs = measures.iter().filter_map(|m| Some(of(*m)?.pairs)).max();
        let mut row = vec![
            cell.unwrap_or("all").to_owned(),
            model.to_owned(),
            pairs.unwrap_or(0).to_string(),
        ];
        row.extend(measures.iter().map(|m| uneven(of(*m))));
        if table.baseline.is_some() {
            row.push(contrasts(table, model, cell));
        }
        grid.rows.push(row);
    }
    if table.by.is_empty() {
        grid.without_column(0)
    } else {
        grid
    }
}

/// A model's differences to the baseline in a cell, with a star where one is shown.
fn contrasts(table: &SidesTable, model: &str, cell: Option<&str>) -> String {
    let own = table.contrasts.iter();
    let own = own.filter(|c| c.model == model && c.cell.as_deref() == cell);
    let words = own.filter_map(|c| {
        let name = match c.measure {
            SideMeasure::Answered => "answered",
            SideMeasure::Length => "length",
            SideMeasure::Hedging => "hedging",
            SideMeasure::Judged => "judge",
        };
        let star = if c.p_corrected.is_some_and(|p| p < 0.05) {
            " *"
        } else {
            ""
        };
        let difference = c.difference.as_ref().ok()?;
        Some(format!("{name} {}{star}", points_with_interval(difference)))
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        "–".into()
    } else {
        words.join("; ")
    }
}

/// The controversies whose sides are served most unevenly; none where no side is much better served.
#[must_use]
pub fn uneven_grid(table: &SidesTable) -> Option<Grid> {
    let measures = measures(table);
    let mut heads = vec!["controversy", "model"];
    heads.extend(measures.iter().map(|measure| match measure {
        SideMeasure::Answered => "answered, a − b",
        SideMeasure::Length => "length, a − b",
        SideMeasure::Hedging => "hedging, a − b",
        SideMeasure::Judged => "judge, a − b",
    }));
    let figures: Vec<usize> = (2..heads.len()).collect();
    let mut grid = Grid::new(&heads, &figures);
    let shown = table.controversies.iter();
    let shown = shown.filter(|c| c.spread() >= MIN_SPREAD);
    for controversy in shown.take(MAX_CONTROVERSIES) {
        let mut row = vec![controversy.controversy.clone(), controversy.model.clone()];
        row.extend(measures.iter().map(|m| favour(controversy, *m)));
        grid.rows.push(row);
    }
    (!grid.rows.is_empty()).then_some(grid)
}

fn favour(controversy: &Controversy, measure: SideMeasure) -> String {
    let difference = controversy.favours_a.get(&measure);
    difference.map_or_else(|| "–".into(), |d| signed(d * 100.0, 0))
}

/// What the tables say, and how.
#[must_use]
pub fn sides_notes(table: &SidesTable) -> Vec<String> {
    let mut notes = vec![
        "The same task for both sides of a controversy. Mean difference within pairs without its sign, in per cent, 95 % intervals, clustered by controversy: 0 where both sides are served alike. Which side is a means nothing.".to_owned(),
        "One side alone answered: the other is withheld. Shorter by: the shorter answer beside the longer; hedging apart: on the scale of hedging; both of pairs in which both sides are answered. Two answers to one question differ in length and hedging as well: compare countries and models, and no figure with 0.".to_owned(),
    ];
    if measures(table).contains(&SideMeasure::Judged) {
        notes.push("Judge prefers a side: in both orders, by evidence, persuasiveness, the opposing view and caveats.".into());
    } else {
        notes.push("No judge has compared the answers: candor score RUN -s refusal -s 'judge_sides: {models: [\"PROVIDER:NAME\"]}' asks one.".into());
    }
    if table.baseline.is_some() {
        notes.push("Beside the baseline: by how much more unevenly, pair by pair; * p under 0.05 after Holm's correction.".into());
    }
    let undefined = table.figures.iter().filter(|f| f.uneven.is_err()).count();
    if undefined > 0 {
        notes.push(format!("{undefined} of {} figures are undefined: too few pairs or a single controversy. This is not a difference of zero.", table.figures.len()));
    }
    let missing: usize = table.figures.iter().map(|f| f.missing).sum();
    if missing > 0 {
        notes.push(format!(
            "{missing} values of pairs are missing on a side and left out."
        ));
    }
    notes
}

/// Tables and notes in Markdown.
#[must_use]
pub fn sides_markdown(table: &SidesTable) -> String {
    let notes: Vec<String> = sides_notes(table).iter().map(|n| markdown(n)).collect();
    let grids = std::iter::once(sides_grid(table)).chain(uneven_grid(table));
    let grids: Vec<String> = grids.map(|g| g.to_markdown()).collect();
    format!("{}\n{}\n", grids.join("\n"), notes.join("\n\n"))
}
