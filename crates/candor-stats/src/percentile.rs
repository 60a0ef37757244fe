//! A percentile of independent values, such as latencies, by its order statistics: no shape is assumed.

use super::{Inference, Interval, Result, Undefined, binomial_cdf};

/// The value that a share of the population is at or below.
#[derive(Debug, Clone, PartialEq)]
pub struct Percentile {
    /// Ascending.
    values: Vec<f64>,
    share: f64,
}

impl Percentile {
    /// The percentile of a share in (0, 1), e.g. 0.95.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without values, [`Undefined::OutOfRange`] for a share outside (0, 1) or a value that is not a number.
    pub fn of(mut values: Vec<f64>, share: f64) -> Result<Self> {
        if values.is_empty() {
            return Err(Undefined::NoData);
        }
        if !(share > 0.0 && share < 1.0) || values.iter().any(|v| !v.is_finite()) {
            return Err(Undefined::OutOfRange);
        }
        values.sort_unstable_by(f64::total_cmp);
        Ok(Self { values, share })
    }

    fn n(&self) -> u64 {
        self.values.len() as u64
    }

    /// The fewest values below the percentile that are not too few at `tail`.
    fn fewest(&self, tail: f64) -> Result<usize> {
        let (mut low, mut high) = (0, self.n());
        while low < high {
            let middle = u64::midpoint(low, high);
            if binomial_cdf(middle, self.n(), self.share)? > tail {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        usize::try_from(low).map_err(|_| Undefined::OutOfRange)
    }
}

impl Inference for Percentile {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    fn value(&self) -> f64 {
        let place = (self.share * self.values.len() as f64).ceil() as usize;
        self.values[place.clamp(1, self.values.len()) - 1]
    }

    fn units(&self) -> (usize, usize) {
        (self.values.len(), self.values.len())
    }

    /// Between order statistics; an end is infinite where there are too few values to bound it.
    fn interval(&self, level: f64) -> Result<Interval> {
        if !(level > 0.0 && level < 1.0) {
            return Err(Undefined::OutOfRange);
        }
        let tail = (1.0 - level) / 2.0;
        let below = self.fewest(tail)?;
        let not_above = self.fewest(1.0 - tail)?;
        Ok(Interval {
            low: match below {
                0 => f64::NEG_INFINITY,
                k => self.values[k - 1],
            },
            high: self.values.get(not_above).copied().unwrap_or(f64::INFINITY),
        })
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        let below = self.values.partition_point(|v| *v <= d) as u64;
        binomial_cdf(below, self.n(), self.share)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        match self.values.partition_point(|v| *v < d) as u64 {
            0 => Ok(1.0),
            below => Ok(1.0 - binomial_cdf(below - 1, self.n(), self.share)?),
        }
    }
}
