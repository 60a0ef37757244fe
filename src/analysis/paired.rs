//! A paired comparison's test, chosen by what the units are.

use super::{Estimand, LEVEL, Name, Question};
use crate::stats::{
    AdjustedT, Estimate, Inference, Interval, PairedCounts, PartOfRun, RerunError, RerunT, Result,
    Tango, Undefined, all_alone,
};

/// Two scores of one unit: of a question by two models, or of a pair's two sides by one.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedUnit {
    /// The first score.
    pub first: f64,
    /// The second score.
    pub second: f64,
    /// Units of one cluster are not independent; of a suite and a name.
    pub cluster: (Name, Name),
    /// Each score is one response, not a mean of several.
    pub single: bool,
    /// Variance of first − second over epochs; none if a side was asked once.
    pub rerun_variance: Option<f64>,
    /// Epochs of both sides.
    pub epochs: usize,
    /// Its place in the order drawn before the run.
    pub order: u64,
}

impl PairedUnit {
    /// The same question, answered by two.
    #[must_use]
    pub fn of(first: &Question, second: &Question) -> Self {
        Self {
            first: first.value,
            second: second.value,
            cluster: (Name::clone(&first.suite), Name::clone(&first.cluster)),
            single: first.epochs.len() == 1 && second.epochs.len() == 1,
            rerun_variance: first
                .rerun_variance()
                .and_then(|a| Some(a + second.rerun_variance()?)),
            epochs: first.epochs.len() + second.epochs.len(),
            order: first.schedule_index,
        }
    }

    /// The same the other way round.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            first: self.second,
            second: self.first,
            ..self
        }
    }

    /// The difference.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.first - self.second
    }
}

/// The test of first − second.
#[derive(Debug, Clone, PartialEq)]
pub enum PairedTest {
    /// Single yes/no responses that stand alone.
    Tango(Tango),
    /// Means of epochs, fractions, clusters.
    AdjustedT(AdjustedT),
    /// Exactly these questions.
    Rerun(RerunT),
    /// What the complete run would print.
    PartOfRun(PartOfRun),
}

impl PairedTest {
    /// For a sample of questions, Tango's score test where every unit is a single yes/no response that stands alone, and the adjusted
    /// clustered t test for all else; for the other targets, the tests that their claims need. `planned` is the number of units the
    /// complete run has.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without units, [`Undefined::OneCluster`] if all share one cluster, [`Undefined::NeedsRepeats`] if the
    /// estimand is these questions and one was asked once, [`Undefined::OutOfRange`] for a score that is not a number.
    pub fn of(units: &[PairedUnit], estimand: Estimand, planned: usize) -> Result<Self> {
        if units
            .iter()
            .any(|u| !u.first.is_finite() || !u.second.is_finite())
        {
            return Err(Undefined::OutOfRange);
        }
        match estimand {
            Estimand::Population if is_simple(units) => {
                let mut counts = PairedCounts::default();
                for unit in units {
                    counts.count(unit.first == 1.0, unit.second == 1.0);
                }
                Tango::new(counts).map(Self::Tango)
            }
            Estimand::Population => adjusted(units).map(Self::AdjustedT),
            Estimand::Suite => {
                let variances: Vec<Option<f64>> = units.iter().map(|u| u.rerun_variance).collect();
                // Each side loses one degree of freedom a question.
                let epochs = units.iter().map(|u| u.epochs.saturating_sub(1)).sum();
                let error = RerunError::of(&variances, epochs)?;
                RerunT::new(mean_difference(units), error).map(Self::Rerun)
            }
            Estimand::Run => {
                let mut ordered: Vec<&PairedUnit> = units.iter().collect();
                ordered.sort_by_key(|u| u.order);
                let differences: Vec<f64> = ordered.iter().map(|u| u.difference()).collect();
                PartOfRun::new(&differences, planned.max(units.len())).map(Self::PartOfRun)
            }
        }
    }

    /// How the interval is made, in words.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Tango(_) => "Tango's score interval for paired proportions",
            Self::AdjustedT(_) => "adjusted clustered t interval for paired differences",
            Self::Rerun(_) => "t interval from the variance between epochs",
            Self::PartOfRun(_) => {
                "exact for a complete run, else a betting confidence sequence without replacement"
            }
        }
    }

    fn inner(&self) -> &dyn Inference {
        match self {
            Self::Tango(test) => test,
            Self::AdjustedT(test) => test,
            Self::Rerun(test) => test,
            Self::PartOfRun(test) => test,
        }
    }
}

/// Whether every unit is a single yes/no response that stands alone.
pub(super) fn is_simple(units: &[PairedUnit]) -> bool {
    let binary = |v: f64| v == 0.0 || v == 1.0;
    units
        .iter()
        .all(|u| u.single && binary(u.first) && binary(u.second))
        && all_alone(units.iter().map(|u| &u.cluster))
}

/// The adjusted clustered t test, whatever the units are: its error never vanishes, so it also tells what the units could have shown.
pub(super) fn adjusted(units: &[PairedUnit]) -> Result<AdjustedT> {
    let differences: Vec<f64> = units.iter().map(PairedUnit::difference).collect();
    let clusters: Vec<&(Name, Name)> = units.iter().map(|u| &u.cluster).collect();
    AdjustedT::new(&differences, &clusters)
}

#[allow(clippy::cast_precision_loss)]
fn mean_difference(units: &[PairedUnit]) -> f64 {
    units.iter().map(PairedUnit::difference).sum::<f64>() / units.len() as f64
}

/// A test's estimate at the usual level, and its two-sided p.
pub(super) fn estimate_and_p(test: &Result<impl Inference>) -> (Result<Estimate>, Option<f64>) {
    match test {
        Ok(test) => (test.estimate(LEVEL), test.p_two_sided().ok()),
        Err(why) => (Err(*why), None),
    }
}

impl Inference for PairedTest {
    fn value(&self) -> f64 {
        self.inner().value()
    }

    fn units(&self) -> (usize, usize) {
        self.inner().units()
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        self.inner().interval(level)
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        self.inner().p_not_above(d)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        self.inner().p_not_below(d)
    }
}
