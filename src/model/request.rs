//! What is asked of a model: prompt, parameters, and whether words or log-likelihoods are wanted.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who speaks in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions that frame the conversation.
    System,
    /// The person asking.
    User,
    /// The model.
    Assistant,
}

/// One turn of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// A rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prompt {
    /// Plain text to be continued.
    Text(String),
    /// Messages to be answered.
    Chat(Vec<Message>),
}

impl Prompt {
    /// The prompt as a person would read it: the text, or the messages with their roles where there are several.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Chat(messages) => match messages.as_slice() {
                [only] => only.content.clone(),
                many => many
                    .iter()
                    .map(|m| format!("[{}]\n{}", serde_name(m.role), m.content))
                    .collect::<Vec<_>>()
                    .join("\n\n"),
            },
        }
    }

    /// Its tokens at most: no tokenizer makes more of a text than it has bytes.
    #[must_use]
    pub fn most_tokens(&self) -> u64 {
        self.display().len() as u64
    }

    /// What the user said last: the part that carries the question.
    #[must_use]
    pub fn question(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Chat(messages) => messages
                .iter()
                .rev()
                .find(|m| m.role == Role::User)
                .map_or("", |m| &m.content),
        }
    }
}

fn serde_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// How an answer is decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Most tokens to generate.
    pub max_tokens: u32,
    /// 0 is greedy.
    pub temperature: f64,
    /// Nucleus sampling: the smallest set of tokens whose probability reaches this share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Top-k: sample from the k most likely tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Min-p: sample only from tokens that have at least this share of the most likely one's probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// What logits above 0 of tokens that prompt or answer have are divided by, and others multiplied by; 1 changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
    /// What is taken off the logits of tokens that the answer has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// What is taken off the logits of tokens for each time that the answer has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// What is added to logits, by token id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub logit_bias: BTreeMap<u32, f64>,
    /// Strings that end the answer; they are not part of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// JSON Schema that the answer is held to, where the model can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<serde_json::Value>,
    /// Sampling seed. A run derives one per trial from its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            max_tokens: 1024,
            temperature: 0.0,
            top_p: None,
            top_k: None,
            min_p: None,
            repetition_penalty: None,
            presence_penalty: None,
            frequency_penalty: None,
            logit_bias: BTreeMap::new(),
            stop: Vec::new(),
            response_schema: None,
            seed: None,
        }
    }
}

/// What is wanted of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wanted {
    /// An answer in words.
    Generate,
    /// The log-likelihood of each continuation of the one prompt.
    LogLikelihood {
        /// The continuations, exactly as they follow the prompt.
        continuations: Vec<String>,
    },
    /// The log-likelihood of each continuation of a prompt of its own; the request's prompt is the first.
    LogLikelihoods {
        /// Prompts, each with its continuation.
        pairs: Vec<(Prompt, String)>,
    },
}

/// Where a request comes from: lets a recording find its answer. It is not part of the question, nor of any key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SampleRef {
    /// The suite's name.
    pub suite: String,
    /// The sample's id within it.
    pub id: String,
    /// The repeat, from 0.
    pub epoch: u32,
    /// The sample's fields.
    pub fields: BTreeMap<String, serde_json::Value>,
}

/// One question to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The rendered prompt.
    pub prompt: Prompt,
    /// How to decode.
    pub parameters: Parameters,
    /// Words or log-likelihoods.
    pub wanted: Wanted,
    /// The sample behind the request.
    #[serde(skip)]
    pub about: SampleRef,
}

/// Cache key: identifies a request to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey([u8; 32]);

impl RequestKey {
    /// BLAKE3 of the model's fingerprint, the canonical request (its JSON, keys in declared order) and the epoch.
    ///
    /// # Panics
    /// Never: a request is plain data and always serialises.
    #[must_use]
    pub fn new(fingerprint: &str, request: &Request, epoch: u32) -> Self {
        let canonical =
            serde_json::to_vec(request).expect("a request is plain data and always serialises");
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(fingerprint.as_bytes())
            .update(&[0])
            .update(&canonical)
            .update(&[0])
            .update(&epoch.to_le_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The key as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for RequestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// Ends `text` before the first stop string in it; says whether one was found.
pub(super) fn cut_at_stop(text: &mut String, stop: &[String]) -> bool {
    let first = stop
        .iter()
        .filter(|s| !s.is_empty())
        .filter_map(|s| text.find(s.as_str()))
        .min();
    if let Some(at) = first {
        text.truncate(at);
    }
    first.is_some()
}
