//! What providers blocked, and what a platform withholds that the baseline answers.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{Attribution, Detected, attributions};
use crate::report::address::Trials;
use crate::report::figures::count;
use crate::report::gap::attribution_note;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};

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

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let detected = report.detected()?;
    let empties = empties(detected);
    let blocked = detected.iter().any(|d| !d.blocks.is_empty());
    if !blocked && empties.rows.is_empty() {
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
    let weights = report.weights.as_deref();
    let mut held = match weights {
        Some(weights) => attributions(&report.data, &report.asked, weights)?,
        None => Vec::new(),
    };
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
        let caption = format!("Withheld where {} answers", weights.unwrap_or_default());
        found.grids.push(Table::of(&caption, grid));
    }
    found.notes.push(match weights {
        None => "A block is what the provider itself reports. What the weights alone \
            would have answered is unknown here: name the model that ran without \
            a platform with --baseline MODEL to list which of its answers each \
            platform withholds.".into(),
        Some(weights) => format!(
            "A block is what the provider itself reports, or an empty or canned answer where {weights} answers the same question; for {} nothing marks an answer as withheld by the platform. The attribution holds only if both are the same model; the effect of a platform's system prompt cannot be distinguished from the model's own words.",
            count(all - held.len(), "other model")
        ),
    });
    found.render(report)
}
