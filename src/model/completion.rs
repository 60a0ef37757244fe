//! What a model answered, with everything the provider said alongside the text.

use serde::{Deserialize, Serialize};

/// US dollars.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(pub f64);

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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

/// Something a provider said about an answer alongside its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Signal {
    /// A refusal field alongside the content.
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
        /// The HTTP status, if there was one.
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

/// Tokens counted, and money where a server names it. What nobody counted is unknown, which is not 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens written, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// Those of the tokens read that came from the provider's cache, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Those of the tokens read that were put into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// Those of the tokens written that were thinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// What the server itself says that this cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
}

impl Usage {
    /// Both counts known.
    #[must_use]
    pub fn new(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            prompt_tokens: Some(prompt_tokens),
            completion_tokens: Some(completion_tokens),
            ..Self::default()
        }
    }

    /// Nothing was read, written or billed.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            cost: Some(Usd(0.0)),
            ..Self::new(0, 0)
        }
    }

    /// Both together: unknown where one of the two is.
    #[must_use]
    fn plus(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        // Of what is part of a count, nothing is known as none.
        let part = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        Self {
            cached_tokens: part(self.cached_tokens, other.cached_tokens),
            cache_write_tokens: part(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens: part(self.reasoning_tokens, other.reasoning_tokens),
            prompt_tokens: sum(self.prompt_tokens, other.prompt_tokens),
            completion_tokens: sum(self.completion_tokens, other.completion_tokens),
            cost: self.cost.zip(other.cost).map(|(a, b)| Usd(a.0 + b.0)),
        }
    }
}

/// What a model was spared because prompts begin alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedTokens {
    /// Tokens of all prompts and continuations.
    pub tokens: u64,
    /// Those of them that had been read before, at the beginning of another.
    pub shared: u64,
}

/// What a model in this process is at: as of its last step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// Texts that run side by side.
    pub running: usize,
    /// Texts that wait to join them.
    pub waiting: usize,
    /// Tokens that went through the model so far, of prompts and of answers; what was shared is none of them.
    pub read: u64,
    /// What was shared so far.
    pub shared: SharedTokens,
}

impl SharedTokens {
    /// The share of tokens that had been read before; none where there were no tokens.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let share = self.shared as f64 / self.tokens as f64;
        (self.tokens > 0).then_some(share)
    }
}

/// The requests behind an answer or a failure, together: those that failed, or brought no word, included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempts {
    /// Requests sent.
    pub sent: u32,
    /// What all of them took.
    pub usage: Usage,
    /// US dollars: as the server says, else by its counts at list prices, and where it did not count, the most that it can have been.
    /// None if no price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<Usd>,
}

impl Attempts {
    /// Adds a request.
    pub fn add(&mut self, usage: Usage, spent: Option<Usd>) {
        self.usage = match self.sent {
            0 => usage,
            _ => self.usage.plus(usage),
        };
        self.spent = match (self.spent, spent) {
            (Some(before), Some(now)) => Some(Usd(before.0 + now.0)),
            (before, now) => before.or(now),
        };
        self.sent += 1;
    }

    /// Both together.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        let (one, none) = (self.sent > 0, more.sent == 0);
        Self {
            sent: self.sent + more.sent,
            usage: match (one, none) {
                (true, true) => self.usage,
                (true, false) => self.usage.plus(more.usage),
                (false, _) => more.usage,
            },
            spent: match (self.spent, more.spent) {
                (Some(before), Some(now)) => Some(Usd(before.0 + now.0)),
                (before, now) => before.or(now),
            },
        }
    }
}

/// Seconds spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum Origin {
    /// The model answered now.
    #[default]
    Live,
    /// The completion cache.
    Cache,
    /// A recording.
    Recording,
}

/// Who served an answer, as far as the server tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Served {
    /// The upstream that a gateway sent the request to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The model, by the server's own name for what answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The server's mark of its configuration (`system_fingerprint`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Served {
    fn is_untold(&self) -> bool {
        *self == Self::default()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Completion {
    /// The answer.
    pub text: String,
    /// Further answers to the same request, where its task scores several together.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub others: Vec<String>,
    /// Reasoning shown alongside it.
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
    /// Money, that of requests before it which failed or brought no word included; none if it is not exactly known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<Usd>,
    /// The requests that it took now: none if it comes from a cache or a recording.
    #[serde(skip)]
    pub attempts: Attempts,
    /// Time.
    #[serde(default)]
    pub timing: Timing,
    /// Live, cached or recorded.
    #[serde(default)]
    pub origin: Origin,
    /// When it was given, where that was before the run: it comes from the completion cache.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub given: Option<jiff::Timestamp>,
    /// Who served it.
    #[serde(skip_serializing_if = "Served::is_untold", default)]
    pub served: Served,
    /// How often it came without a word: as often as it was asked for where it is empty, before it came where it is not.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub empty_replies: u32,
    /// The provider's whole answer, without secrets: evidence for what was signalled alongside the text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub raw: Option<serde_json::Value>,
}

impl Completion {
    /// An answer of words that ended by itself.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            others: Vec::new(),
            reasoning: None,
            finish: Finish::Stop,
            signals: Vec::new(),
            continuations: Vec::new(),
            usage: Usage::default(),
            cost: None,
            attempts: Attempts::default(),
            timing: Timing::default(),
            origin: Origin::Live,
            given: None,
            served: Served::default(),
            empty_replies: 0,
            raw: None,
        }
    }

    /// With the scores of more continuations, and what they took.
    pub(super) fn followed_by(mut self, more: Self) -> Self {
        self.continuations.extend(more.continuations);
        self.usage = self.usage.plus(more.usage);
        self.timing.total += more.timing.total;
        self
    }

    /// With another answer to the same request, and what that took.
    #[must_use]
    pub fn joined_by(mut self, other: Self) -> Self {
        self.others.push(other.text);
        self.usage = self.usage.plus(other.usage);
        self.cost = self.cost.zip(other.cost).map(|(a, b)| Usd(a.0 + b.0));
        self.timing.total += other.timing.total;
        self.attempts = self.attempts.and(other.attempts);
        self.given = self.given.or(other.given);
        self
    }

    /// Whether the model said or thought anything.
    #[must_use]
    pub fn has_words(&self) -> bool {
        !self.text.trim().is_empty() || self.reasoning.is_some()
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
