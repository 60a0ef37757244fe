//! Models asked token by token: what a server of others' programs needs beyond an answer's words.

use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedSender;

use super::{Completion, ModelError, Parameters, Prompt};

/// A token of a model's vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: u32,
    /// What it represents; several tokens can share a character.
    pub bytes: Vec<u8>,
}

/// A token at its place in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredToken {
    /// The token that is there.
    pub token: Token,
    /// Natural logarithm of its probability after what precedes it; none for the first token of a text.
    pub log_probability: Option<f64>,
    /// The most likely tokens there, the likeliest first, with the logarithms of their probabilities.
    pub likeliest: Vec<(Token, f64)>,
    /// Characters of the text before it.
    pub start: usize,
    /// Whether it ended the answer, and so is not part of its text.
    pub ends: bool,
}

/// A text to be continued.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenText {
    /// Text or messages.
    Prompt(Prompt),
    /// The model's own tokens, to which none are added.
    Ids(Vec<u32>),
}

/// What is asked of a model token by token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenRequest {
    /// What is continued.
    pub text: TokenText,
    /// How to decode; no tokens at all (`max_tokens` 0) are allowed.
    pub parameters: Parameters,
    /// Whether the tokens of the text itself are scored as well.
    pub echo: bool,
    /// How many of the likeliest tokens are listed at each place.
    pub likeliest: usize,
}

/// A part of an answer as it is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// More of the answer.
    pub text: String,
    /// More of the reasoning.
    pub reasoning: String,
    /// The tokens written since the last part.
    pub tokens: Vec<ScoredToken>,
}

/// An answer with its tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The answer. Reasoning is distinguished where messages were answered, and left in its place where a text was continued.
    pub completion: Completion,
    /// The text itself, as its tokens spell it; empty unless it was asked for.
    pub prompt_text: String,
    /// The tokens of the text; empty unless they were asked for.
    pub prompt: Vec<ScoredToken>,
    /// The tokens of the answer, with the one that ended it.
    pub tokens: Vec<ScoredToken>,
}

/// A model whose tokens can be seen: those that run in this process.
#[async_trait]
pub trait ByToken: Send + Sync {
    /// Continues a text. Each part is also sent to `heard` as it is written; nothing more is written once nobody listens there.
    async fn write(
        &self,
        request: &TokenRequest,
        heard: Option<UnboundedSender<Delta>>,
    ) -> Result<Written, ModelError>;
}
