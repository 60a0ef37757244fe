//! Why trials have no answer: per model and suite the classes of errors, each with its first message.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::failed_trials;
use crate::report::address::Trials;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::text::excerpt;

/// Maximum number of characters of a message.
const EXCERPT_CHARACTERS: usize = 240;

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    if report.cells.iter().all(|cell| cell.failed == 0) {
        return Ok(None);
    }
    let heads = ["Model", "Suite", "Class", "Trials", "First message"];
    let mut grid = Grid::new(&heads, &[3]);
    let mut links = Vec::new();
    for kind in failed_trials(&report.data)? {
        let own = Trials::of_suite(&kind.suite)
            .by(&kind.model)
            .with_verdict("failed");
        links.push(Some(if kind.class.is_empty() {
            own
        } else {
            own.with_label(&kind.class)
        }));
        grid.rows.push(vec![
            kind.model,
            kind.suite,
            kind.class.replace('_', " "),
            kind.trials.to_string(),
            excerpt(&kind.message, EXCERPT_CHARACTERS),
        ]);
    }
    let found = Tables {
        grids: vec![Table::of("", grid).linked(3, links)],
        notes: vec![
            "A failed trial says nothing about its model: it has no score and is in no rate. \
             candor run --resume asks again what failed."
                .into(),
        ],
        ..Tables::default()
    };
    found.render(report)
}
