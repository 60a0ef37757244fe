//! Events emitted by the runner.

use std::sync::Arc;

use crate::model::{Activity, ErrorClass, Origin, Usd};
use crate::score::Score;
use crate::store::TrialStatus;

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RunEvent {
    /// A model's part begins.
    Started {
        /// Which model, by its place in the plan.
        model: usize,
        /// Trials to do.
        trials: u64,
        /// Trials that an earlier start has done already.
        already_done: u64,
    },
    /// A trial ended.
    Finished {
        /// Which model.
        model: usize,
        /// Which suite, by its place in the plan.
        suite: usize,
        /// How it ended.
        status: TrialStatus,
        /// Live, cached or recorded.
        origin: Origin,
        /// The kind of failure, where it failed.
        error: Option<ErrorClass>,
        /// Money spent on it now.
        cost: Option<Usd>,
        /// Which of the suite's samples.
        sample: usize,
        /// Every score of the answer; none if it failed.
        scores: Arc<[Score]>,
        /// The value of the suite's primary metric, if there is one.
        headline: Option<f64>,
    },
    /// What a model in this process is at, about once a second.
    Working {
        /// Which model.
        model: usize,
        /// As of its last step.
        activity: Activity,
        /// Tokens that went through it since the last such event, of prompts and of answers.
        tokens_per_second: f64,
    },
    /// A model was given up; the other models continue.
    GaveUp {
        /// Which model.
        model: usize,
        /// Why, and what to do.
        reason: String,
    },
    /// A model's part is over.
    Ended {
        /// Which model.
        model: usize,
    },
}
