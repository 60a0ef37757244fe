//! One question as one model answered it: the unit of every inference.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::store::TrialStatus;
use crate::suite::PairRole;

/// A name that many questions share.
pub type Name = Arc<str>;

/// A model's scores on a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The model.
    pub model: Name,
    /// The suite.
    pub suite: Name,
    /// The sample.
    pub sample: Name,
    /// Its match.
    pub pair: Option<Name>,
    /// Its side of the pair.
    pub role: Option<PairRole>,
    /// Questions of one cluster are not independent.
    pub cluster: Name,
    /// Its place in the order drawn before the run.
    pub schedule_index: u64,
    /// Mean of the epochs that have a value; not a number where none has.
    pub value: f64,
    /// The values of the epochs that have one, by epoch.
    pub epochs: Vec<f64>,
    /// Epochs without a value: failed, or not judged.
    pub unscored: usize,
    /// Values of the dataset's strata, in its order.
    pub strata: Vec<Option<Name>>,
}

impl Question {
    /// Suite and sample: what names the question, whoever answers it.
    #[must_use]
    pub fn key(&self) -> (&str, &str) {
        (&self.suite, &self.sample)
    }

    /// The same with a value where it has none.
    #[must_use]
    pub fn filled(&self, value: f64) -> Self {
        let mut filled = self.clone();
        if filled.epochs.is_empty() {
            filled.value = value;
            filled.epochs = vec![value];
        }
        filled
    }

    /// Variance of the mean over epochs, s²/K; none for a single epoch.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn rerun_variance(&self) -> Option<f64> {
        let k = self.epochs.len();
        if k < 2 {
            return None;
        }
        let squares: f64 = self.epochs.iter().map(|r| (r - self.value).powi(2)).sum();
        Some(squares / (k - 1) as f64 / k as f64)
    }
}

/// Every question that was asked, one metric per suite.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Questions with a value.
    pub scored: Vec<Question>,
    /// Questions without one: every epoch failed or could not be judged.
    pub missing: Vec<Question>,
}

impl Asked {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Question> {
        self.scored.iter().chain(&self.missing)
    }

    /// The suites that they belong to, by name.
    #[must_use]
    pub fn suites(&self) -> Vec<&str> {
        let suites: BTreeSet<&str> = self.all().map(|q| &*q.suite).collect();
        suites.into_iter().collect()
    }

    /// Those of some suites.
    #[must_use]
    pub fn of_suites(&self, suites: &[&str]) -> Self {
        let suites: HashSet<&str> = suites.iter().copied().collect();
        let own = |questions: &[Question]| -> Vec<Question> {
            let own = questions.iter().filter(|q| suites.contains(&*q.suite));
            own.cloned().collect()
        };
        Self {
            scored: own(&self.scored),
            missing: own(&self.missing),
        }
    }
}

/// A scorer's metric, as one suite is read under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricName {
    /// The suite.
    pub suite: String,
    /// The scorer.
    pub scorer: String,
    /// The metric.
    pub metric: String,
}

/// Trials that say nothing about their model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// Those without an answer.
    pub unanswered: u64,
    /// Those whose answer has no verdict: a judge gave no label or could not be asked, or a scorer could not judge.
    pub unscored: u64,
    /// Those that the model was unable to answer: it neither answered nor withheld.
    pub unable: u64,
    /// All trials.
    pub trials: u64,
}

/// A figure that every trial has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialFigure {
    /// Seconds from question to answer.
    Seconds,
    /// US dollars.
    Dollars,
    /// 1 where it ended with this status, else 0.
    Status(TrialStatus),
    /// Characters of the answer.
    Characters,
}
