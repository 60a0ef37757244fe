//! One finished trial: a line of the journal.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Attempts, Completion, ErrorClass, Finish, ModelError, Prompt, RequestKey, Usd};
use crate::score::Score;
use crate::suite::Pairing;

/// Names a trial: the same question to the same model in the same epoch, for the same sample of the same suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrialKey([u8; 32]);

impl TrialKey {
    /// BLAKE3 of the request's key and the sample it was made for. Two samples may ask the same words; each is its own trial,
    /// while the completion cache knows them as one request.
    #[must_use]
    pub fn new(request: &RequestKey, suite: &str, sample: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(request.as_bytes())
            .update(suite.as_bytes())
            .update(&[0])
            .update(sample.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

impl TrialKey {
    /// Its hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for TrialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl FromStr for TrialKey {
    type Err = blake3::HexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes()))
    }
}

impl Serialize for TrialKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TrialKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TrialStatus {
    /// There is an answer.
    Ok,
    /// The provider marked the answer as a refusal.
    Refused,
    /// A filter before or behind the model kept the answer back: an outcome, not a failure.
    BlockedUpstream,
    /// The token limit cut the answer.
    Truncated,
    /// No answer, for a reason that says nothing about the model.
    Error,
}

impl TrialStatus {
    /// The status that a completion has.
    #[must_use]
    pub fn of(completion: &Completion) -> Self {
        match completion.finish {
            _ if completion.is_blocked() => Self::BlockedUpstream,
            Finish::Refusal => Self::Refused,
            Finish::Length => Self::Truncated,
            Finish::Error => Self::Error,
            Finish::Stop | Finish::ContentFilter | Finish::Unknown => Self::Ok,
        }
    }

    /// The name used in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::BlockedUpstream => "blocked_upstream",
            Self::Truncated => "truncated",
            Self::Error => "error",
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub class: ErrorClass,
    /// In words.
    pub message: String,
}

impl From<&ModelError> for Failure {
    fn from(error: &ModelError) -> Self {
        Self {
            class: error.class,
            message: error.message.clone(),
        }
    }
}

/// A judge that could not be asked about an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unjudged {
    /// The judge's specification.
    pub judge: String,
    /// Why it could not be asked.
    pub failure: Failure,
}

/// The stratum that names the upstream which served an answer, where a server says so.
pub const ROUTE: &str = "route";

/// One finished trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Its name.
    pub trial: TrialKey,
    /// Its place in the order that was drawn before the run.
    pub schedule_index: u64,
    /// The model's name.
    pub model: String,
    /// The suite's name.
    pub suite: String,
    /// The sample's id.
    pub sample: String,
    /// The epoch, from 0.
    pub epoch: u32,
    /// Its place in a matched design.
    #[serde(flatten)]
    pub pairing: Pairing,
    /// What it is broken down by.
    pub strata: BTreeMap<String, String>,
    /// The right answers, for those who read the transcript.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub targets: Vec<String>,
    /// What was asked.
    pub prompt: Prompt,
    /// Seed of the draw.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed: Option<u64>,
    /// How it ended.
    pub status: TrialStatus,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub completion: Option<Completion>,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<Failure>,
    /// The verdicts.
    #[serde(default)]
    pub scores: Vec<Score>,
    /// Judges that could not be asked: the answer is kept, and they are asked on resume.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unjudged: Vec<Unjudged>,
    /// The requests behind the answer or the failure, where they say more than the answer: there were several, or there is no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempts: Option<Attempts>,
    /// What this line's trial took in US dollars, the model's answer and its judges together; the most it can have been, where the
    /// server did not count. None if nothing was paid or no price is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spent: Option<Usd>,
    /// When it ended.
    pub finished: Timestamp,
}
