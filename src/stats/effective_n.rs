//! The default interval for a mean score: Wilson on the effective sample size with a t quantile.

use std::collections::HashSet;
use std::hash::Hash;

use serde::Serialize;

use super::proportion::wilson_with_quantile;
use super::{
    ClusteredMean, Interval, Result, Undefined, beta_quantile, normal_quantile, student_t_quantile,
};

/// A mean with its interval and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// Its interval, two-sided.
    pub interval: Interval,
    /// Independent questions (after averaging repeats).
    pub n: usize,
    /// Clusters; equals `n` where every question stands alone.
    pub clusters: usize,
}

/// Mean of question scores in [0, 1] with an interval that knows clusters, repeats and fractions.
///
/// `values` holds one mean score a question, `clusters` the cluster of each. SE² = G/(G−1)·Σ `e_g²/n²` (CR1), n_eff =
/// p(1−p)/SE² clamped to [1, `responses`] (n_eff = G where SE = 0), and the interval is Wilson's with t(G−1). Binary scores
/// of single, unclustered questions get the ordinary Wilson interval.
///
/// # Errors
/// [`Undefined::NoData`] without values, [`Undefined::OneCluster`] with one cluster of several questions.
pub fn wilson_effective_n<C: Hash + Eq>(
    values: &[f64],
    clusters: &[C],
    responses: usize,
    level: f64,
) -> Result<Estimate> {
    let n = values.len();
    if n == 0 || clusters.len() != n {
        return Err(Undefined::NoData);
    }
    #[allow(clippy::cast_precision_loss)]
    let count = n as f64;
    let plain = responses == n
        && values.iter().all(|v| *v == 0.0 || *v == 1.0)
        && clusters.iter().collect::<HashSet<_>>().len() == n;
    if plain {
        let value = values.iter().sum::<f64>() / count;
        let z = normal_quantile(f64::midpoint(1.0, level))?;
        return Ok(Estimate {
            value,
            interval: wilson_with_quantile(value, count, z),
            n,
            clusters: n,
        });
    }
    let mean = ClusteredMean::of(values, clusters)?;
    #[allow(clippy::cast_precision_loss)]
    let (g, most) = (mean.clusters as f64, responses as f64);
    let n_eff = match effective_n(&mean) {
        Ok(n_eff) => n_eff.clamp(1.0, most),
        Err(_) => g,
    };
    let t = student_t_quantile(f64::midpoint(1.0, level), g - 1.0)?;
    Ok(Estimate {
        value: mean.value,
        interval: wilson_with_quantile(mean.value, n_eff, t),
        n,
        clusters: mean.clusters,
    })
}

/// The number of independent yes/no answers that would give a mean its standard error: p(1−p)/SE².
///
/// # Errors
/// [`Undefined::NoVariation`] where the mean is 0 or 1 or its error is zero.
pub fn effective_n(mean: &ClusteredMean) -> Result<f64> {
    let p = mean.value;
    let variance = mean.se_cr1 * mean.se_cr1;
    if variance <= f64::EPSILON * f64::EPSILON || p <= 0.0 || p >= 1.0 {
        return Err(Undefined::NoVariation);
    }
    Ok(p * (1.0 - p) / variance)
}

/// Korn and Graubard's strict interval: Clopper–Pearson on `n_eff`·(t(n−1)/t(G−1))².
///
/// # Errors
/// [`Undefined::NoVariation`] where n_eff is undefined, [`Undefined::OutOfRange`] for a level outside (0, 1).
#[allow(clippy::cast_precision_loss)]
pub fn korn_graubard(mean: &ClusteredMean, level: f64) -> Result<Interval> {
    let tail = f64::midpoint(1.0, level);
    let ratio = student_t_quantile(tail, mean.n as f64 - 1.0)?
        / student_t_quantile(tail, mean.clusters as f64 - 1.0)?;
    let n = effective_n(mean)? * ratio * ratio;
    let x = mean.value * n;
    Ok(Interval {
        low: beta_quantile(1.0 - tail, x, n - x + 1.0)?,
        high: beta_quantile(tail, x + 1.0, n - x)?,
    })
}

/// The interval on the logit scale: logit p ± t(G−1)·SE/(p(1−p)).
///
/// # Errors
/// [`Undefined::NoVariation`] where the mean is 0 or 1, [`Undefined::OutOfRange`] for a level outside (0, 1).
#[allow(clippy::cast_precision_loss)]
pub fn logit_interval(mean: &ClusteredMean, level: f64) -> Result<Interval> {
    let p = mean.value;
    if p <= 0.0 || p >= 1.0 {
        return Err(Undefined::NoVariation);
    }
    let t = student_t_quantile(f64::midpoint(1.0, level), mean.clusters as f64 - 1.0)?;
    let (centre, half) = ((p / (1.0 - p)).ln(), t * mean.se_cr1 / (p * (1.0 - p)));
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    Ok(Interval {
        low: back(centre - half),
        high: back(centre + half),
    })
}
