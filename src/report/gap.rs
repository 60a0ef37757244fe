//! Gaps, and differences of gaps between models, as a table.

use super::address::Trials;
use super::figures::{bracket, p_value, percent, points, points_with_interval};
use super::table::{Grid, markdown};
use super::unable::unable_sentence;
use crate::analysis::{
    Attribution, GapContrast, GapFigure, GapKind, GapTable, Unable, VALUE_SEPARATOR,
};

/// With more models than this, each gets rows instead of a column.
const MAX_COLUMNS: usize = 4;

/// The table: one row per cell and one column per model, or, for many models, one row per cell and model with both sides.
#[must_use]
pub fn gap_grid(table: &GapTable) -> Grid {
    let mut models: Vec<&str> = table.gaps.iter().map(|g| g.model.as_str()).collect();
    models.dedup();
    if models.len() > MAX_COLUMNS {
        every_gap(table)
    } else {
        wide(table, &models)
    }
}

fn cell_name(cell: Option<&String>) -> String {
    cell.cloned().unwrap_or_else(|| "all".into())
}

/// Stars for a p after correction.
fn stars(p: Option<f64>) -> &'static str {
    match p {
        Some(p) if p < 0.001 => " ***",
        Some(p) if p < 0.01 => " **",
        Some(p) if p < 0.05 => " *",
        _ => "",
    }
}

/// A gap with its interval, its stars and the shares it is the difference of.
fn format_gap(gap: &GapFigure) -> String {
    match &gap.gap {
        Ok(estimate) => format!(
            "{}{} ({} − {})",
            points_with_interval(estimate),
            stars(gap.p_corrected),
            percent(gap.first),
            percent(gap.second)
        ),
        Err(why) => format!("– ({why})"),
    }
}

/// The difference of a model's gap from the baseline's, with its interval and its stars.
fn contrast(table: &GapTable, model: &str, cell: Option<&String>) -> String {
    let of = |c: &&GapContrast| c.model == model && c.cell.as_ref() == cell;
    match table.contrasts.iter().find(of).map(|c| (&c.difference, c)) {
        None => "–".into(),
        Some((Ok(d), c)) => format!("{}{}", points_with_interval(d), stars(c.p_corrected)),
        Some((Err(why), _)) => format!("– ({why})"),
    }
}

fn wide(table: &GapTable, models: &[&str]) -> Grid {
    let others: Vec<&&str> = models
        .iter()
        .filter(|m| table.baseline.as_ref().is_some_and(|b| b != **m))
        .collect();
    let mut heads = vec![table.by.join(" · "), "n".into()];
    heads.extend(models.iter().map(|m| (*m).to_owned()));
    if let Some(baseline) = &table.baseline {
        heads.extend(others.iter().map(|m| format!("{m} − {baseline}")));
    }
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let mut grid = Grid::new(&heads, &[1]);
    let mut cells: Vec<Option<&String>> = Vec::new();
    for gap in &table.gaps {
        if !cells.contains(&gap.cell.as_ref()) {
            cells.push(gap.cell.as_ref());
        }
    }
    for cell in cells {
        let of = |model: &str| {
            table
                .gaps
                .iter()
                .find(|g| g.model == model && g.cell.as_ref() == cell)
        };
        let n = models.iter().filter_map(|m| Some(of(m)?.pairs)).max();
        let mut row = vec![cell_name(cell), n.unwrap_or(0).to_string()];
        row.extend(
            models
                .iter()
                .map(|m| of(m).map_or_else(|| "–".into(), format_gap)),
        );
        row.extend(others.iter().map(|m| contrast(table, m, cell)));
        grid.rows.push(row);
    }
    grid
}

/// One row per cell and model, with both sides.
#[must_use]
pub fn every_gap(table: &GapTable) -> Grid {
    let by = table.by.join(" · ");
    let sides = match table.kind {
        GapKind::Controls => ["withheld %", "controls withheld %"],
        GapKind::Pairs => ["score %", "controls' score %"],
        GapKind::Values => ["first withheld %", "second withheld %"],
        GapKind::ValueScores => ["first score %", "second score %"],
    };
    let mut heads = vec![
        by.as_str(),
        "model",
        sides[0],
        sides[1],
        "gap",
        "95 % interval",
        "p (Holm)",
        "odds ratio",
        "n",
    ];
    let difference = table.baseline.as_ref().map(|b| format!("− {b}"));
    heads.extend(difference.as_deref());
    let mut grid = Grid::new(&heads, &[2, 3, 4, 6, 7, 8]).spare(&[
        "odds ratio",
        "n",
        "p (Holm)",
        sides[1],
        sides[0],
    ]);
    let dash = || "–".to_owned();
    let level = |share: f64| {
        if share.is_finite() {
            percent(share)
        } else {
            dash()
        }
    };
    for gap in &table.gaps {
        let (value, interval) = match &gap.gap {
            Ok(e) => (points(e.value), bracket(e.interval)),
            Err(why) => (dash(), why.to_string()),
        };
        let mut row = vec![
            cell_name(gap.cell.as_ref()),
            gap.model.clone(),
            level(gap.first),
            level(gap.second),
            value,
            interval,
            gap.p_corrected.map_or_else(dash, p_value),
            gap.odds_ratio
                .map_or_else(dash, |(ratio, _)| format!("{ratio:.1}")),
            gap.pairs.to_string(),
        ];
        if difference.is_some() {
            row.push(match table.baseline.as_ref() {
                Some(baseline) if *baseline == gap.model => "baseline".into(),
                _ => contrast(table, &gap.model, gap.cell.as_ref()),
            });
        }
        grid.rows.push(row);
    }
    if table.by.is_empty() {
        grid.without_column(0)
    } else {
        grid
    }
}

