//! A model beside a baseline on the questions both answered.

use std::collections::HashMap;

use serde::Serialize;

use super::{LEVEL, PairedTest, PairedUnit, Question};
use crate::stats::{Difference, Estimate, Undefined};

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
    let test = PairedTest::of(&units);
    Comparison {
        model: model.into(),
        baseline: baseline.into(),
        difference: test.and_then(|t| t.estimate(LEVEL)),
        unshared,
        method: test.map_or("", |t| t.method()),
    }
}
