//! The request in a server's terms, without the settings that the server has refused.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::providers::{Dialect, Schema};
use crate::model::{Prompt, Request, Role};

/// A setting that some servers refuse. A request without it is still the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    MaxTokens,
    Temperature,
    TopP,
    TopK,
    Stop,
    Seed,
    ResponseFormat,
    StreamOptions,
}

impl Setting {
    const ALL: [Self; 8] = [
        Self::ResponseFormat,
        Self::MaxTokens,
        Self::Temperature,
        Self::TopP,
        Self::TopK,
        Self::Stop,
        Self::Seed,
        Self::StreamOptions,
    ];

    /// Its names in a request.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::MaxTokens => &["max_tokens", "max_completion_tokens"],
            Self::Temperature => &["temperature"],
            Self::TopP => &["top_p"],
            Self::TopK => &["top_k"],
            Self::Stop => &["stop"],
            Self::Seed => &["seed", "random_seed"],
            Self::ResponseFormat => &["response_format"],
            Self::StreamOptions => &["stream_options"],
        }
    }

    /// The name that a request has it under.
    fn sent_as(self, body: &Value) -> Option<&'static str> {
        self.names().iter().copied().find(|n| body.get(n).is_some())
    }

    /// Whether a request holds it as it is sent to a server of which nothing is known.
    pub(super) fn is_default_in(self, body: &Value, dialect: &Dialect) -> bool {
        match self {
            Self::MaxTokens => body.get(dialect.max_tokens).is_some(),
            other => other.sent_as(body).is_some(),
        }
    }

    /// What happens without it, for a person.
    pub(super) fn consequence(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens; its other name is used from now on",
            Self::Temperature => "a temperature; its default is used from now on",
            Self::TopP => "top_p; its default is used from now on",
            Self::TopK => "top_k; answers are sampled from all tokens from now on",
            Self::Stop => "stop strings; candor truncates answers at them from now on",
            Self::Seed => "a seed; answers are sampled without one from now on",
            Self::ResponseFormat => "a JSON schema; none is sent from now on",
            Self::StreamOptions => "stream_options; its streams may lack token counts",
        }
    }
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: Role,
    content: &'a str,
}

/// Settings that somebody asked for and a server is known not to take.
pub(super) fn untaken(
    model: &str,
    request: &Request,
    dialect: &Dialect,
) -> impl Iterator<Item = Setting> {
    let asked = &request.parameters;
    let samples = dialect.samples(model);
    let top_p = (asked.top_p.is_some() && !samples).then_some(Setting::TopP);
    let top_k = (asked.top_k.is_some() && !(samples && dialect.top_k)).then_some(Setting::TopK);
    top_p.into_iter().chain(top_k)
}

