//! A text on its way through the graph.

use std::time::Instant;

use super::pages::{PAGE, PageId};
use crate::model::ModelError;
use crate::model::onnx::generation::{Generated, Next};
use crate::model::onnx::job::{Job, Scored};
use crate::model::onnx::likelihood::Sum;
use crate::model::onnx::tokenizer::Tokenizer;

/// A text being read, and perhaps written.
pub(super) struct Sequence {
    pub job: Job,
    /// All tokens, those written included.
    pub tokens: Vec<u32>,
    /// Tokens that were there at the start: rotary embeddings that depend on a text's length take this one for them.
    given: usize,
    /// Tokens whose keys and values are in the pages.
    pub read: usize,
    /// The pages, from the text's beginning.
    pub table: Vec<PageId>,
    /// Tokens from the beginning that other texts may share, and how many of them the tree has.
    pub shareable: usize,
    pub shared: usize,
    /// The first token whose logits are still wanted.
    pub wanted: usize,
    /// Of the tokens behind the context, and with each of the last ones.
    common: Sum,
    scores: Vec<Sum>,
    /// When it was first read on.
    begun: Option<Instant>,
    first_token: Option<f64>,
}

impl Sequence {
    /// A job's text, whose beginning others may share if it has at most `steady` tokens.
    pub(super) fn new(job: Job, steady: Option<usize>) -> Self {
        let (tokens, context, whole, wanted) = match &job {
            Job::Generate(job) => {
                let length = job.prompt.len();
                (&job.prompt, length, length, job.wanted())
            }
            Job::Score(job) => (&job.fed, job.context, job.fed.len() + 1, job.context - 1),
        };
        let steady = steady.is_none_or(|steady| whole <= steady);
        Self {
            tokens: tokens.clone(),
            given: tokens.len(),
            read: 0,
            table: Vec::new(),
            shareable: if steady { context } else { 0 },
            shared: 0,
            wanted,
            common: Sum::default(),
            scores: Vec::new(),
            begun: None,
            first_token: None,
            job,
        }
    }

    /// Tokens that are not read yet.
    pub(super) fn left(&self) -> usize {
        self.tokens.len() - self.read
    }

    /// Pages that the text needs up to a token.
    pub(super) fn pages_for(tokens: usize) -> usize {
        tokens.div_ceil(PAGE)
    }

    /// Tokens that may be taken from others: what comes before the first whose logits are wanted.
    pub(super) fn sharing(&self) -> &[u32] {
        &self.tokens[..self.shareable.min(self.wanted)]
    }

    /// The length that rotary embeddings take the text for at a token.
    pub(super) fn length_at(&self, token: usize) -> usize {
        self.given.max(token + 1)
    }

    /// Begins to read, or begins anew.
    pub(super) fn begin(&mut self) {
        if self.begun.is_some() {
            return;
        }
        self.begun = Some(Instant::now());
        if let Job::Generate(job) = &self.job {
            job.tell_first();
        }
    }

    fn queue(&self) -> f64 {
        let begun = self.begun.unwrap_or_else(Instant::now);
        begun.duration_since(self.job.asked()).as_secs_f64()
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_cancelled(&self) -> bool {
        match &self.job {
            Job::Generate(job) => job.reply.is_closed(),
            Job::Score(job) => job.reply.is_closed(),
        }
    }

    /// Takes the logits of what follows a token. Gives whether the text is done with.
    pub(super) fn take(
        &mut self,
        token: usize,
        logits: &[f32],
        tokenizer: &Tokenizer,
        end_tokens: &[u32],
    ) -> Result<bool, ModelError> {
        self.wanted = token + 1;
        match &mut self.job {
            Job::Generate(job) => {
                if let (Some(listener), Some(next)) =
                    (job.generation.echo(), job.prompt.get(token + 1))
                {
                    listener.tell(*next, logits, false)?;
                    return Ok(false);
                }
                let first = || job.asked.elapsed().as_secs_f64();
                self.first_token.get_or_insert_with(first);
                match job.generation.next(logits, tokenizer, end_tokens)? {
                    Next::End => return Ok(true),
                    Next::Token(next) => self.tokens.push(next),
                }
                Ok(false)
            }
            Job::Score(job) => {
                if let Some(next) = self.tokens.get(token + 1) {
                    self.common.add(logits, *next)?;
                    return Ok(false);
                }
                for last in &job.last {
                    let mut whole = self.common.clone();
                    whole.add(logits, *last)?;
                    self.scores.push(whole);
                }
                Ok(true)
            }
        }
    }

    /// Answers the caller.
    pub(super) fn answer(self, tokenizer: &Tokenizer) {
        let queue = self.queue();
        match self.job {
            Job::Generate(job) => {
                let generated = job
                    .generation
                    .end(tokenizer)
                    .map(|(text, finish, written)| Generated {
                        text,
                        finish,
                        written,
                        queue,
                        first_token: self.first_token.unwrap_or(queue),
                    });
                let _ = job.reply.send(generated);
            }
            Job::Score(job) => {
                let _ = job.reply.send(Ok(Scored {
                    scores: self.scores,
                    queue,
                }));
            }
        }
    }

    /// Tells the caller what went wrong.
    pub(super) fn fail(self, error: ModelError) {
        match self.job {
            Job::Generate(job) => drop(job.reply.send(Err(error))),
            Job::Score(job) => drop(job.reply.send(Err(error))),
        }
    }
}
