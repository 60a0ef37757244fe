//! Intervals for one rate from independent yes/no outcomes.

use super::{Interval, Result, Undefined, beta_quantile, normal_quantile};

/// Wilson's score interval for `successes` of `n` at `level` (two-sided, e.g. 0.95).
///
/// Centre (p + z²/2n) / (1 + z²/n), half width z/(1 + z²/n) · √(p(1−p)/n + z²/4n²) (Wilson 1927). `n` may be an effective
/// sample size and need not be whole.
///
/// # Errors
/// [`Undefined::NoData`] for n = 0, [`Undefined::OutOfRange`] for a level outside (0, 1).
pub fn wilson(successes: f64, n: f64, level: f64) -> Result<Interval> {
    if n <= 0.0 {
        return Err(Undefined::NoData);
    }
    let z = normal_quantile(f64::midpoint(1.0, level))?;
    Ok(wilson_with_quantile(successes / n, n, z))
}

pub(super) fn wilson_with_quantile(p: f64, n: f64, z: f64) -> Interval {
    let shrink = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / shrink;
    let half = z / shrink * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    }
}

/// Clopper–Pearson's exact interval for `successes` of `n` at `level`: beta quantiles, 0 and 1 at the ends.
///
/// # Errors
/// [`Undefined::NoData`] for n = 0, [`Undefined::OutOfRange`] for more successes than n or a level outside (0, 1).
pub fn clopper_pearson(successes: u64, n: u64, level: f64) -> Result<Interval> {
    if n == 0 {
        return Err(Undefined::NoData);
    }
    if successes > n {
        return Err(Undefined::OutOfRange);
    }
    #[allow(clippy::cast_precision_loss)]
    let (x, n) = (successes as f64, n as f64);
    let tail = (1.0 - level) / 2.0;
    let low = if x == 0.0 {
        0.0
    } else {
        beta_quantile(tail, x, n - x + 1.0)?
    };
    let high = if x >= n {
        1.0
    } else {
        beta_quantile(1.0 - tail, x + 1.0, n - x)?
    };
    Ok(Interval { low, high })
}
