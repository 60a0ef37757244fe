//! Settings that some servers refuse: known beforehand, or learned from their errors.

use serde_json::Value;

use super::fault::Fault;
use super::quirks::Quirks;
use crate::model::Request;

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
            Self::Stop => &["stop", "stop_sequences"],
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
    pub(super) fn is_default_in(self, body: &Value, quirks: &Quirks) -> bool {
        match self {
            Self::MaxTokens => body.get(quirks.max_tokens).is_some(),
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

/// Settings that somebody asked for and a server, or its API, is known not to take.
pub(super) fn untaken(
    model: &str,
    request: &Request,
    quirks: &Quirks,
    lacks: &[Setting],
) -> impl Iterator<Item = Setting> {
    let asked = &request.parameters;
    let samples = quirks.samples(model);
    let has = |setting| !lacks.contains(&setting);
    [
        (Setting::TopP, asked.top_p.is_some() && !samples),
        (
            Setting::TopK,
            asked.top_k.is_some() && !(samples && quirks.top_k && has(Setting::TopK)),
        ),
        (Setting::Stop, !asked.stop.is_empty() && !has(Setting::Stop)),
        (Setting::Seed, asked.seed.is_some() && !has(Setting::Seed)),
        (
            Setting::ResponseFormat,
            asked.response_schema.is_some() && !has(Setting::ResponseFormat),
        ),
    ]
    .into_iter()
    .filter_map(|(setting, is_left_out)| is_left_out.then_some(setting))
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
