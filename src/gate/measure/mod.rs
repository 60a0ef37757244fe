//! What a rule measures. A figure that every trial has is a file here and a line in [`TRIAL_MEASURES`].

mod blocked;
mod cost;
mod latency;

use super::Unit;
use super::check::Figure;
use super::trial_scores::TrialScores;
use crate::analysis::{Question, TrialFigure};
use crate::stats::Undefined;

/// What a rule measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// The mean of a scorer's metric; the suite's headline where neither is named.
    Score {
        /// The scorer; whichever has the metric where none is named.
        scorer: Option<String>,
        /// The metric; the headline where none is named.
        metric: Option<String>,
    },
    /// What is withheld on sensitive questions beyond their controls, or between values of a stratum.
    Gap,
    /// A figure that every trial has, whatever its scores.
    Trial(&'static TrialMeasure),
}

/// A figure that every trial has, summed up over a rule's questions. Less of it is better.
#[derive(Debug)]
pub struct TrialMeasure {
    /// As a gate file names it.
    pub name: &'static str,
    /// The unit that its limits are written in.
    pub unit: Unit,
    /// What is read of each trial.
    pub(super) figure: TrialFigure,
    /// How questions are summed up.
    pub(super) summary: Summary,
}

/// How a figure of trials is summed up.
#[derive(Debug)]
pub(super) enum Summary {
    /// The share of trials that something holds of. A baseline can be compared with, a missing trial counts both ways, and bets are made on
    /// it while a run is in progress.
    Share {
        /// Whether it holds of a finished trial.
        holds: fn(&TrialScores) -> bool,
    },
    /// An amount, of questions that have one.
    Amount {
        /// The amount, in the measure's unit.
        of: fn(&[&Question]) -> Result<Figure, Undefined>,
        /// How its interval is made.
        method: &'static str,
    },
}

/// Every measure that needs no scorer, but for `gap`.
pub(super) const TRIAL_MEASURES: &[&TrialMeasure] = &[
    &blocked::BLOCKED,
    &cost::COST,
    &latency::P50,
    &latency::P95,
    &latency::P99,
];

const GAP: &str = "gap";

impl PartialEq for TrialMeasure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TrialMeasure {}

impl Measure {
    /// The measure that a rule's `metric` and `scorer` name.
    pub(super) fn named(metric: Option<&str>, scorer: Option<String>) -> Self {
        let built_in = |name: &str| TRIAL_MEASURES.iter().find(|m| m.name == name);
        match metric {
            Some(GAP) => Self::Gap,
            Some(name) if let Some(measure) = built_in(name) => Self::Trial(measure),
            other => Self::Score {
                scorer,
                metric: other.filter(|m| *m != "score").map(str::to_owned),
            },
        }
    }

    /// The names of the measures that need no scorer.
    pub fn built_in<'a>() -> impl Iterator<Item = &'a str> {
        let trials = TRIAL_MEASURES.iter().map(|m| m.name);
        std::iter::once(GAP).chain(trials)
    }

    /// The unit its limits are written in.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Self::Score { .. } | Self::Gap => Unit::Share,
            Self::Trial(measure) => measure.unit,
        }
    }

    /// Whether a larger value is better.
    #[must_use]
    pub fn up_is_good(&self) -> bool {
        matches!(self, Self::Score { .. })
    }

    /// Whether it is an amount, which is held against a limit as it was measured.
    pub(super) fn is_amount(&self) -> bool {
        matches!(
            self,
            Self::Trial(TrialMeasure {
                summary: Summary::Amount { .. },
                ..
            })
        )
    }
}
