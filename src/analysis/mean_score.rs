//! The mean score of a group of questions, for each estimand.

use super::{Estimand, Question};
use crate::stats::{
    Estimate, Inference, Interval, PartOfRun, RateTest, RerunError, Result, Undefined,
};

/// What is known of a mean score in [0, 1].
#[derive(Debug, Clone, PartialEq)]
pub enum MeanScore {
    /// For a sample of questions and for exactly these questions: Wilson on an effective sample size.
    Rate(RateTest),
    /// For the run: exact once it is complete.
    PartOfRun(PartOfRun),
}

impl MeanScore {
    /// For a sample of questions, the variance between questions and clusters counts; for exactly these questions, that between
    /// epochs; for the run, that of the questions still missing of the `planned`.
    ///
    /// # Errors
    /// As each estimand's statistic has them.
    #[allow(clippy::cast_precision_loss)]
    pub fn of(questions: &[&Question], estimand: Estimand, planned: usize) -> Result<Self> {
        let n = questions.len();
        if n == 0 {
            return Err(Undefined::NoData);
        }
        let values: Vec<f64> = questions.iter().map(|q| q.value).collect();
        let responses = questions.iter().map(|q| q.epochs.len()).sum();
        match estimand {
            Estimand::Population => {
                let clusters: Vec<(&str, &str)> =
                    questions.iter().map(|q| (&*q.suite, &*q.cluster)).collect();
                RateTest::of(&values, &clusters, responses).map(Self::Rate)
            }
            Estimand::Suite => {
                let variances: Vec<Option<f64>> =
                    questions.iter().map(|q| q.rerun_variance()).collect();
                let error = RerunError::of(&variances, responses)?;
                let mean = values.iter().sum::<f64>() / n as f64;
                RateTest::with_error(mean, error, responses).map(Self::Rate)
            }
            Estimand::Run => {
                // A score s is the difference s − 0: the same statistic, on [0, 1].
                let mut ordered: Vec<&&Question> = questions.iter().collect();
                ordered.sort_by_key(|q| q.schedule_index);
                let values: Vec<f64> = ordered.iter().map(|q| q.value).collect();
                PartOfRun::new(&values, planned.max(n)).map(Self::PartOfRun)
            }
        }
    }

    fn inner(&self) -> &dyn Inference {
        match self {
            Self::Rate(test) => test,
            Self::PartOfRun(test) => test,
        }
    }
}

impl Inference for MeanScore {
    fn value(&self) -> f64 {
        self.inner().value()
    }

    fn units(&self) -> (usize, usize) {
        self.inner().units()
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        let interval = self.inner().interval(level)?;
        Ok(Interval {
            low: interval.low.max(0.0),
            ..interval
        })
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        self.inner().p_not_above(d)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        self.inner().p_not_below(d)
    }
}

/// The estimate of a mean score at a level.
pub(super) fn mean_score(
    questions: &[&Question],
    estimand: Estimand,
    planned: usize,
    level: f64,
) -> Result<Estimate> {
    MeanScore::of(questions, estimand, planned)?.estimate(level)
}
