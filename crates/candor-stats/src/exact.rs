//! Figures that are known without error, and figures on another scale.

use super::{Inference, Interval, Result};

/// A figure that is known: its interval is a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact {
    /// The figure.
    pub value: f64,
    /// Units behind it.
    pub n: usize,
}

impl Inference for Exact {
    fn value(&self) -> f64 {
        self.value
    }

    fn units(&self) -> (usize, usize) {
        (self.n, self.n)
    }

    fn interval(&self, _: f64) -> Result<Interval> {
        Ok(Interval::around(self.value, 0.0))
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        Ok(f64::from(u8::from(self.value <= d)))
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        Ok(f64::from(u8::from(self.value >= d)))
    }
}

/// A linearly rescaled estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaled<T> {
    /// The other one.
    pub of: T,
    /// The factor.
    pub factor: f64,
}

impl<T: Inference> Inference for Scaled<T> {
    fn value(&self) -> f64 {
        self.of.value() * self.factor
    }

    fn units(&self) -> (usize, usize) {
        self.of.units()
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        let inner = self.of.interval(level)?;
        Ok(Interval {
            low: inner.low * self.factor,
            high: inner.high * self.factor,
        })
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        self.of.p_not_above(d / self.factor)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        self.of.p_not_below(d / self.factor)
    }
}
