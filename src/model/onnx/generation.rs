//! A text being written, token by token.

use super::constraint::Constraint;
use super::listener::Listener;
use super::sampler::Sampler;
use super::tokenizer::Tokenizer;
use crate::model::request::cut_at_stop;
use crate::model::{Finish, ModelError, Parameters, reasoning};

/// Tokens from an answer's end that a closing tag of reasoning is looked for in, once its last sign was written.
const TAG_TOKENS: usize = 8;

/// A generated text. Times are in seconds.
pub(super) struct Generated {
    pub text: String,
    pub finish: Finish,
    /// Tokens written.
    pub written: usize,
    pub queue: f64,
    pub first_token: f64,
}

/// What an answer is held to.
pub(super) struct Held {
    pub constraint: Constraint,
    /// Whether reasoning comes first, which the prompt has opened: it is held to nothing.
    pub after_thought: bool,
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
    held: Option<Held>,
}

/// What follows.
pub(super) enum Next {
    /// A token, to be read before the next can be chosen.
    Token(u32),
    End,
}

impl Generation {
    /// The answer to a prompt, of at most as many tokens as the parameters say and there is room for.
    pub(super) fn new(
        parameters: &Parameters,
        prompt: &[u32],
        room: usize,
        listener: Option<Listener>,
        held: Option<Held>,
    ) -> Self {
        Self {
            sampler: Sampler::new(parameters, prompt),
            stop: parameters.stop.clone(),
            limit: (parameters.max_tokens as usize).min(room),
            written: Vec::new(),
            finish: Finish::Length,
            listener,
            held,
        }
    }

    /// Who hears of the prompt's tokens too.
    pub(super) fn echo(&self) -> Option<&Listener> {
        self.listener.as_ref().filter(|listener| listener.echo)
    }

    /// Chooses what follows by its logits.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Runtime`] if the logits say nothing, or rule out what is allowed, or what a listener is to be told of.
    pub(super) fn next(
        &mut self,
        logits: &[f32],
        tokenizer: &Tokenizer,
        end_tokens: &[u32],
    ) -> Result<Next, ModelError> {
        if self.written.len() >= self.limit {
            return Ok(Next::End);
        }
        let holds = self.held.as_mut().filter(|held| !held.after_thought);
        let constraint = holds.map(|held| &mut held.constraint);
        let token = self.sampler.choose(logits, constraint)?;
        let ended = end_tokens.contains(&token);
        if let Some(listener) = &self.listener {
            listener.tell(token, logits, ended)?;
        }
        if !ended {
            self.written.push(token);
        }
        if ended || self.is_whole(token, tokenizer)? || self.stops(tokenizer)? {
            self.finish = Finish::Stop;
            return Ok(Next::End);
        }
        if self.written.len() == self.limit {
            return Ok(Next::End);
        }
        Ok(Next::Token(token))
    }

    /// Whether what the answer is held to lets nothing follow.
    fn is_whole(&mut self, token: u32, tokenizer: &Tokenizer) -> Result<bool, ModelError> {
        let Some(held) = &mut self.held else {
            return Ok(false);
        };
        if !held.after_thought {
            return held.constraint.take(token);
        }
        let tail = self.written.len().saturating_sub(TAG_TOKENS);
        let tail = tokenizer.decode(&self.written[tail..])?;
        // Only where a tag may have ended is the whole text read.
        if tail.contains(['>', ']', '\u{25b7}']) {
            let thought = tokenizer.decode(&self.written)?;
            held.after_thought = !reasoning::is_closed(&thought);
        }
        Ok(false)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::super::constraint::Vocabulary;
    use super::super::constraint::tests::fixture;
    use super::*;

    #[test]
    fn reasoning_that_the_prompt_opened_comes_before_what_the_answer_is_held_to() {
        let files = fixture();
        let tokenizer = Tokenizer::new(&files).unwrap();
        let vocabulary = Vocabulary::new(&tokenizer, 0, &files.end_tokens).unwrap();
        let schema = json!({"enum": ["yes", "no"]});
        // What the model would say, were it held to nothing.
        let says = "Is it a > b? No\n</think>\"no way";
        let tokens = tokenizer.encode(says, false).unwrap();
        for (after_thought, want) in [(true, "Is it a > b? No\n</think>\"no\""), (false, "\"no\"")]
        {
            let held = Held {
                constraint: vocabulary.constraint(&schema).unwrap(),
                after_thought,
            };
            let parameters = Parameters::default();
            let mut generation = Generation::new(&parameters, &[1], 200, None, Some(held));
            for at in 0.. {
                let mut logits = vec![0.0; tokenizer.size()];
                let said = tokens.get(at).copied();
                // Where it is held back, it says "no" in whole.
                for id in tokenizer.encode("\"no\"", false).unwrap() {
                    logits[id as usize] += 1.0;
                }
                if let Some(token) = said {
                    logits[token as usize] = 9.0;
                }
                match generation
                    .next(&logits, &tokenizer, &files.end_tokens)
                    .unwrap()
                {
                    Next::Token(_) => {}
                    Next::End => break,
                }
            }
            let (text, finish, _) = generation.end(&tokenizer).unwrap();
            assert_eq!((text.as_str(), finish), (want, Finish::Stop));
        }
    }
}
