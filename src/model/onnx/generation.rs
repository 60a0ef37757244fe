//! A text being written, token by token.

use super::listener::Listener;
use super::sampler::Sampler;
use super::tokenizer::Tokenizer;
use crate::model::request::cut_at_stop;
use crate::model::{Finish, ModelError, Parameters};

/// A generated text. Times are in seconds.
pub(super) struct Generated {
    pub text: String,
    pub finish: Finish,
    /// Tokens written.
    pub written: usize,
    pub queue: f64,
    pub first_token: f64,
}

/// The state of a text between two tokens.
pub(super) struct Generation {
    sampler: Sampler,
    stop: Vec<String>,
    /// Most tokens to write.
    limit: usize,
    written: Vec<u32>,
    finish: Finish,
    listener: Option<Listener>,
}

/// What follows.
pub(super) enum Next {
    /// A token, to be read before the next can be chosen.
    Token(u32),
    End,
}

impl Generation {
    /// A text of at most as many tokens as the parameters say and there is room for.
    pub(super) fn new(parameters: &Parameters, room: usize, listener: Option<Listener>) -> Self {
        Self {
            sampler: Sampler::new(parameters),
            stop: parameters.stop.clone(),
            limit: (parameters.max_tokens as usize).min(room),
            written: Vec::new(),
            finish: Finish::Length,
            listener,
        }
    }

    /// Who hears of the prompt's tokens too.
    pub(super) fn echo(&self) -> Option<&Listener> {
        self.listener.as_ref().filter(|listener| listener.echo)
    }

    /// Chooses what follows by its logits.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Runtime`] if the logits say nothing, or rule out what a listener is to be told of.
    pub(super) fn next(
        &mut self,
        logits: &[f32],
        tokenizer: &Tokenizer,
        end_tokens: &[u32],
    ) -> Result<Next, ModelError> {
        if self.written.len() >= self.limit {
            return Ok(Next::End);
        }
        let token = self.sampler.choose(logits)?;
        let ended = end_tokens.contains(&token);
        if let Some(listener) = &self.listener {
            listener.tell(token, logits, ended)?;
        }
        if !ended {
            self.written.push(token);
        }
        if ended || self.stops(tokenizer)? {
            self.finish = Finish::Stop;
            return Ok(Next::End);
        }
        if self.written.len() == self.limit {
            return Ok(Next::End);
        }
        Ok(Next::Token(token))
    }

    /// Whether a stop string has just appeared. Only the tail is decoded: a stop string cannot have ended further back.
    fn stops(&self, tokenizer: &Tokenizer) -> Result<bool, ModelError> {
        let Some(longest) = self.stop.iter().map(String::len).max() else {
            return Ok(false);
        };
        let tail = self.written.len().saturating_sub(longest + 8);
        let tail = tokenizer.decode(&self.written[tail..])?;
        let mut stop = self.stop.iter();
        Ok(stop.any(|s| !s.is_empty() && tail.contains(s.as_str())))
    }

    /// The text, why it ended, and how many tokens were written.
    pub(super) fn end(self, tokenizer: &Tokenizer) -> Result<(String, Finish, usize), ModelError> {
        let mut text = tokenizer.decode(&self.written)?;
        cut_at_stop(&mut text, &self.stop);
        Ok((text, self.finish, self.written.len()))
    }
}
