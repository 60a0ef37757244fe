//! Where a falling condition turns from true to false, and what is built on it.

use super::{Interval, Result, normal_quantile};

/// The point in [low, high] up to which `holds` is true, by bisection to the last bit. `holds` must be true below it and false
/// above.
pub(super) fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// How many standard errors `gap` is: infinite where there is a gap and no error.
pub(super) fn standardised(gap: f64, variance: f64) -> f64 {
    if variance > 0.0 {
        gap / variance.sqrt()
    } else if gap == 0.0 {
        0.0
    } else {
        gap.signum() * f64::INFINITY
    }
}

/// Every difference in [−1, 1] whose score statistic is within ±z. The statistic falls as the difference rises and is 0 at `value`.
pub(super) fn score_interval(
    value: f64,
    level: f64,
    statistic: impl Fn(f64) -> f64,
) -> Result<Interval> {
    let z = normal_quantile(f64::midpoint(1.0, level))?;
    Ok(Interval {
        low: bisect(-1.0, value, |d| statistic(d) > z),
        high: bisect(value, 1.0, |d| statistic(d) > -z),
    })
}

/// The smallest number from 4 on for which `enough` holds, `enough` being false below it and true above; none if it does not hold
/// for the powers of two up to `most`.
///
/// # Errors
/// Whatever `enough` has.
pub fn fewest(most: usize, enough: impl Fn(usize) -> Result<bool>) -> Result<Option<usize>> {
    let mut high = 4;
    while !enough(high)? {
        high *= 2;
        if high > most {
            return Ok(None);
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if enough(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Some(high))
}