/// The trials behind a gap: those of complete pairs, in its cell.
#[must_use]
pub(super) fn gap_trials(table: &GapTable, gap: &GapFigure, suites: &[&str]) -> Trials {
    let own = Trials::of_suites(suites.iter().copied()).by(&gap.model);
    match (&gap.between, &gap.cell, table.by.as_slice()) {
        (Some((first, second)), _, [by]) => own.between(by, first, second),
        (None, Some(cell), [by]) => own.in_group(by, cell).in_pairs(),
        (None, Some(cell), [first, second]) => match cell.rsplit_once(VALUE_SEPARATOR) {
            Some((a, b)) => own.in_group(first, a).in_group(second, b).in_pairs(),
            None => own.in_pairs(),
        },
        _ => own.in_pairs(),
    }
}

/// What the table shows, and how it was computed; and what its models were unable to answer, which is in no gap.
#[must_use]
pub fn gap_notes(table: &GapTable, unable: &[Unable]) -> Vec<String> {
    let mut notes = vec![match table.kind {
        GapKind::Controls => "Answers withheld on sensitive questions beyond their matched \
            controls: points, 95 % intervals, clustered. Positive: more is \
            withheld on the sensitive questions."
            .into(),
        GapKind::Pairs => "Scores on sensitive questions versus their matched controls: \
            sensitive − control, in points, 95 % intervals, clustered."
            .to_owned(),
        GapKind::Values => "The same questions with two values of the stratum, paired: share \
            withheld on the first − share withheld on the second, in points, 95 % \
            intervals. Positive: more is withheld on the first."
            .to_owned(),
        GapKind::ValueScores => {
            "The same questions with two values of the stratum, paired: score of \
            the first − score of the second, in points, 95 % intervals."
                .to_owned()
        }
    }];
    notes.push(format!(
        "Stars and p after Holm's correction for {} comparisons: *** under 0.001, ** 0.01, * 0.05. The shares on both sides are given next to each gap, in percent.",
        table.looks
    ));
    let significant = |p: Option<f64>| p.is_some_and(|p| p < 0.05);
    let cells = || table.gaps.iter().filter(|g| g.cell.is_some());
    let defined = cells().filter(|g| g.gap.is_ok()).count();
    let quiet = cells().filter(|g| g.gap.is_ok() && !significant(g.p_corrected));
    let quiet = quiet.count();
    if quiet > 0 {
        notes.push(format!(
            "{quiet} of {defined} gaps do not differ significantly from zero after the correction."
        ));
    }
    let undefined = table.gaps.iter().filter(|g| g.gap.is_err()).count();
    if undefined > 0 {
        notes.push(format!(
            "{undefined} of {} gaps are undefined: too few pairs or a single cluster. This is not a gap of zero.",
            table.gaps.len()
        ));
    }
    let missing: usize = table.gaps.iter().map(|g| g.missing).sum();
    if missing > 0 {
        let which = if table.kind.compares_scores() {
            "; they can include answers that a provider blocked"
        } else {
            ": failed, unable, unsure, or cut too short to tell"
        };
        notes.push(format!(
            "{missing} pairs lack a score on one side and are excluded{which}."
        ));
    }
    notes.extend(unable_sentence(unable));
    let platforms = table.attributions.iter().filter(|a| a.shows_a_platform());
    notes.extend(platforms.map(attribution_note));
    notes.push(
        match table.kind {
            GapKind::Pairs => {
                "A gap shows that scores differ where only the sensitive words do, not why."
            }
            GapKind::ValueScores => "A gap shows that scores differ between the values, not why.",
            _ => "A gap shows that answers are withheld, not why, and not by whose decision.",
        }
        .into(),
    );
    notes
}

/// What a model withholds and the baseline answers, in one sentence.
#[must_use]
pub(super) fn attribution_note(found: &Attribution) -> String {
    let Attribution {
        model,
        baseline,
        both,
        baseline_alone,
        ..
    } = found;
    let (alone, n) = (found.alone(), found.questions);
    let parts = found.model_alone.iter();
    let parts: Vec<String> = parts
        .map(|(how, count)| format!("{count} {}", how.description()))
        .collect();
    let by = if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    };
    let kept = match found.kept {
        0 => String::new(),
        kept => {
            format!(" The text of {kept} answers before they were retracted is in the transcripts.")
        }
    };
    let empties = if found.rests_on_empties() {
        " Empty answers are all that suggests a platform's filter, and an overloaded host sends the same."
    } else {
        ""
    };
    format!(
        "Of {n} questions, {model} withholds {alone} that {baseline} answers{by}. Both withhold {both}; {baseline} alone, {baseline_alone}.{kept}{empties}"
    )
}

/// Table and notes in Markdown.
#[must_use]
pub fn gap_markdown(table: &GapTable, unable: &[Unable]) -> String {
    let notes = gap_notes(table, unable);
    let notes: Vec<String> = notes.iter().map(|n| markdown(n)).collect();
    format!(
        "{}\n{}\n",
        gap_grid(table).to_markdown(),
        notes.join("\n\n")
    )
}
