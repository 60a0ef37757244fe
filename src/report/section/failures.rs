//! Why trials have no answer: per model and suite the classes of errors, each with its first message.

use std::collections::BTreeMap;

use super::Part;
use super::tables::{Table, Tables};
use crate::report::address::Trials;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::store::{Filter, TrialStatus, column};
use crate::text::excerpt;

/// Maximum number of characters of a message.
const EXCERPT_CHARACTERS: usize = 240;

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    if report.cells.iter().all(|cell| cell.failed == 0) {
        return Ok(None);
    }
    let failed = Filter::all().is(column::STATUS, TrialStatus::Error.name());
    let columns = [
        column::MODEL,
        column::SUITE,
        column::ERROR_CLASS,
        column::ERROR,
    ];
    let trials = report.data.trials(&columns, &failed)?;
    let [models, suites, classes, messages] = columns.map(|c| trials.texts(c));
    let (models, suites, classes, messages) = (models?, suites?, classes?, messages?);
    let mut found: BTreeMap<[&str; 3], (usize, &str)> = BTreeMap::new();
    for row in 0..trials.height() {
        let [model, suite, class] =
            [&models, &suites, &classes].map(|t| t.get(row).unwrap_or_default());
        let message = messages.get(row).unwrap_or_default();
        found.entry([model, suite, class]).or_insert((0, message)).0 += 1;
    }
    let heads = ["Model", "Suite", "Class", "Trials", "First message"];
    let mut grid = Grid::new(&heads, &[3]);
    let mut links = Vec::new();
    for ([model, suite, class], (n, message)) in found {
        grid.rows.push(vec![
            model.to_owned(),
            suite.to_owned(),
            class.replace('_', " "),
            n.to_string(),
            excerpt(message, EXCERPT_CHARACTERS),
        ]);
        let own = Trials::of_suite(suite).by(model).with_verdict("failed");
        links.push(Some(if class.is_empty() {
            own
        } else {
            own.with_label(class)
        }));
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
