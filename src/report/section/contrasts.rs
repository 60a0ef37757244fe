//! Versions, derivatives and platforms: differences between models that candor.toml declares to be kin.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{ContrastFigure, ContrastOf, contrasts};
use crate::report::address::Trials;
use crate::report::chart::intervals::{Axis, Bar, intervals};
use crate::report::figures::{p_value, points_with_interval};
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::run::ContrastKind;

/// Maximum number of rows in a chart; beyond it, the table is easier to read.
const MAX_BARS: usize = 60;

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let declared = &report.contrasts;
    let (figures, missing) = contrasts(&report.data, &report.asked, declared, report.estimand);
    let mut grid = Grid::new(
        &[
            "Contrast",
            "Difference",
            "Suite",
            "Of",
            "Points, 95 % interval",
            "p (Holm)",
            "n",
        ],
        &[4, 5, 6],
    );
    let mut links = Vec::new();
    for figure in &figures {
        grid.rows.push(row(figure));
        links.push(Some(trials(figure)));
    }
    let bars: Vec<Bar> = figures.iter().filter_map(bar).collect();
    let mut found = Tables::default();
    if !bars.is_empty() && bars.len() <= MAX_BARS {
        let caption = "Differences between declared kin, points, 95 % interval";
        found
            .charts
            .push(intervals(caption, bars, Axis::Difference));
    }
    if figures.is_empty() {
        return Ok(None);
    }
    found.grids.push(Table::of("", grid).linked(4, links));
    found.notes.push(
        "Which models are kin is declared under [[contrasts]] in candor.toml; nothing is inferred from names. Differences are paired \
        question by question, those of gaps pair by pair; p after Holm's correction over the table. Under withheld and gap, positive: the \
        first withholds more."
            .into(),
    );
    if !missing.is_empty() {
        found.notes.push(format!(
            "Declared, and not in these runs: {}.",
            missing.join(", ")
        ));
    }
    found.render(report)
}

fn kind(kind: ContrastKind) -> &'static str {
    match kind {
        ContrastKind::Version => "version",
        ContrastKind::Derivative => "derivative",
        ContrastKind::Platform => "platform",
    }
}

fn measure(of: ContrastOf) -> &'static str {
    match of {
        ContrastOf::Score => "score",
        ContrastOf::Withheld => "withheld",
        ContrastOf::Gap => "gap",
    }
}

fn row(figure: &ContrastFigure) -> Vec<String> {
    let dash = || "–".to_owned();
    vec![
        kind(figure.kind).into(),
        format!("{} − {}", figure.model, figure.of),
        figure.suite.clone(),
        measure(figure.measure).into(),
        match &figure.difference {
            Ok(difference) => points_with_interval(difference),
            Err(why) => format!("– ({why})"),
        },
        figure.p_corrected.map_or_else(dash, p_value),
        figure.shared.to_string(),
    ]
}

fn bar(figure: &ContrastFigure) -> Option<Bar> {
    let (of, suite) = (measure(figure.measure), &figure.suite);
    Some(Bar {
        label: format!("{} − {} · {suite}, {of}", figure.model, figure.of),
        estimate: figure.difference.ok()?,
        trials: Some(trials(figure)),
    })
}

/// The model's trials behind a difference, with the texts of both.
fn trials(figure: &ContrastFigure) -> Trials {
    let own = Trials::of_suite(&figure.suite).by(&figure.model);
    let own = match figure.measure {
        ContrastOf::Gap => own.shared_with(&figure.of).in_pairs(),
        ContrastOf::Score | ContrastOf::Withheld => own.shared_with(&figure.of),
    };
    own.showing(&figure.of).showing(&figure.model)
}
