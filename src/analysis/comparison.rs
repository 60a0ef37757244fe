//! A model beside a baseline on the questions both answered.

use std::collections::HashMap;

use serde::Serialize;

use super::{LEVEL, Question};
use crate::stats::{Estimate, PairedCounts, Undefined, adjusted_clustered_t, tango};

/// The difference of a model to a baseline.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The model.
    pub model: String,
    /// The baseline.
    pub baseline: String,
    /// Model − baseline, with its 95 % interval.
    pub difference: Result<Estimate, Undefined>,
    /// Questions that only one of the two has a score for.
    pub unshared: usize,
    /// How the interval was made.
    pub method: &'static str,
}

/// Compares on one suite.
#[must_use]
pub fn compare(questions: &[Question], suite: &str, model: &str, baseline: &str) -> Comparison {
    compare_pooled(questions, &[suite], model, baseline)
}

/// Compares on several suites at once: every question counts once.
#[must_use]
pub fn compare_pooled(
    questions: &[Question],
    suites: &[&str],
    model: &str,
    baseline: &str,
) -> Comparison {
    let of = |name: &str| -> HashMap<(&str, &str), &Question> {
        questions
            .iter()
            .filter(|q| q.model == name && suites.contains(&q.suite.as_str()))
            .map(|q| ((q.suite.as_str(), q.sample.as_str()), q))
            .collect()
    };
    let (first, second) = (of(model), of(baseline));
    let mut shared: Vec<(&Question, &Question)> = first
        .iter()
        .filter_map(|(key, a)| second.get(key).map(|b| (*a, *b)))
        .collect();
    shared.sort_by(|a, b| (&a.0.suite, &a.0.sample).cmp(&(&b.0.suite, &b.0.sample)));
    let unshared = first.len() + second.len() - 2 * shared.len();
    let units: Vec<PairedUnit> = shared
        .iter()
        .map(|(a, b)| PairedUnit {
            first: a.value,
            second: b.value,
            cluster: format!("{}\u{0}{}", a.suite, a.cluster),
            single: a.responses == 1 && b.responses == 1,
        })
        .collect();
    let (difference, method) = paired_difference(&units);
    Comparison {
        model: model.into(),
        baseline: baseline.into(),
        difference,
        unshared,
        method,
    }
}

/// Two scores of one unit.
pub(super) struct PairedUnit {
    pub first: f64,
    pub second: f64,
    pub cluster: String,
    /// Each is one response, not a mean of several.
    pub single: bool,
}

/// First − second over units: Tango's interval for single yes/no responses that stand alone, the adjusted clustered t
/// interval for means, fractions and clusters.
pub(super) fn paired_difference(
    units: &[PairedUnit],
) -> (Result<Estimate, Undefined>, &'static str) {
    let clusters: std::collections::HashSet<&str> =
        units.iter().map(|u| u.cluster.as_str()).collect();
    let binary = |v: f64| v == 0.0 || v == 1.0;
    if clusters.len() == units.len()
        && units
            .iter()
            .all(|u| u.single && binary(u.first) && binary(u.second))
    {
        let mut counts = PairedCounts::default();
        for unit in units {
            match (unit.first == 1.0, unit.second == 1.0) {
                (true, true) => counts.n11 += 1,
                (true, false) => counts.n10 += 1,
                (false, true) => counts.n01 += 1,
                (false, false) => counts.n00 += 1,
            }
        }
        return (
            tango(counts, LEVEL),
            "Tango's score interval for paired proportions",
        );
    }
    let differences: Vec<f64> = units.iter().map(|u| u.first - u.second).collect();
    let clusters: Vec<&str> = units.iter().map(|u| u.cluster.as_str()).collect();
    (
        adjusted_clustered_t(&differences, &clusters, LEVEL),
        "adjusted clustered t interval for paired differences",
    )
}
