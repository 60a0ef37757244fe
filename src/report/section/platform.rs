//! What providers blocked, and what a platform withholds that the baseline answers.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{Attribution, Detected, attributions_of};
use crate::report::address::Trials;
use crate::report::figures::count;
use crate::report::gap::attribution_note;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::run::ContrastKind;

/// Blocks by their kind, with what the providers said.
fn blocks(all: &[Detected]) -> Table {
    let mut grid = Grid::new(
        &[
            "Model",
            "Kind",
            "Answers",
            "Categories",
            "Provider's message",
        ],
        &[2],
    );
    let mut links = Vec::new();
    for detected in all {
        for (kind, (n, words)) in &detected.blocks {
            let categories = detected.categories.get(kind).into_iter().flatten();
            let categories: Vec<String> = categories.map(|(c, n)| format!("{c} {n}")).collect();
            let row = [
                detected.model.clone(),
                kind.replace('_', " "),
                n.to_string(),
                categories.join(", "),
                words.clone(),
            ];
            grid.rows.push(row.to_vec());
            let own = Trials::of_suites([]).by(&detected.model);
            links.push((detected.blocks.len() == 1).then(|| own.with_verdict("blocked")));
        }
    }
    Table::of("Blocked by a provider", grid).linked(2, links)
}

/// Answers that came empty, by model and route.
fn empties(all: &[Detected]) -> Grid {
    let heads = [
        "Model",
        "Route",
        "Withheld (empty)",
        "Filled on asking again",
    ];
    let mut grid = Grid::new(&heads, &[2, 3]);
    for detected in all {
        for (route, found) in &detected.empties {
            let row = [
                detected.model.clone(),
                route.clone().unwrap_or_else(|| "–".into()),
                found.withheld.to_string(),
                found.filled.to_string(),
            ];
            grid.rows.push(row.to_vec());
        }
    }
    grid
}

/// Weights, and the models that are held against them: all others against those that ran without a platform, and the platforms that
/// candor.toml declares against theirs.
fn compared(report: &Report) -> Vec<(&str, Vec<&str>)> {
    let data = &report.data;
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    if let Some(weights) = report.weights.as_deref() {
        all.push((weights, data.names().filter(|m| *m != weights).collect()));
    }
    let declared = report.contrasts.iter();
    for contrast in declared.filter(|c| c.kind == ContrastKind::Platform) {
        let (Ok(model), Ok(weights)) = (data.model(&contrast.model), data.model(&contrast.of))
        else {
            continue;
        };
        match all.iter_mut().find(|(own, _)| *own == weights) {
            Some((_, models)) if models.contains(&model) => {}
            Some((_, models)) => models.push(model),
            None => all.push((weights, vec![model])),
        }
    }
    all
}

/// What platforms withhold that their weights answer; and for how many models nothing marks it as a platform's.
fn withheld(
    report: &Report,
    weights: &str,
    models: &[&str],
    found: &mut Tables,
) -> Result<usize, ReportError> {
    let mut held = attributions_of(&report.data, &report.asked, models, weights)?;
    let all = held.len();
    held.retain(Attribution::shows_a_platform);
    let mut grid = Grid::new(&["Model", "How", "Questions"], &[2]);
    for attribution in &held {
        for (how, n) in &attribution.model_alone {
            let row = [
                attribution.model.clone(),
                how.description().to_owned(),
                n.to_string(),
            ];
            grid.rows.push(row.to_vec());
        }
        found.notes.push(attribution_note(attribution));
    }
    if !grid.rows.is_empty() {
        let caption = format!("Withheld where {weights} answers");
        found.grids.push(Table::of(&caption, grid));
    }
    Ok(all - held.len())
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let detected = report.detected()?;
    let empties = empties(detected);
    let blocked = detected.iter().any(|d| !d.blocks.is_empty());
    let mut declared = report.contrasts.iter();
    let is_declared = declared.any(|c| c.kind == ContrastKind::Platform);
    if !blocked && empties.rows.is_empty() && !is_declared {
        return Ok(None);
    }
    let mut found = Tables::default();
    if blocked {
        found.grids.push(blocks(detected));
    }
    if !empties.rows.is_empty() {
        found.grids.push(Table::of("Empty answers", empties));
        found.notes.push(
            "An overloaded host sends empty answers too. Each was asked for again alone: one that was filled counts as it came then, one \
            that stayed empty counts as withheld."
                .into(),
        );
    }
    let compared = compared(report);
    if compared.is_empty() {
        found.notes.push(
            "A block is what the provider itself reports. What the weights alone \
            would have answered is unknown here: name the model that ran without \
            a platform with --baseline MODEL to list which of its answers each \
            platform withholds."
                .into(),
        );
    }
    for (weights, models) in compared {
        let unmarked = withheld(report, weights, &models, &mut found)?;
        found.notes.push(format!(
            "A block is what the provider itself reports, or an empty or canned answer where {weights} answers the same question; for {} nothing marks an answer as withheld by the platform. The attribution holds only if both are the same model; the effect of a platform's system prompt cannot be distinguished from the model's own words.",
            count(unmarked, "other model")
        ));
    }
    found.render(report)
}
