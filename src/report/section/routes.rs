//! The same weights on several routes: each route's scores and empties, and the paired difference from the first.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{Measure, RouteArm, routes};
use crate::report::figures::{p_value, percent, points_with_interval};
use crate::report::table::Grid;
use crate::report::{Report, ReportError};

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let suites = report.data.suites.iter();
    // Differences of scores, as the column beside them has them.
    let suites: Vec<_> = suites.map(|s| (&*s.name, Measure::Score)).collect();
    let found = routes(&report.data, &report.asked, &suites, report.estimand)?;
    if found.is_empty() {
        return Ok(None);
    }
    let mut grid = Grid::new(
        &[
            "Model",
            "Suite",
            "Route",
            "Score",
            "Withheld (empty)",
            "Filled on asking again",
            "Difference from the first route",
            "p",
            "Questions shared",
        ],
        &[3, 4, 5, 6, 7, 8],
    );
    for route in &found {
        grid.rows.push(row(report, route));
    }
    let found = Tables {
        grids: vec![Table::of("Routes to the same weights", grid)],
        notes: vec![
            "Differences are paired by question, in points, with 95 % intervals and without a correction for several of them. The weights \
            are the same only as far as the hosts serve what they say."
                .into(),
        ],
        ..Tables::default()
    };
    found.render(report)
}

fn row(report: &Report, route: &RouteArm) -> Vec<String> {
    let mut cells = report.cells().iter();
    let cell = cells.find(|c| c.model == route.arm && c.suite == route.suite);
    let score = cell.and_then(|c| c.estimate.as_ref().ok());
    let of_difference = |figure: fn(&crate::analysis::Comparison) -> Option<String>| {
        let difference = route.difference.as_ref();
        difference.and_then(figure).unwrap_or_else(|| "–".into())
    };
    vec![
        route.model.clone(),
        route.suite.clone(),
        route.route.clone(),
        score.map_or_else(|| "–".into(), |s| format!("{} %", percent(s.value))),
        route.empties.withheld.to_string(),
        route.empties.filled.to_string(),
        of_difference(|d| d.difference.as_ref().ok().map(points_with_interval)),
        of_difference(|d| d.p.map(p_value)),
        of_difference(|d| Some(d.shared.to_string())),
    ]
}
