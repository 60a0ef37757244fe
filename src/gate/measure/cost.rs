//! US dollars per thousand questions.

use super::{Summary, TrialMeasure};
use crate::analysis::TrialFigure;
use crate::gate::Unit;
use crate::gate::check::boxed;
use crate::stats::ClusteredMean;

pub(super) const COST: TrialMeasure = TrialMeasure {
    name: "cost",
    unit: Unit::Dollars,
    figure: TrialFigure::Dollars,
    summary: Summary::Amount {
        of: |questions| {
            let values: Vec<f64> = questions.iter().map(|q| q.value * 1000.0).collect();
            let clusters = questions.iter().map(|q| (&*q.suite, &*q.cluster));
            let clusters: Vec<(&str, &str)> = clusters.collect();
            boxed(ClusteredMean::of(&values, &clusters))
        },
        method: "clustered t interval of the mean",
    },
};
