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

impl Generate {
    /// The first token whose logits are wanted: those of all where the prompt is told, and otherwise those of what follows it.
    pub(super) fn wanted(&self) -> usize {
        match self.generation.echo() {
            Some(_) => 0,
            None => self.prompt.len() - 1,
        }
    }

    /// Tells of the token that the prompt begins with, where the prompt is told.
    pub(super) fn tell_first(&self) {
        if let (Some(listener), Some(first)) = (self.generation.echo(), self.prompt.first()) {
            listener.tell_first(*first);
        }
    }
}

impl Job {
    pub(super) fn asked(&self) -> Instant {
        match self {
            Self::Generate(job) => job.asked,
            Self::Score(job) => job.asked,
        }
    }
}
