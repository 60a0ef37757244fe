//! Two rates from different questions: only where the runs share none. It needs several times the questions of a paired design.

use super::root::{score_interval, standardised};
use super::{Interval, Result, Undefined, normal_quantile, wilson};

/// Successes of two independent groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoGroups {
    /// Successes of the first.
    pub x1: u64,
    /// Size of the first.
    pub n1: u64,
    /// Successes of the second.
    pub x2: u64,
    /// Size of the second.
    pub n2: u64,
}

#[allow(clippy::cast_precision_loss)]
impl TwoGroups {
    fn parts(self) -> Result<(f64, f64, f64, f64)> {
        if self.n1 == 0 || self.n2 == 0 {
            return Err(Undefined::NoData);
        }
        if self.x1 > self.n1 || self.x2 > self.n2 {
            return Err(Undefined::OutOfRange);
        }
        Ok((
            self.x1 as f64,
            self.n1 as f64,
            self.x2 as f64,
            self.n2 as f64,
        ))
    }
}

/// Newcombe's hybrid score interval of p1 − p2: Wilson limits, squared and added.
///
/// # Errors
/// [`Undefined::NoData`] for an empty group, [`Undefined::OutOfRange`] for more successes than units or a level outside (0, 1).
pub fn newcombe_hybrid(groups: TwoGroups, level: f64) -> Result<Interval> {
    let (x1, n1, x2, n2) = groups.parts()?;
    let (p1, p2) = (x1 / n1, x2 / n2);
    let (w1, w2) = (wilson(x1, n1, level)?, wilson(x2, n2, level)?);
    Ok(Interval {
        low: p1 - p2 - (p1 - w1.low).hypot(w2.high - p2),
        high: p1 - p2 + (w1.high - p1).hypot(p2 - w2.low),
    })
}

/// Miettinen and Nurminen's score interval of p1 − p2: every d whose score statistic, with the rates fitted under p1 − p2 = d and
/// the variance times N/(N − 1), is within ±z.
///
/// # Errors
/// As for [`newcombe_hybrid`].
pub fn miettinen_nurminen(groups: TwoGroups, level: f64) -> Result<Interval> {
    let (x1, n1, x2, n2) = groups.parts()?;
    let difference = x1 / n1 - x2 / n2;
    score_interval(difference, level, |d| {
        let (p1, p2) = restricted(x1, n1, x2, n2, d);
        let n = n1 + n2;
        let variance = (p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2) * n / (n - 1.0);
        standardised(difference - d, variance)
    })
}

/// The most likely rates under p1 − p2 = d: the root of the likelihood's cubic in p1 (Farrington, Manning 1990).
#[allow(clippy::many_single_char_names)] // the paper's letters
fn restricted(x1: f64, n1: f64, x2: f64, n2: f64, d: f64) -> (f64, f64) {
    let ratio = n2 / n1;
    let (p1, p2) = (x1 / n1, x2 / n2);
    let a = 1.0 + ratio;
    let b = -(1.0 + ratio + p1 + p2 * ratio + d * (ratio + 2.0));
    let c = d * d + d * (2.0 * p1 + ratio + 1.0) + p1 + p2 * ratio;
    let e = -p1 * d * (1.0 + d);
    let v = b.powi(3) / (3.0 * a).powi(3) - b * c / (6.0 * a * a) + e / (2.0 * a);
    let u = (b * b / (3.0 * a).powi(2) - c / (3.0 * a)).max(0.0).sqrt()
        * if v < 0.0 { -1.0 } else { 1.0 };
    let w = if u == 0.0 {
        std::f64::consts::FRAC_PI_2
    } else {
        (std::f64::consts::PI + (v / u.powi(3)).clamp(-1.0, 1.0).acos()) / 3.0
    };
    let fitted = (2.0 * u * w.cos() - b / (3.0 * a)).clamp(d.max(0.0), (1.0 + d).min(1.0));
    (fitted, (fitted - d).clamp(0.0, 1.0))
}

fn wald_with(x1: f64, n1: f64, x2: f64, n2: f64, level: f64) -> Result<Interval> {
    let (p1, p2) = (x1 / n1, x2 / n2);
    let z = normal_quantile(f64::midpoint(1.0, level))?;
    let half = z * (p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2).sqrt();
    Ok(Interval::around(p1 - p2, half))
}

/// Agresti and Caffo's interval: Wald's with one success and one failure more in each group.
///
/// # Errors
/// As for [`newcombe_hybrid`].
pub fn agresti_caffo(groups: TwoGroups, level: f64) -> Result<Interval> {
    let (x1, n1, x2, n2) = groups.parts()?;
    wald_with(x1 + 1.0, n1 + 2.0, x2 + 1.0, n2 + 2.0, level)
}

/// Wald's interval of p1 − p2; zero width at the ends, so never a default.
///
/// # Errors
/// As for [`newcombe_hybrid`].
pub fn wald_independent(groups: TwoGroups, level: f64) -> Result<Interval> {
    let (x1, n1, x2, n2) = groups.parts()?;
    wald_with(x1, n1, x2, n2, level)
}
