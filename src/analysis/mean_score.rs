//! The mean score of a group of questions, for each target.

use super::{Question, Target};
use crate::stats::{
    Difference, Estimate, PartOfRun, RerunError, Undefined, wilson, wilson_effective_n,
};

/// Mean and interval of a group of questions scored in [0, 1]: for a sample of questions, Wilson on the effective sample size with a
/// t quantile; for exactly these questions, Wilson on p(1−p)/SE² with the repeats' own variance; for the run, exact once all of the
/// `planned` questions are there.
///
/// # Errors
/// As each target's statistic has them.
#[allow(clippy::cast_precision_loss)]
pub(super) fn mean_score(
    questions: &[&Question],
    target: Target,
    planned: usize,
    level: f64,
) -> Result<Estimate, Undefined> {
    let n = questions.len();
    if n == 0 {
        return Err(Undefined::NoData);
    }
    let values: Vec<f64> = questions.iter().map(|q| q.value).collect();
    let responses = questions.iter().map(|q| q.repeats.len()).sum();
    match target {
        Target::Population => {
            let clusters: Vec<&str> = questions.iter().map(|q| &*q.cluster).collect();
            wilson_effective_n(&values, &clusters, responses, level)
        }
        Target::Suite => {
            let variances: Vec<Option<f64>> =
                questions.iter().map(|q| q.rerun_variance()).collect();
            let error = RerunError::of(&variances, responses)?;
            let value = values.iter().sum::<f64>() / n as f64;
            let spread = value * (1.0 - value);
            let n_eff = if error.se > 0.0 && spread > 0.0 {
                spread / (error.se * error.se)
            } else {
                responses as f64
            };
            Ok(Estimate {
                value,
                interval: wilson(value * n_eff, n_eff, level)?,
                n,
                clusters: n,
            })
        }
        Target::Run => {
            // A score s is the difference s − 0: the same statistic, on [0, 1].
            let mut ordered: Vec<&&Question> = questions.iter().collect();
            ordered.sort_by_key(|q| q.schedule_index);
            let values: Vec<f64> = ordered.iter().map(|q| q.value).collect();
            let mut estimate = PartOfRun::new(&values, planned.max(n))?.estimate(level)?;
            estimate.interval.low = estimate.interval.low.max(0.0);
            Ok(estimate)
        }
    }
}
