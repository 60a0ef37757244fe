//! The same weights on several routes: each route's scores and empties, and the paired difference from the first.

use std::collections::BTreeMap;

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{Comparison, Empties, compare};
use crate::report::figures::{p_value, percent, points_with_interval};
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::store::RouteOf;

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let mut models: BTreeMap<&str, Vec<(&str, &RouteOf)>> = BTreeMap::new();
    for record in &report.data.models {
        if let Some(route) = &record.route {
            let arms = models.entry(&route.model).or_default();
            arms.push((&record.identity.name, route));
        }
    }
    let heads = [
        "Model",
        "Suite",
        "Route",
        "Score",
        "Withheld (empty)",
        "Filled on asking again",
        "Difference from the first route",
        "p",
        "Questions shared",
    ];
    let mut grid = Grid::new(&heads, &[3, 4, 5, 6, 7, 8]);
    for (model, mut arms) in models {
        arms.sort_unstable_by_key(|(_, route)| &route.route);
        let Some((first, _)) = arms.first().copied().filter(|_| arms.len() > 1) else {
            continue;
        };
        for suite in &report.data.suites {
            for (arm, route) in &arms {
                let mut row = vec![model.to_owned(), suite.name.clone(), route.route.clone()];
                row.extend(own_figures(report, &suite.name, arm)?);
                row.extend(difference(report, &suite.name, arm, first));
                grid.rows.push(row);
            }
        }
    }
    if grid.rows.is_empty() {
        return Ok(None);
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

/// Score, and answers that stayed empty or were filled.
fn own_figures(report: &Report, suite: &str, arm: &str) -> Result<[String; 3], ReportError> {
    let cell = report
        .cells()
        .iter()
        .find(|c| c.model == arm && c.suite == suite);
    let score = cell.and_then(|c| c.estimate.as_ref().ok());
    let detected = report.detected()?.iter().find(|d| d.model == arm);
    let empties = detected.map(|d| d.empties.values());
    let sum = |count: fn(&Empties) -> usize| {
        let all = empties.clone().into_iter().flatten();
        all.map(count).sum::<usize>().to_string()
    };
    Ok([
        score.map_or_else(dash, |s| format!("{} %", percent(s.value))),
        sum(|e| e.withheld),
        sum(|e| e.filled),
    ])
}

/// The paired difference from the first route, its p, and the questions that both were asked.
fn difference(report: &Report, suite: &str, arm: &str, first: &str) -> [String; 3] {
    if arm == first {
        return [dash(), dash(), dash()];
    }
    let Comparison {
        difference,
        p,
        shared,
        ..
    } = compare(&report.asked, &[suite], arm, first, report.estimand);
    [
        difference
            .as_ref()
            .map_or_else(|_| dash(), points_with_interval),
        p.map_or_else(dash, p_value),
        shared.to_string(),
    ]
}

fn dash() -> String {
    "–".into()
}
