//! Two conditions on the same units: two models on the same questions, or a sensitive question beside its control.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Estimate, Interval, Result, Undefined, normal_quantile, student_t_quantile};

/// The 2 × 2 table of paired yes/no outcomes: `n10` = yes for the first only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PairedCounts {
    /// Yes for both.
    pub n11: u64,
    /// Yes for the first only.
    pub n10: u64,
    /// Yes for the second only.
    pub n01: u64,
    /// No for both.
    pub n00: u64,
}

/// Difference of two paired proportions, first − second, with Tango's score interval.
///
/// For H0: Δ = d, with A = 2n, B = −n10 − n01 + (2n − n10 + n01)d, C = −n01·d(1−d) and q = (√(B²−4AC) − B)/2A,
/// Z(d) = (n10 − n01 − nd)/√(n(2q + d(1−d))); the interval is every d with |Z| ≤ z (Tango 1998, found by bisection).
///
/// # Errors
/// [`Undefined::NoData`] for an empty table, [`Undefined::OutOfRange`] for a level outside (0, 1).
#[allow(clippy::cast_precision_loss, clippy::many_single_char_names)] // the paper's letters
pub fn tango(counts: PairedCounts, level: f64) -> Result<Estimate> {
    let total = counts.n11 + counts.n10 + counts.n01 + counts.n00;
    if total == 0 {
        return Err(Undefined::NoData);
    }
    let (n, first, second) = (total as f64, counts.n10 as f64, counts.n01 as f64);
    let z = normal_quantile(f64::midpoint(1.0, level))?;
    let statistic = |d: f64| {
        let b = -first - second + (2.0 * n - first + second) * d;
        let c = -second * d * (1.0 - d);
        let q = ((b * b - 8.0 * n * c).max(0.0).sqrt() - b) / (4.0 * n);
        let variance = n * (2.0 * q + d * (1.0 - d));
        let gap = first - second - n * d;
        if variance <= 0.0 {
            gap.signum() * f64::INFINITY
        } else {
            gap / variance.sqrt()
        }
    };
    let value = (first - second) / n;
    // Z falls as d rises; each limit is where it crosses ±z.
    let cross = |mut low: f64, mut high: f64, target: f64| {
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            if statistic(middle) > target {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    };
    let interval = Interval {
        low: cross(-1.0, value, z),
        high: cross(value, 1.0, -z),
    };
    let n = usize::try_from(total).map_err(|_| Undefined::OutOfRange)?;
    Ok(Estimate {
        value,
        interval,
        n,
        clusters: n,
    })
}

/// Mean of paired differences in [−1, 1] with the adjusted (+1, −1) clustered t interval.
///
/// Two pseudo-units with d = +1 and d = −1, each a cluster of its own, are added: D' = Σd/(n+2), SE'² = (G+2)/(G+1)·Σe'²/(n+2)²,
/// quantile t(G−1); units that stand alone get no (G+2)/(G+1). It holds its level where a plain paired t does not (few discordant pairs). `value` is the unadjusted mean.
///
/// # Errors
/// [`Undefined::NoData`] without differences, [`Undefined::OneCluster`] with fewer than two clusters.
#[allow(clippy::cast_precision_loss)]
pub fn adjusted_clustered_t<C: Hash + Eq>(
    differences: &[f64],
    clusters: &[C],
    level: f64,
) -> Result<Estimate> {
    let n = differences.len();
    if n == 0 || clusters.len() != n {
        return Err(Undefined::NoData);
    }
    let adjusted_n = n as f64 + 2.0;
    let centre = differences.iter().sum::<f64>() / adjusted_n;
    let mut sums: HashMap<&C, f64> = HashMap::new();
    for (difference, cluster) in differences.iter().zip(clusters) {
        *sums.entry(cluster).or_default() += difference - centre;
    }
    let groups = sums.len();
    if groups < 2 {
        return Err(Undefined::OneCluster);
    }
    let g = groups as f64;
    let squares = sums.values().map(|e| e * e).sum::<f64>()
        + (1.0 - centre).powi(2)
        + (-1.0 - centre).powi(2);
    let correction = if groups == n {
        1.0
    } else {
        (g + 2.0) / (g + 1.0)
    };
    let standard_error = (correction * squares).sqrt() / adjusted_n;
    let half = student_t_quantile(f64::midpoint(1.0, level), g - 1.0)? * standard_error;
    let interval = Interval {
        low: (centre - half).max(-1.0),
        high: (centre + half).min(1.0),
    };
    Ok(Estimate {
        value: differences.iter().sum::<f64>() / n as f64,
        interval,
        n,
        clusters: groups,
    })
}
