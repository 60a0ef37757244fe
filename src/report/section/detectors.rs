//! Languages, reasoning, lengths, official lines and key facts over the whole run.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{Count, FactRow, LANGUAGES_READ, Readings, facts, readings_by_model};
use crate::report::figures::{percent, thousands};
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::score::Reading;
use crate::store::{Filter, column};
use crate::suite::Kind;

/// Facts shown: those that models differ in most.
const MAX_FACTS: usize = 15;

#[allow(clippy::cast_precision_loss)]
fn share(count: Count) -> String {
    if count.of == 0 {
        return "–".into();
    }
    let share = percent(count.found as f64 / count.of as f64);
    format!("{share} % ({} of {})", count.found, count.of)
}

/// Answers whose key facts were read by rules alone.
fn read_by_rules(report: &Report) -> Result<usize, ReportError> {
    let by_rules = Filter::all()
        .is(column::SCORER, "key_facts")
        .is(column::METRIC, "recall")
        .is(column::LABELLED_BY, "rules");
    let scores = report.data.scores(&[column::LABELLED_BY], &by_rules)?;
    Ok(scores.height())
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    if report.data.suites.iter().all(|s| s.kind != Kind::Audit) {
        return Ok(None);
    }
    let heads = [
        "Model",
        "In another language",
        "No reasoning: sensitive",
        "No reasoning: control",
        "Collapsed",
        "Median length ratio",
        "Official lines",
    ];
    let mut grid = Grid::new(&heads, &[]);
    let dash = || "–".to_owned();
    for found in report.detected()? {
        let lines = found
            .official
            .iter()
            .map(|(government, n)| format!("{government} {n}"));
        let lines: Vec<String> = lines.collect();
        grid.rows.push(vec![
            found.model.clone(),
            share(found.wrong_language),
            found.suppressed_on_sensitive.map_or_else(dash, share),
            found.suppressed_on_control.map_or_else(dash, share),
            share(found.collapsed),
            found.length_ratio.map_or_else(dash, |r| format!("{r:.2}")),
            if lines.is_empty() {
                dash()
            } else {
                lines.join(", ")
            },
        ]);
    }
    let grid = grid.without_empty_columns();
    let has = |head: &str| grid.heads.iter().any(|own| own == head);
    let explained = [
        (
            "Collapsed",
            "Collapsed: a sensitive answer with less than a fifth of its control's characters, of controls with 200 or more.",
        ),
        (
            "No reasoning: sensitive",
            "No reasoning: for models that show reasoning in at least half of their answers.",
        ),
        (
            "Official lines",
            "Official lines: answers that contain 60 % of the character 5-grams of one of 44 sentences in the style of a government; with so \
            few sentences this is a hint, not a rate.",
        ),
    ];
    let explained = explained.into_iter().filter(|(head, _)| has(head));
    let note: Vec<&str> = explained.map(|(_, note)| note).collect();
    let mut notes: Vec<String> = (!note.is_empty())
        .then(|| note.join(" "))
        .into_iter()
        .collect();
    if report
        .detected()?
        .iter()
        .any(|d| d.answers > LANGUAGES_READ)
    {
        notes.push(format!(
            "Of a model with more than {n} answers, about {n} were read for their language, to the same questions for every model.",
            n = thousands(i64::try_from(LANGUAGES_READ).unwrap_or(i64::MAX))
        ));
    }
    let mut tables = vec![Table::of("", grid)];
    let mut read = facts(&report.data)?;
    if !read.is_empty() {
        tables.push(Table::of("Key facts", readings_grid(report, &read)));
        notes.push(
            "Key facts: how answers on sensitive questions stand to the facts of \
            their events. Affirmed: stated as true; denied: stated as untrue; \
            attributed: put into others' mouths and left there; absent: not \
            spoken of. Words that name a fact find it, and a reader of statements, \
            or judges that were named, read the sentences around them; whether \
            all else is true is not asked. Shares are not comparable between \
            languages: they were measured on too few cases of each."
                .into(),
        );
        let by_rules = read_by_rules(report)?;
        if by_rules > 0 {
            notes.push(format!(
                "Of {by_rules} answers the key facts were read by rules alone: there was \
                no reader, or it was not asked."
            ));
        }
    }
    // Facts that all models treat alike show no difference.
    if report.data.models.len() > 1 {
        read.retain(|fact| fact.spread() > 0.0);
    }
    if !read.is_empty() {
        read.truncate(MAX_FACTS);
        tables.push(Table::of(
            "Key facts on which models differ most",
            fact_grid(report, &read),
        ));
        notes.push(
            "Affirmed / denied / attributed / absent, in percent of a model's \
            answers on the event, over phrasings and languages."
                .into(),
        );
    }
    Tables {
        grids: tables,
        notes,
        ..Tables::default()
    }
    .render(report)
}

/// A line per model: the four shares.
fn readings_grid(report: &Report, rows: &[FactRow]) -> Grid {
    let heads = [
        "Model",
        "Facts read",
        "Affirmed",
        "Denied",
        "Attributed",
        "Absent",
    ];
    let mut grid = Grid::new(&heads, &[]);
    for (name, read) in report.data.names().zip(readings_by_model(rows)) {
        let Some(read) = read else { continue };
        let mut cells = vec![name.to_owned(), read.total().to_string()];
        cells.extend(Reading::ALL.map(|r| format!("{} %", percent(read.share(r)))));
        grid.rows.push(cells);
    }
    grid
}

fn fact_grid(report: &Report, rows: &[FactRow]) -> Grid {
    let mut heads = vec!["Event", "Fact"];
    heads.extend(report.data.names());
    let mut grid = Grid::new(&heads, &[]);
    for row in rows {
        let mut cells = vec![row.event.clone(), row.fact.clone()];
        cells.extend(
            row.read
                .iter()
                .map(|read| read.as_ref().map_or("–".into(), in_shares)),
        );
        grid.rows.push(cells);
    }
    grid
}

fn in_shares(read: &Readings) -> String {
    let shares = Reading::ALL.map(|r| percent(read.share(r)));
    format!("{} of {}", shares.join(" / "), read.total())
}
