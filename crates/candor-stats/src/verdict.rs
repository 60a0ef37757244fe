//! What a difference says about a margin.

use std::fmt;

use serde::Serialize;

use super::Interval;

/// The five outcomes of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The margin is kept.
    Pass,
    /// The margin is kept, and there is a drop.
    PassWithDrop,
    /// The margin is exceeded.
    Fail,
    /// There is a drop; whether it exceeds the margin cannot be determined.
    InconclusiveDrop,
    /// Nothing can be determined.
    Inconclusive,
}

impl Verdict {
    /// From the interval of a difference oriented so that up is good, at two-sided level 1 − 2α, and a margin ≥ 0: pass where its
    /// lower end is above −margin, fail where its upper end is below.
    #[must_use]
    pub fn of(interval: Interval, margin: f64) -> Self {
        let drop = interval.high < 0.0;
        if interval.low > -margin {
            if drop { Self::PassWithDrop } else { Self::Pass }
        } else if interval.high < -margin {
            Self::Fail
        } else if drop {
            Self::InconclusiveDrop
        } else {
            Self::Inconclusive
        }
    }

    /// Whether the margin is kept.
    #[must_use]
    pub fn passed(self) -> bool {
        matches!(self, Self::Pass | Self::PassWithDrop)
    }

    /// Whether the margin could not be decided.
    #[must_use]
    pub fn inconclusive(self) -> bool {
        matches!(self, Self::Inconclusive | Self::InconclusiveDrop)
    }

    /// The name used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::PassWithDrop => "pass_with_drop",
            Self::Fail => "fail",
            Self::InconclusiveDrop => "inconclusive_drop",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
