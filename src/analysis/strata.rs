//! Rates by stratum: what a heat map shows.

use std::collections::HashMap;

use serde::Serialize;

use super::mean_score::mean_score;
use super::{Dataset, Estimand, LEVEL, Question};
use crate::stats::{Estimate, Undefined};

/// A model's rate in one value of a stratum of a suite.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct StratumRate {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// The stratum's value.
    pub value: String,
    /// Questions with a score, whether or not they suffice for an interval.
    pub questions: usize,
    /// Mean of the primary metric with its 95 % interval.
    pub estimate: Result<Estimate, Undefined>,
}

/// Rates of every model in every value of a stratum, for the suites named.
#[must_use]
pub fn stratum_rates(
    data: &Dataset,
    questions: &[Question],
    suites: &[&str],
    stratum: &str,
) -> Vec<StratumRate> {
    let Some(at) = data.strata.iter().position(|s| s == stratum) else {
        return Vec::new();
    };
    let mut groups: HashMap<(&str, &str, &str), Vec<&Question>> = HashMap::new();
    for question in questions.iter().filter(|q| suites.contains(&&*q.suite)) {
        if let Some(value) = &question.strata[at] {
            groups
                .entry((&question.model, &question.suite, value))
                .or_default()
                .push(question);
        }
    }
    let mut rates: Vec<StratumRate> = groups
        .into_iter()
        .map(|((model, suite, value), questions)| StratumRate {
            model: model.into(),
            suite: suite.into(),
            value: value.into(),
            questions: questions.len(),
            estimate: mean_score(&questions, Estimand::Population, questions.len(), LEVEL),
        })
        .collect();
    rates.sort_by(|a, b| (&a.suite, &a.value, &a.model).cmp(&(&b.suite, &b.value, &b.model)));
    rates
}
