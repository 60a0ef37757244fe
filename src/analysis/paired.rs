//! A paired comparison's test, chosen by what the units are.

use std::collections::HashSet;

use crate::stats::{AdjustedT, Difference, Interval, PairedCounts, Result, Tango, Undefined};

/// Two scores of one unit: of a question by two models, or of a pair's two sides by one.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedUnit {
    /// The first score.
    pub first: f64,
    /// The second score.
    pub second: f64,
    /// Units of one cluster are not independent.
    pub cluster: String,
    /// Each score is one response, not a mean of several.
    pub single: bool,
}

/// The test of first − second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PairedTest {
    /// Single yes/no responses that stand alone.
    Tango(Tango),
    /// Means of repeats, fractions, clusters.
    AdjustedT(AdjustedT),
}

impl PairedTest {
    /// Tango's score test for single yes/no responses that stand alone, the adjusted clustered t test for all else.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without units, [`Undefined::OneCluster`] where all share one cluster, [`Undefined::OutOfRange`] for a
    /// score that is not a number.
    pub fn of(units: &[PairedUnit]) -> Result<Self> {
        if units
            .iter()
            .any(|u| !u.first.is_finite() || !u.second.is_finite())
        {
            return Err(Undefined::OutOfRange);
        }
        let binary = |v: f64| v == 0.0 || v == 1.0;
        let clusters: HashSet<&str> = units.iter().map(|u| u.cluster.as_str()).collect();
        let plain = clusters.len() == units.len()
            && units
                .iter()
                .all(|u| u.single && binary(u.first) && binary(u.second));
        if plain {
            let mut counts = PairedCounts::default();
            for unit in units {
                counts.count(unit.first == 1.0, unit.second == 1.0);
            }
            return Tango::new(counts).map(Self::Tango);
        }
        let differences: Vec<f64> = units.iter().map(|u| u.first - u.second).collect();
        let clusters: Vec<&str> = units.iter().map(|u| u.cluster.as_str()).collect();
        AdjustedT::new(&differences, &clusters).map(Self::AdjustedT)
    }

    /// How the interval is made, in words.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Tango(_) => "Tango's score interval for paired proportions",
            Self::AdjustedT(_) => "adjusted clustered t interval for paired differences",
        }
    }

    fn inner(&self) -> &dyn Difference {
        match self {
            Self::Tango(test) => test,
            Self::AdjustedT(test) => test,
        }
    }
}

impl Difference for PairedTest {
    fn value(&self) -> f64 {
        self.inner().value()
    }

    fn units(&self) -> (usize, usize) {
        self.inner().units()
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        self.inner().interval(level)
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        self.inner().p_not_above(d)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        self.inner().p_not_below(d)
    }
}
