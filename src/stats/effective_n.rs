//! The default interval for a mean score: Wilson on the effective sample size with a t quantile.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

use super::proportion::wilson_with_quantile;
use super::{Interval, Result, Undefined, normal_quantile, student_t_quantile};

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
    let mean = values.iter().sum::<f64>() / count;
    let mut sums: HashMap<&C, f64> = HashMap::new();
    for (value, cluster) in values.iter().zip(clusters) {
        *sums.entry(cluster).or_default() += value - mean;
    }
    let groups = sums.len();
    let tail = f64::midpoint(1.0, level);
    let plain = groups == n && responses == n && values.iter().all(|v| *v == 0.0 || *v == 1.0);
    let interval = if plain {
        wilson_with_quantile(mean, count, normal_quantile(tail)?)
    } else {
        if groups < 2 {
            return Err(Undefined::OneCluster);
        }
        #[allow(clippy::cast_precision_loss)]
        let (g, most) = (groups as f64, responses as f64);
        let variance = g / (g - 1.0) * sums.values().map(|e| e * e).sum::<f64>() / (count * count);
        let n_eff = if variance <= f64::EPSILON * f64::EPSILON || mean <= 0.0 || mean >= 1.0 {
            g
        } else {
            (mean * (1.0 - mean) / variance).clamp(1.0, most)
        };
        wilson_with_quantile(mean, n_eff, student_t_quantile(tail, g - 1.0)?)
    };
    Ok(Estimate {
        value: mean,
        interval,
        n,
        clusters: groups,
    })
}
