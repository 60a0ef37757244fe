//! The share of trials that a filter before or behind the model stopped.

use super::{Summary, TrialMeasure};
use crate::analysis::TrialFigure;
use crate::gate::Unit;
use crate::store::TrialStatus;

pub(super) const BLOCKED: TrialMeasure = TrialMeasure {
    name: "blocked",
    unit: Unit::Share,
    figure: TrialFigure::Status(TrialStatus::BlockedUpstream),
    summary: Summary::Share {
        holds: |trial| trial.status == TrialStatus::BlockedUpstream,
    },
};