/// The body of a request.
pub(super) fn body(
    model: &str,
    request: &Request,
    dialect: &Dialect,
    stream: bool,
    refused: &BTreeSet<Setting>,
) -> Value {
    let parameters = &request.parameters;
    let messages: Vec<WireMessage> = match &request.prompt {
        Prompt::Text(text) => vec![WireMessage {
            role: Role::User,
            content: text,
        }],
        Prompt::Chat(messages) => messages
            .iter()
            .map(|m| WireMessage {
                role: m.role,
                content: &m.content,
            })
            .collect(),
    };
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", json!(model));
    set("messages", json!(messages));
    let limit = match (refused.contains(&Setting::MaxTokens), dialect.max_tokens) {
        (false, name) => name,
        (true, "max_tokens") => "max_completion_tokens",
        (true, _) => "max_tokens",
    };
    set(limit, json!(parameters.max_tokens));
    let takes = |setting: Setting| !refused.contains(&setting);
    if takes(Setting::Temperature) && dialect.samples(model) {
        set("temperature", json!(parameters.temperature));
    }
    if let Some(top_p) = parameters
        .top_p
        .filter(|_| takes(Setting::TopP) && dialect.samples(model))
    {
        set("top_p", json!(top_p));
    }
    if let Some(top_k) = parameters
        .top_k
        .filter(|_| takes(Setting::TopK) && dialect.samples(model))
    {
        set("top_k", json!(top_k));
    }
    if !parameters.stop.is_empty() && takes(Setting::Stop) {
        // The API takes at most four; the others are applied to the text that comes back.
        let first = parameters.stop.iter().take(4);
        set("stop", json!(first.collect::<Vec<_>>()));
    }
    if let Some(schema) = &parameters.response_schema
        && takes(Setting::ResponseFormat)
    {
        let named = json!({"name": "answer", "strict": true, "schema": schema});
        match dialect.schema {
            Schema::Json => set(
                "response_format",
                json!({"type": "json_schema", "json_schema": named}),
            ),
            Schema::AnyJson => set("response_format", json!({"type": "json_object"})),
        };
    }
    if stream {
        set("stream", true.into());
        if dialect.stream_options && takes(Setting::StreamOptions) {
            set("stream_options", json!({"include_usage": true}));
        }
    }
    if let (Some(seed), Some(name)) = (parameters.seed, dialect.seed)
        && takes(Setting::Seed)
    {
        // Some servers read the seed as a signed 32-bit integer.
        set(name, json!(seed & 0x7fff_ffff));
    }
    Value::Object(body)
}

/// Phrases by which servers say that they do not take a parameter at all, rather than its value.
const NOT_TAKEN: &[&str] = &[
    "unsupported",
    "not support",
    "unknown name",
    "unknown parameter",
    "unrecognized",
    "unexpected",
    "not permitted",
    "not allowed",
    "extra inputs",
    "extra_forbidden",
    "deprecated",
    "cannot both be",
    "not compatible",
    "use 'max_",
];

/// What is said of a response format that is not taken, by its name or not.
const FORMATS: &[&str] = &[
    "response_format",
    "response format",
    "json_schema",
    "json schema",
];

/// The setting of a request that an error refuses.
pub(super) fn refused_setting(fault: &Fault, sent: &Value) -> Option<Setting> {
    if !matches!(fault.status(), Some(400 | 404 | 422 | 501)) || fault.verdict().is_some() {
        return None;
    }
    let messages: Vec<String> = fault.messages.iter().map(|m| m.to_lowercase()).collect();
    let say = |phrase: &&str| {
        let texts = messages.iter().chain(&fault.codes);
        texts.into_iter().any(|text| text.contains(phrase))
    };
    let not_taken = NOT_TAKEN.iter().any(say);
    Setting::ALL.into_iter().find(|setting| {
        let Some(name) = setting.sent_as(sent) else {
            return false;
        };
        let parameter = fault.parameter.as_deref().unwrap_or_default();
        let rest = parameter.strip_prefix(name);
        let as_parameter = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if *setting == Setting::ResponseFormat {
            return as_parameter || FORMATS.iter().any(say);
        }
        not_taken && as_parameter
            || messages.iter().any(|message| {
                not_taken && is_quoted(message, name) || is_out_of_range(message, name)
            })
    })
}

/// Whether a text in small letters opens with words on a setting's value: `invalid temperature: only 1 is allowed`.
fn is_out_of_range(text: &str, name: &str) -> bool {
    if !matches!(name, "temperature" | "top_p" | "top_k" | "seed") {
        return false;
    }
    let rest = text.strip_prefix("invalid ").unwrap_or(text);
    rest.strip_prefix(name).is_some_and(|rest| {
        rest.starts_with(": ") && rest.contains("only") || rest.starts_with(" must")
    })
}

/// Whether a text quotes a name, or ends in it, rather than having it inside another word.
fn is_quoted(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        let quoted = before.is_some_and(|c| matches!(c, '\'' | '"' | '`'));
        let last = after.is_none() || text[at + name.len()..].trim().is_empty();
        !before.is_some_and(is_part) && !after.is_some_and(is_part) && (quoted || last)
    })
}
