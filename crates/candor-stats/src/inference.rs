//! What every test of a figure can say: its value, an interval, and p values from the same statistic.

use serde::Serialize;

use super::{Interval, Result};

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

impl Estimate {
    /// The same with its sign turned.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            value: -self.value,
            interval: self.interval.negated(),
            ..*self
        }
    }
}

/// A figure that was observed, and what is known of the true one. Interval and p values come from one statistic, so that they can
/// never contradict each other.
pub trait Inference {
    /// The observed value.
    fn value(&self) -> f64;

    /// Units (questions or pairs) and clusters it rests on.
    fn units(&self) -> (usize, usize);

    /// The two-sided interval at `level`; its ends are the one-sided bounds at (1 − level)/2.
    ///
    /// # Errors
    /// [`super::Undefined::OutOfRange`] for a level outside (0, 1).
    fn interval(&self, level: f64) -> Result<Interval>;

    /// One-sided p of H0: the true value is at most `d`. Small where it is shown to be above.
    ///
    /// # Errors
    /// Where the statistic has no distribution.
    fn p_not_above(&self, d: f64) -> Result<f64>;

    /// One-sided p of H0: the true value is at least `d`. Small where it is shown to be below.
    ///
    /// # Errors
    /// Where the statistic has no distribution.
    fn p_not_below(&self, d: f64) -> Result<f64>;

    /// Two-sided p of H0: the true value is 0.
    ///
    /// # Errors
    /// Where the statistic has no distribution.
    fn p_two_sided(&self) -> Result<f64> {
        Ok((2.0 * self.p_not_above(0.0)?.min(self.p_not_below(0.0)?)).min(1.0))
    }

    /// Value, interval and units together.
    ///
    /// # Errors
    /// As for [`Inference::interval`].
    fn estimate(&self, level: f64) -> Result<Estimate> {
        let (n, clusters) = self.units();
        Ok(Estimate {
            value: self.value(),
            interval: self.interval(level)?,
            n,
            clusters,
        })
    }
}
