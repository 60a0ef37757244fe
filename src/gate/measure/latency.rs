//! Percentiles of the seconds an answer takes.

use super::{Summary, TrialMeasure};
use crate::analysis::{Question, TrialFigure};
use crate::gate::Unit;
use crate::gate::check::{Figure, boxed};
use crate::stats::{Percentile, Undefined};

pub(super) const P50: TrialMeasure = latency("latency_p50", |questions| percentile(questions, 0.5));
pub(super) const P95: TrialMeasure =
    latency("latency_p95", |questions| percentile(questions, 0.95));
pub(super) const P99: TrialMeasure =
    latency("latency_p99", |questions| percentile(questions, 0.99));

const fn latency(
    name: &'static str,
    of: fn(&[&Question]) -> Result<Figure, Undefined>,
) -> TrialMeasure {
    TrialMeasure {
        name,
        unit: Unit::Seconds,
        figure: TrialFigure::Seconds,
        summary: Summary::Amount {
            of,
            method: "order statistics",
        },
    }
}

fn percentile(questions: &[&Question], share: f64) -> Result<Figure, Undefined> {
    let epochs = questions.iter().flat_map(|q| q.epochs.iter().copied());
    boxed(Percentile::of(epochs.collect(), share))
}
