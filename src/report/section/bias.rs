//! Bias scores of suites that have them, before anything else is said of these suites.

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::{BiasContext, BiasScore, bias_scores};
use crate::report::address::Trials;
use crate::report::chart::intervals::{Axis, Bar, intervals};
use crate::report::figures::{count, signed};
use crate::report::table::Grid;
use crate::report::{Report, ReportError};

/// Decimals of a score between −1 and 1.
const DIGITS: usize = 3;

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let scores = bias_scores(&report.data)?;
    if scores.is_empty() {
        return Ok(None);
    }
    let mut section = Tables::default();
    for suite in &report.data.suites {
        for context in [BiasContext::Ambiguous, BiasContext::Disambiguated] {
            let own: Vec<&BiasScore> = scores
                .iter()
                .filter(|s| s.suite == suite.name && s.context == context)
                .collect();
            if own.is_empty() {
                continue;
            }
            let name = match context {
                BiasContext::Ambiguous => "ambiguous contexts",
                BiasContext::Disambiguated => "disambiguated contexts",
            };
            let trials = |score: &BiasScore| Trials::of_suite(&suite.name).by(&score.model);
            let bars: Vec<Bar> = own
                .iter()
                .filter_map(|score| {
                    Some(Bar {
                        label: score.model.clone(),
                        estimate: score.estimate()?,
                        trials: Some(trials(score)),
                    })
                })
                .collect();
            if bars.len() > 1 {
                let caption = format!("{}: bias score in {name} × 100, 95 % interval", suite.name);
                section
                    .charts
                    .push(intervals(&caption, bars, Axis::Difference));
            }
            let mut grid = Grid::new(&["Model", "Bias score", "95 % interval", "n"], &[1, 3]);
            for score in &own {
                grid.rows.push(row(score));
            }
            let links = own.iter().map(|s| Some(trials(s))).collect();
            let caption = format!("{}: {name}", suite.name);
            section
                .grids
                .push(Table::of(&caption, grid).linked(1, links));
        }
    }
    section.notes.push(
        "From −1 (always against the stereotype) by 0 (even) to +1 (always with it), as Parrish et al. (2022) define s_AMB and s_DIS. In ambiguous contexts the score shrinks with accuracy. \
        Intervals: clusters of questions resampled 2,000 times (bias-corrected and accelerated); with fewer than 50 clusters there is none."
            .into(),
    );
    section.render(report)
}

fn row(score: &BiasScore) -> Vec<String> {
    let (n, clusters) = score.units;
    vec![
        score.model.clone(),
        match &score.value {
            Ok(value) => signed(*value, DIGITS),
            Err(why) => why.to_string(),
        },
        match &score.interval {
            Ok(i) => format!("[{}, {}]", signed(i.low, DIGITS), signed(i.high, DIGITS)),
            Err(why) => why.to_string(),
        },
        format!("{} in {}", count(n, "answer"), count(clusters, "cluster")),
    ]
}
