//! Where a value is drawn, and which values are marked: plotters' coordinates, in the page's own units.

use std::ops::Range;

use plotters::coord::combinators::{IntoLogRange, LogCoord};
use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;

/// Parts of an axis, since coordinates are whole numbers.
const PARTS: i32 = 1 << 20;

/// An axis from one place to another.
pub(super) struct Scale<C> {
    coordinate: C,
    from: f64,
    to: f64,
}

impl Scale<RangedCoordf64> {
    /// Equal differences are equally far apart.
    pub(super) fn linear(values: Range<f64>, [from, to]: [f64; 2]) -> Self {
        let coordinate = values.into();
        Self {
            coordinate,
            from,
            to,
        }
    }
}

impl Scale<LogCoord<f64>> {
    /// Equal ratios are equally far apart; values are above 0.
    pub(super) fn logarithmic(values: Range<f64>, [from, to]: [f64; 2]) -> Self {
        let coordinate = values.log_scale().into();
        Self {
            coordinate,
            from,
            to,
        }
    }
}

impl<C: Ranged<ValueType = f64>> Scale<C> {
    /// A value's place.
    pub(super) fn at(&self, value: f64) -> f64 {
        let part = f64::from(self.coordinate.map(&value, (0, PARTS)));
        self.from + part / f64::from(PARTS) * (self.to - self.from)
    }

    /// Round values to mark, `most` at most.
    pub(super) fn marks(&self, most: usize) -> Vec<f64> {
        self.coordinate.key_points(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_differences_or_ratios_and_marks_are_round() {
        let linear = Scale::linear(0.0..1.0, [100.0, 300.0]);
        assert!((linear.at(0.25) - 150.0).abs() < 1e-3);
        let marks = linear.marks(6);
        assert_eq!(marks.len(), 6);
        assert!((marks[3] - 0.6).abs() < 1e-9, "{marks:?}");
        let ratios = Scale::logarithmic(1.0..100.0, [0.0, 200.0]);
        assert!((ratios.at(10.0) - 100.0).abs() < 1e-3);
        assert!(ratios.marks(8).contains(&10.0), "{:?}", ratios.marks(8));
    }
}
