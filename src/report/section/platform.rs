//! What providers blocked, and what a platform withholds that the baseline answers.

use std::collections::BTreeMap;

use super::tables::{Table, Tables};
use crate::analysis::{Attribution, attributions};
use crate::report::gap::attribution_note;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::score::block;

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    let mut blocks = Grid::new(&["Model", "Kind", "Answers", "The provider's words"], &[2]);
    let mut blocked_at_all = false;
    for model in report.data.names() {
        let mut kinds: BTreeMap<&str, (usize, String)> = BTreeMap::new();
        for answer in report.data.answers(model)? {
            if let Some((kind, words)) = block(&answer.completion) {
                kinds.entry(kind.name()).or_insert((0, words)).0 += 1;
            }
        }
        blocked_at_all |= !kinds.is_empty();
        for (kind, (n, words)) in kinds {
            let row = [
                model.to_owned(),
                kind.replace('_', " "),
                n.to_string(),
                words,
            ];
            blocks.rows.push(row.to_vec());
        }
    }
    if !blocked_at_all {
        return Ok(None);
    }
    let mut found = Tables::default();
    found.grids.push(Table::of("Blocked by a provider", blocks));
    let mut held = attributions(&report.data, &report.asked, &report.baseline)?;
    held.retain(Attribution::shows_a_platform);
    let mut grid = Grid::new(&["Model", "How", "Questions"], &[2]);
    for attribution in &held {
        for (how, n) in &attribution.model_alone {
            let row = [
                attribution.model.clone(),
                how.told().to_owned(),
                n.to_string(),
            ];
            grid.rows.push(row.to_vec());
        }
        found.notes.push(attribution_note(attribution));
    }
    if !grid.rows.is_empty() {
        let caption = format!("Withheld where {} answers", report.baseline);
        found.grids.push(Table::of(&caption, grid));
    }
    found.notes.push("A block is what a provider says of itself, or an empty or canned answer where the baseline's weights answer the same question. It is the platform's only as far as the two are the same model; a system prompt of the platform looks like the model's own words.".into());
    found.render(report)
}
