//! One inference compared with one limit.

use crate::stats::{Inference, Interval, Undefined, Verdict};

/// An inference of any kind.
pub type Figure = Box<dyn Inference + Send + Sync>;

/// An inference of one kind as one of any.
pub(super) fn boxed<T: Inference + Send + Sync + 'static>(
    figure: Result<T, Undefined>,
) -> Result<Figure, Undefined> {
    figure.map(|f| Box::new(f) as Figure)
}

/// Where the true value must lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Above, or at it where the figure is exact. With `difference`, the figure is a difference to the baseline, up is good, and a drop
    /// is told.
    Above {
        /// The limit.
        limit: f64,
        /// Whether the figure is a difference to the baseline.
        difference: bool,
    },
    /// Below, or at it where the figure is exact. With `difference`, the figure is a difference to the baseline, down is good, and a rise
    /// is told.
    Below {
        /// The limit.
        limit: f64,
        /// Whether the figure is a difference to the baseline.
        difference: bool,
    },
}

impl Bound {
    /// The limit.
    #[must_use]
    pub fn limit(self) -> f64 {
        match self {
            Self::Above { limit, .. } | Self::Below { limit, .. } => limit,
        }
    }

    /// The verdict of an interval.
    pub(super) fn verdict(self, interval: Interval) -> Verdict {
        let exact = interval.low == interval.high;
        match self {
            Self::Above { limit, .. } if exact && interval.low == limit => Verdict::Pass,
            Self::Below { limit, .. } if exact && interval.low == limit => Verdict::Pass,
            Self::Above {
                limit,
                difference: true,
            } => Verdict::of(interval, -limit),
            Self::Below {
                limit,
                difference: true,
            } => Verdict::of(interval.negated(), limit),
            Self::Above { limit, .. } => Verdict::of(
                Interval {
                    low: interval.low - limit,
                    high: interval.high - limit,
                },
                0.0,
            ),
            Self::Below { limit, .. } => Verdict::of(
                Interval {
                    low: limit - interval.high,
                    high: limit - interval.low,
                },
                0.0,
            ),
        }
    }

    /// p value of H0 "limit kept".
    pub(super) fn p_kept(self, figure: &dyn Inference) -> Result<f64, Undefined> {
        match self {
            Self::Above { limit, .. } => figure.p_not_below(limit),
            Self::Below { limit, .. } => figure.p_not_above(limit),
        }
    }

    /// p value of H0 "limit violated".
    pub(super) fn p_broken(self, figure: &dyn Inference) -> Result<f64, Undefined> {
        match self {
            Self::Above { limit, .. } => figure.p_not_above(limit),
            Self::Below { limit, .. } => figure.p_not_below(limit),
        }
    }
}

/// One rule in one value of its stratum.
pub struct Check {
    /// The rule's place in the file.
    pub rule: usize,
    /// The stratum's value.
    pub cell: Option<String>,
    /// Where the true value must lie.
    pub bound: Bound,
    /// What was seen.
    pub figure: Result<Figure, Undefined>,
    /// The same with every missing score against the candidate, and for it; none if nothing is missing.
    pub extremes: Option<(Result<Figure, Undefined>, Result<Figure, Undefined>)>,
    /// Questions without a score.
    pub missing: usize,
    /// The part of SE² that more epochs would reduce, and the number of epochs; none if unknown.
    pub rerun: Option<(f64, usize)>,
    /// Questions that weigh most against the candidate, heaviest first: suite and sample.
    pub heaviest: Vec<(String, String)>,
    /// How the interval is made.
    pub method: &'static str,
}
