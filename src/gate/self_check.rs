//! A/A test: how often a gate would raise a false alarm on a run's own epochs.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::build::Builder;
use super::file::{GateFile, Rule};
use super::outcome::sum_up;
use super::readings::Readings;
use super::{GateError, Overall, Side};
use crate::analysis::{Asked, Question};
use crate::stats::{Interval, clopper_pearson};

/// What a gate said of splits of one run against itself.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SelfCheck {
    /// Splits of every question's epochs into a candidate's and a baseline's.
    pub splits: u64,
    /// Epochs that the candidate's half has.
    pub candidate_epochs: usize,
    /// Epochs that the baseline's half has.
    pub baseline_epochs: usize,
    /// Splits that the gate failed: false alarms.
    pub failed: u64,
    /// Their share's 95 % interval (Clopper–Pearson). The splits share one run's answers, so it tells the error of splitting, not of
    /// the run.
    pub failed_interval: Interval,
    /// Splits that it passed.
    pub passed: u64,
    /// Splits of which it could not tell.
    pub inconclusive: u64,
    /// Splits in which a score fell by more than its margin: what a gate on raw scores would alarm on.
    pub raw_alarms: u64,
    /// Rules it was done for: those that compare with a baseline.
    pub rules: Vec<String>,
}

/// Splits the epochs of a run at random, many times, and compares one half with the other.
///
/// # Errors
/// [`GateError::Nothing`] if no rule compares with a baseline or no question was asked twice.
pub fn self_check(
    gate: &GateFile,
    run: Side,
    splits: u64,
    seed: u64,
) -> Result<SelfCheck, GateError> {
    let mut own = gate.clone();
    own.rules.retain(Rule::compares);
    let nothing = |reason: &str| GateError::Nothing {
        rule: "self-check".into(),
        reason: reason.into(),
    };
    if own.rules.is_empty() {
        return Err(nothing("no rule of the gate compares with a baseline"));
    }
    let readings = Readings::read(&own, run, Some(run))?;
    let epochs = readings.min_epochs();
    if epochs < 2 {
        return Err(nothing(
            "a question was asked only once; run with --epochs 2 or more",
        ));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut check = SelfCheck {
        splits,
        candidate_epochs: epochs / 2,
        baseline_epochs: epochs - epochs / 2,
        failed: 0,
        failed_interval: Interval::around(0.0, 0.0),
        passed: 0,
        inconclusive: 0,
        raw_alarms: 0,
        rules: own.rules.iter().map(|r| r.name.clone()).collect(),
    };
    for _ in 0..splits {
        let split = readings.split(|asked| halves(asked, epochs, &mut random));
        let builder = Builder {
            gate: &own,
            candidate: run,
            baseline: Some(run),
            readings: &split,
        };
        let checks = builder.checks()?;
        let fell = |c: &super::Check| {
            c.figure
                .as_ref()
                .is_ok_and(|f: &super::Figure| f.value() < c.bound.limit())
        };
        check.raw_alarms += u64::from(checks.iter().any(fell));
        match sum_up(&own, &checks, own.alpha).overall {
            Overall::Fail => check.failed += 1,
            Overall::Pass => check.passed += 1,
            Overall::Inconclusive => check.inconclusive += 1,
        }
    }
    if let Ok(interval) = clopper_pearson(check.failed, splits, 0.95) {
        check.failed_interval = interval;
    }
    Ok(check)
}

/// Every question twice: with a random half of its epochs, and with the rest.
fn halves(asked: &Asked, epochs: usize, random: &mut impl Rng) -> (Asked, Asked) {
    let mut both = (Asked::default(), Asked::default());
    for question in &asked.scored {
        let mut drawn = question.epochs.clone();
        drawn.shuffle(random);
        let rest = drawn.split_off(epochs / 2);
        both.0.scored.push(question.with(drawn));
        both.1
            .scored
            .push(question.with(rest[..epochs - epochs / 2].to_vec()));
    }
    both
}

impl Question {
    /// The same with other epochs.
    #[allow(clippy::cast_precision_loss)]
    fn with(&self, epochs: Vec<f64>) -> Self {
        Self {
            value: epochs.iter().sum::<f64>() / epochs.len() as f64,
            epochs,
            ..self.clone()
        }
    }
}
