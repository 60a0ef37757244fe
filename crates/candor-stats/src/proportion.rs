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

/// The upper bound that a rate stays under with `confidence` (one-sided Clopper–Pearson): 1 − (1 − confidence)^(1/n) for
/// none of n, the "rule of three".
///
/// # Errors
/// As for [`clopper_pearson`].
pub fn rate_at_most(successes: u64, n: u64, confidence: f64) -> Result<f64> {
    clopper_pearson(successes, n, 2.0 * confidence - 1.0).map(|i| i.high)
}

/// The lower bound that a rate stays above with `confidence` (one-sided Clopper–Pearson).
///
/// # Errors
/// As for [`clopper_pearson`].
pub fn rate_at_least(successes: u64, n: u64, confidence: f64) -> Result<f64> {
    clopper_pearson(successes, n, 2.0 * confidence - 1.0).map(|i| i.low)
}

/// Jeffreys' equal-tailed credible interval: quantiles of Beta(x + ½, n − x + ½).
///
/// # Errors
/// As for [`clopper_pearson`].
#[allow(clippy::cast_precision_loss)]
pub fn jeffreys(successes: u64, n: u64, level: f64) -> Result<Interval> {
    if n == 0 {
        return Err(Undefined::NoData);
    }
    if successes > n {
        return Err(Undefined::OutOfRange);
    }
    let (a, b) = (successes as f64 + 0.5, (n - successes) as f64 + 0.5);
    let tail = (1.0 - level) / 2.0;
    Ok(Interval {
        low: beta_quantile(tail, a, b)?,
        high: beta_quantile(1.0 - tail, a, b)?,
    })
}

/// [`jeffreys`] with the ends set to 0 if nothing and to 1 where everything succeeded (Brown, Cai, DasGupta 2001).
///
/// # Errors
/// As for [`clopper_pearson`].
pub fn jeffreys_with_ends(successes: u64, n: u64, level: f64) -> Result<Interval> {
    let mut interval = jeffreys(successes, n, level)?;
    if successes == 0 {
        interval.low = 0.0;
    }
    if successes == n {
        interval.high = 1.0;
    }
    Ok(interval)
}

/// Agresti and Coull's interval: Wald's after adding z²/2 successes and failures, cut to [0, 1].
///
/// # Errors
/// As for [`wilson`].
pub fn agresti_coull(successes: f64, n: f64, level: f64) -> Result<Interval> {
    if n <= 0.0 {
        return Err(Undefined::NoData);
    }
    let z = normal_quantile(f64::midpoint(1.0, level))?;
    wald(successes + z * z / 2.0, n + z * z, level)
}

/// The interval that most harnesses print: p ± z√(p(1−p)/n), cut to [0, 1]. Its width is zero where everything or nothing
/// succeeded; it is here to be shown alongside the others, never as a default.
///
/// # Errors
/// As for [`wilson`].
pub fn wald(successes: f64, n: f64, level: f64) -> Result<Interval> {
    if n <= 0.0 {
        return Err(Undefined::NoData);
    }
    let p = successes / n;
    let half = normal_quantile(f64::midpoint(1.0, level))? * (p * (1.0 - p) / n).sqrt();
    Ok(Interval {
        low: (p - half).max(0.0),
        high: (p + half).min(1.0),
    })
}
