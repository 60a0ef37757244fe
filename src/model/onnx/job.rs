//! What the thread that owns a graph is asked for.

use std::time::Instant;

use tokio::sync::oneshot;

use super::generation::{Generated, Generation};
use super::likelihood::Sum;
use crate::model::ModelError;

/// One text to be read.
pub(super) enum Job {
    Generate(Generate),
    Score(Score),
}

/// A text to be gone on with.
pub(super) struct Generate {
    pub prompt: Vec<u32>,
    pub generation: Box<Generation>,
    pub asked: Instant,
    pub reply: oneshot::Sender<Result<Generated, ModelError>>,
}

/// A text whose tokens behind its context are to be scored, and after them, one for each score, a last token that need not be read.
pub(super) struct Score {
    pub fed: Vec<u32>,
    /// Tokens of the context.
    pub context: usize,
    pub last: Vec<u32>,
    pub asked: Instant,
    pub reply: oneshot::Sender<Result<Scored, ModelError>>,
}

/// A score for each last token.
pub(super) struct Scored {
    pub scores: Vec<Sum>,
    /// Seconds.
    pub queue: f64,
}

impl Job {
    pub(super) fn asked(&self) -> Instant {
        match self {
            Self::Generate(job) => job.asked,
            Self::Score(job) => job.asked,
        }
    }
}
