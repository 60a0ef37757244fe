//! Canned answers with their texts.

use super::Part;
use super::tables::{Table, Tables};
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::suite::Kind;
use crate::text::excerpt;

/// Maximum number of texts per model.
const MAX_TEXTS: usize = 8;
/// Maximum number of characters of a text.
const EXCERPT_CHARACTERS: usize = 400;

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    if report.data.suites.iter().all(|s| s.kind != Kind::Audit) {
        return Ok(None);
    }
    let mut grid = Grid::new(&["Model", "Questions", "Answers", "Words"], &[1, 2]);
    for detected in report.detected()? {
        for canned in detected.canned.iter().take(MAX_TEXTS) {
            let text = excerpt(&canned.text, EXCERPT_CHARACTERS);
            let row = [
                detected.model.clone(),
                canned.questions.to_string(),
                canned.answers.to_string(),
                text,
            ];
            grid.rows.push(row.to_vec());
        }
    }
    if grid.rows.is_empty() {
        return Ok(None);
    }
    let found = Tables {
        grids: vec![Table::of("", grid)],
        notes: vec![format!(
            "Answers at least 80 % alike (Jaccard similarity of character 5-grams, found by MinHash) that three or more different questions received; phrasings of one event count once. At most {MAX_TEXTS} per model."
        )],
        ..Tables::default()
    };
    found.render(report)
}
