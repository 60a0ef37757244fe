//! A finished trial, as a gate receives it while its run is in progress.

use crate::score::Score;
use crate::store::TrialStatus;

/// Scores of one finished trial.
#[derive(Debug, Clone, Copy)]
pub struct TrialScores<'a> {
    /// The suite.
    pub suite: &'a str,
    /// The sample.
    pub sample: &'a str,
    /// Every score of the answer; none where it failed.
    pub scores: &'a [Score],
    /// How it ended.
    pub status: TrialStatus,
}
