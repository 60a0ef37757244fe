//! A rule as something to bet on: values in [0, 1] of which more is better, and where their mean must lie.

use std::collections::{BTreeMap, HashMap};

use super::file::{Condition, Rule};
use super::measure::Measure;

/// A question of the plan, in the order drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// The suite.
    pub suite: String,
    /// The sample.
    pub sample: String,
    /// What it is drawn with.
    pub unit: String,
    /// Its match.
    pub pair: Option<String>,
    /// Whether it is a pair's sensitive side; none if it is not a side of a pair.
    pub sensitive: Option<bool>,
    /// What it is broken down by.
    pub strata: BTreeMap<String, String>,
}

/// The baseline's score of each question, by suite and sample.
pub(super) type BaseScores = HashMap<(String, String), f64>;

/// A question with what has come of it.
pub(super) struct Question {
    pub scheduled: Scheduled,
    pub trials: usize,
    /// A mean score per rule that reads it; gathered as sums and counts.
    pub sums: Vec<(f64, usize)>,
}

/// Where the true value must be on [0, 1], up is good; none for rules that no bets are made on.
pub(super) fn threshold(rule: &Rule) -> Option<f64> {
    match (&rule.measure, &rule.condition) {
        (measure, _) if measure.is_amount() => None,
        (_, Condition::MustPass(_)) | (Measure::Gap, Condition::AtLeast(_)) => None,
        (Measure::Gap, Condition::NotWorseBy(margin)) => Some(f64::midpoint(1.0, -margin / 2.0)),
        (_, Condition::NotWorseBy(margin)) => Some(f64::midpoint(1.0, -margin)),
        (Measure::Gap, Condition::AtMost(limit)) => Some(f64::midpoint(1.0, -limit)),
        (_, Condition::AtLeast(limit)) => Some(*limit),
        (_, Condition::AtMost(limit)) => Some(1.0 - limit),
    }
}

/// From [0, 1] back to the rule's own scale.
pub(super) fn on_rule_scale(rule: &Rule, y: f64) -> f64 {
    match (&rule.measure, &rule.condition) {
        (Measure::Gap, Condition::NotWorseBy(_)) => 2.0 * (2.0 * y - 1.0),
        (_, Condition::NotWorseBy(_)) => 2.0 * y - 1.0,
        (Measure::Gap, _) => 1.0 - 2.0 * y,
        (_, Condition::AtMost(_)) => 1.0 - y,
        _ => y,
    }
}

/// Whether a rule is about a question.
pub(super) fn concerns(rule: &Rule, question: &Scheduled) -> bool {
    rule.suites.contains(&question.suite)
        && rule.only.iter().all(|(name, values)| {
            question
                .strata
                .get(name)
                .is_some_and(|v| values.contains(v))
        })
}

/// Whether a question is in a cell: in the one cell of a rule without a stratum, else in that of its value.
pub(super) fn stands_in(rule: &Rule, question: &Scheduled, cell: Option<&String>) -> bool {
    match (&rule.by, cell) {
        (None, _) => true,
        (Some(by), cell) => cell.is_some() && question.strata.get(by) == cell,
    }
}

/// A cluster's questions or pairs as values in [0, 1], up is good: at their worst and at their best, which differ where a score is
/// missing.
#[allow(clippy::cast_precision_loss)]
pub(super) fn units(
    rule: &Rule,
    index: usize,
    questions: &[&Question],
    base: &[BaseScores],
) -> Vec<(f64, f64)> {
    // Each question's score, at its worst and at its best.
    let score = |q: &Question| -> (f64, f64) {
        match q.sums[index] {
            (_, 0) => (0.0, 1.0),
            (sum, n) => (sum / n as f64, sum / n as f64),
        }
    };
    let of_base = |q: &Question| {
        let key = (q.scheduled.suite.clone(), q.scheduled.sample.clone());
        base[index].get(&key).copied()
    };
    if rule.measure == Measure::Gap {
        let side = |sensitive: bool| -> BTreeMap<&str, Vec<&Question>> {
            let mut by_pair: BTreeMap<&str, Vec<&Question>> = BTreeMap::new();
            for q in questions
                .iter()
                .filter(|q| q.scheduled.sensitive == Some(sensitive))
            {
                if let Some(pair) = &q.scheduled.pair {
                    by_pair.entry(pair).or_default().push(q);
                }
            }
            by_pair
        };
        let (first, second) = (side(true), side(false));
        let mean = |qs: &[&Question], pick: fn((f64, f64)) -> f64| {
            qs.iter().map(|q| pick(score(q))).sum::<f64>() / qs.len() as f64
        };
        let base_mean = |qs: &[&Question]| -> Option<f64> {
            let known: Vec<f64> = qs.iter().filter_map(|q| of_base(q)).collect();
            (known.len() == qs.len()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        return first
            .iter()
            .filter_map(|(pair, s)| second.get(pair).map(|c| (s, c)))
            .filter_map(|(s, c)| {
                // −gap = answered on the sensitive side − answered on the control side.
                let worst = mean(s, |v| v.0) - mean(c, |v| v.1);
                let best = mean(s, |v| v.1) - mean(c, |v| v.0);
                match rule.condition {
                    Condition::NotWorseBy(_) => {
                        let base = base_mean(s)? - base_mean(c)?;
                        let scaled = |own: f64| f64::midpoint(1.0, (own - base) / 2.0);
                        Some((scaled(worst), scaled(best)))
                    }
                    _ => Some((f64::midpoint(1.0, worst), f64::midpoint(1.0, best))),
                }
            })
            .collect();
    }
    let up = rule.measure.up_is_good();
    questions
        .iter()
        .filter_map(|q| {
            let (worst, best) = match (score(q), up) {
                (range, true) => range,
                ((low, high), false) => (1.0 - high, 1.0 - low),
            };
            match &rule.condition {
                Condition::NotWorseBy(_) => {
                    let base = of_base(q)?;
                    let base = if up { base } else { 1.0 - base };
                    Some((
                        f64::midpoint(1.0, worst - base),
                        f64::midpoint(1.0, best - base),
                    ))
                }
                // A floor on a measure of which less is better, or a ceiling on one of which more is, turn it round once more.
                Condition::AtLeast(_) if !up => Some((1.0 - best, 1.0 - worst)),
                Condition::AtMost(_) if up => Some((1.0 - best, 1.0 - worst)),
                _ => Some((worst, best)),
            }
        })
        .collect()
}
