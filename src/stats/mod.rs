//! Pure functions over slices: intervals, tests and scores. No I/O, no frames, no async.
//!
//! What is undefined (no data, one cluster) is an [`Undefined`] with its reason, never 0 and never NaN.

mod bbq;
mod effective_n;
mod paired;
mod power;
mod proportion;
mod quantile;

pub use bbq::{BbqCounts, bbq_ambiguous, bbq_disambiguated};
pub use effective_n::{Estimate, wilson_effective_n};
pub use paired::{PairedCounts, adjusted_clustered_t, tango};
pub use power::minimum_detectable_effect;
pub use proportion::{clopper_pearson, wilson};
pub use quantile::{beta_quantile, normal_quantile, student_t_quantile};

use serde::Serialize;

/// A two-sided interval at a stated confidence level, in the unit of the estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

impl Interval {
    /// Whether the interval leaves `value` out on either side.
    #[must_use]
    pub fn excludes(&self, value: f64) -> bool {
        value < self.low || value > self.high
    }
}

/// Why a statistic has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undefined {
    /// There is nothing to compute from.
    #[error("no data")]
    NoData,
    /// All values come from one cluster, so the variance between clusters cannot be seen.
    #[error("one cluster only")]
    OneCluster,
    /// A denominator is zero: no value of the kind the statistic counts.
    #[error("no variation")]
    NoVariation,
    /// An argument is outside its range.
    #[error("argument outside its range")]
    OutOfRange,
}

/// A statistic, or the reason why it is undefined.
pub type Result<T> = std::result::Result<T, Undefined>;
