//! What providers blocked, and what a platform withholds that the baseline answers.

use super::tables::{Table, Tables};
use crate::analysis::{Attribution, attributions};
use crate::report::figures::count;
use crate::report::gap::attribution_note;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    let mut blocks = Grid::new(&["Model", "Kind", "Answers", "Provider's message"], &[2]);
    let mut blocked_at_all = false;
    for detected in report.detected()? {
        blocked_at_all |= !detected.blocks.is_empty();
        for (kind, (n, words)) in &detected.blocks {
            let row = [
                detected.model.clone(),
                kind.replace('_', " "),
                n.to_string(),
                words.clone(),
            ];
            blocks.rows.push(row.to_vec());
        }
    }
    if !blocked_at_all {
        return Ok(None);
    }
    let mut found = Tables::default();
    found.grids.push(Table::of("Blocked by a provider", blocks));
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
