//! What a model answered, with everything the provider said beside the text.

use serde::{Deserialize, Serialize};

/// US dollars.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(pub f64);

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended it, or a stop string did.
    Stop,
    /// The token limit cut it.
    Length,
    /// The provider's filter stopped it, before or during the answer.
    ContentFilter,
    /// The provider marked it as a refusal.
    Refusal,
    /// The call failed; there is no answer.
    Error,
    /// Not said.
    Unknown,
}

impl Finish {
    /// The name used in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// Something a provider said about an answer beside its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Signal {
    /// A refusal field beside the content.
    Refusal {
        /// The provider's words.
        text: String,
    },
    /// The prompt was turned away before an answer.
    PromptBlocked {
        /// The provider's words or code.
        reason: String,
    },
    /// The answer was stopped or withheld by a filter.
    AnswerBlocked {
        /// The provider's words or code.
        reason: String,
    },
    /// A moderation category with its level.
    Moderation {
        /// For instance `violence`.
        category: String,
        /// For instance `medium`.
        level: String,
    },
    /// An HTTP status other than success, or an error inside a success.
    ProviderError {
        /// The HTTP status, where there was one.
        status: Option<u16>,
        /// The provider's words.
        message: String,
    },
}

/// The score of one continuation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ContinuationScore {
    /// Natural-log probability, summed over tokens.
    pub log_likelihood: f64,
    /// Whether greedy decoding would have produced exactly this continuation.
    pub is_greedy: bool,
    /// Its tokens.
    pub tokens: u32,
}

/// Tokens counted. A count that nobody gave is unknown, which is not 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens written, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
}

impl Usage {
    /// Both counts known.
    #[must_use]
    pub fn known(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            prompt_tokens: Some(prompt_tokens),
            completion_tokens: Some(completion_tokens),
        }
    }
}

/// Seconds spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Waiting before the model began.
    pub queue: f64,
    /// To the first token, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token: Option<f64>,
    /// From asking to the full answer, retries included.
    pub total: f64,
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The model answered now.
    #[default]
    Live,
    /// The completion cache.
    Cache,
    /// A recording.
    Recording,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The answer.
    pub text: String,
    /// Reasoning shown beside it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reasoning: Option<String>,
    /// Why it ended.
    pub finish: Finish,
    /// What the provider said besides.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub signals: Vec<Signal>,
    /// Scores of the continuations, in the order asked.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub continuations: Vec<ContinuationScore>,
    /// Tokens.
    #[serde(default)]
    pub usage: Usage,
    /// Money.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<Usd>,
    /// Time.
    #[serde(default)]
    pub timing: Timing,
    /// Live, cached or recorded.
    #[serde(default)]
    pub origin: Origin,
    /// When it was given, where that was before the run: it comes from the completion cache.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub given: Option<jiff::Timestamp>,
    /// The provider's whole answer, without secrets: evidence for what was signalled beside the text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub raw: Option<serde_json::Value>,
}

impl Completion {
    /// An answer of words that ended by itself.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            reasoning: None,
            finish: Finish::Stop,
            signals: Vec::new(),
            continuations: Vec::new(),
            usage: Usage::default(),
            cost: None,
            timing: Timing::default(),
            origin: Origin::Live,
            given: None,
            raw: None,
        }
    }

    /// Whether the provider, not the model, kept the answer back.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.finish == Finish::ContentFilter
            || self.signals.iter().any(|s| {
                matches!(
                    s,
                    Signal::PromptBlocked { .. } | Signal::AnswerBlocked { .. }
                )
            })
    }
}
