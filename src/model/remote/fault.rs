//! An error as a server sends it: with an error status or inside a 200, flat or nested, in the shapes of the providers we know.

use std::time::Duration;

use serde_json::Value;

use crate::model::Signal;

/// What an error says.
#[derive(Debug, Default)]
pub(super) struct Fault {
    /// The HTTP status, where it was not a success.
    pub http: Option<u16>,
    /// The status that the body gives.
    pub told: Option<u16>,
    /// Codes and types, in small letters and digits alone; parts between dots also by themselves.
    pub codes: Vec<String>,
    /// The messages: the server's own, and the upstream provider's where a gateway wraps it.
    pub messages: Vec<String>,
    /// The parameter that is refused.
    pub parameter: Option<String>,
    /// Categories of a filter, with their levels.
    pub categories: Vec<Signal>,
    /// Whether a gateway's moderation flagged the input.
    pub flagged: bool,
    /// How long the body asks to wait.
    pub wait: Option<Duration>,
}

impl Fault {
    /// Reads the error in a body; none if it is an answer.
    pub(super) fn inside(body: &Value) -> Option<Self> {
        Self::read(None, body)
    }

    /// Reads the body of an error status.
    pub(super) fn of_status(status: u16, body: &Value) -> Self {
        Self::read(Some(status), body).unwrap_or_else(|| Self {
            http: Some(status),
            ..Self::default()
        })
    }

    fn read(http: Option<u16>, body: &Value) -> Option<Self> {
        // Gemini's endpoint puts the error into a list of one.
        let body = match body {
            Value::Array(list) => list.first()?,
            other => other,
        };
        let is_answer = ["choices", "candidates", "content"]
            .iter()
            .any(|name| body.get(*name).is_some_and(|v| !v.is_null()));
        let inner = ["error", "ErrorMsg", "errors"]
            .iter()
            .find_map(|name| present(body, name))
            .or_else(|| body.pointer("/Response/Error"));
        if inner.is_none()
            && base_resp(body).is_none()
            && (is_answer || !is_flat_error(body))
            && http.is_none()
        {
            return None;
        }
        let mut fault = Self {
            http,
            ..Self::default()
        };
        match inner {
            Some(Value::Array(list)) => list.iter().for_each(|e| fault.add(e)),
            Some(error) => fault.add(error),
            None => {}
        }
        fault.add(body);
        fault.messages.dedup();
        Some(fault)
    }

    /// Reads one object of the error.
    fn add(&mut self, node: &Value) {
        if let Value::String(text) = node {
            return self.add_text(text);
        }
        for name in [
            "code",
            "Code",
            "type",
            "status",
            "error_code",
            "error_type",
            "provider_code",
            "reason",
        ] {
            match node.get(name) {
                Some(Value::String(code)) => self.add_code(code),
                Some(Value::Number(code)) => self.add_code(&code.to_string()),
                _ => {}
            }
        }
        for name in [
            "code",
            "status",
            "http_code",
            "status_code",
            "statusCode",
            "raw_status_code",
        ] {
            self.told = self.told.or_else(|| status(node.get(name)?));
        }
        for name in [
            "message",
            "Message",
            "msg",
            "Msg",
            "error_msg",
            "status_msg",
            "detail",
        ] {
            match node.get(name) {
                Some(Value::String(text)) => self.add_text(text),
                Some(nested @ (Value::Object(_) | Value::Array(_))) => self.add_nested(nested),
                _ => {}
            }
        }
        if let Some(base) = base_resp(node) {
            self.add_base(base);
        }
        if let Some(inner) = node.get("error").filter(|v| v.is_object()) {
            self.add(inner);
        }
        if let Some(parameter) = node.get("param").and_then(Value::as_str) {
            self.parameter.get_or_insert_with(|| parameter.to_owned());
        }
        for inner in ["innererror", "metadata"] {
            if let Some(inner) = node.get(inner).filter(|v| v.is_object()) {
                self.add(inner);
            }
        }
        self.flagged |= present(node, "flagged_input").is_some()
            || node.get("reasons").is_some_and(Value::is_array);
        for results in ["content_filter_result", "content_filter_results"] {
            self.categories.extend(categories(node.get(results)));
        }
        self.categories.extend(levels(node.get("contentFilter")));
        for detail in node
            .get("details")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(reason) = detail.get("reason").and_then(Value::as_str) {
                self.add_code(reason);
            }
            let delay = detail.get("retryDelay").and_then(Value::as_str);
            self.wait = self.wait.or_else(|| seconds(delay?.strip_suffix('s')?));
        }
        if let Some(raw) = node.get("raw") {
            self.add_upstream(raw);
        }
    }

    /// The upstream provider's body, which a gateway hands on as JSON, as text that is JSON, or as text.
    fn add_upstream(&mut self, raw: &Value) {
        let parsed = raw
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        match Self::read(None, parsed.as_ref().unwrap_or(raw)) {
            Some(upstream) => {
                self.codes.extend(upstream.codes);
                upstream.messages.iter().for_each(|m| self.add_text(m));
                self.categories.extend(upstream.categories);
                self.told = self.told.or(upstream.told);
                self.wait = self.wait.or(upstream.wait);
            }
            None => {
                if let Some(text) = raw.as_str() {
                    self.add_text(text);
                }
            }
        }
    }

    /// `MiniMax` says inside a 200 how it went.
    fn add_base(&mut self, base: &Value) {
        if let Some(code) = base.get("status_code").and_then(number) {
            self.codes.push(format!("baseresp{code}"));
        }
        if let Some(text) = base.get("status_msg").and_then(Value::as_str) {
            self.add_text(text);
        }
    }

    /// `FastAPI`'s details: objects with `msg` and the place in the request, or anything that is an error itself.
    fn add_nested(&mut self, nested: &Value) {
        match nested {
            Value::Array(list) => list.iter().for_each(|item| self.add_nested(item)),
            Value::Object(_) => {
                let place = nested.get("loc").and_then(Value::as_array);
                let names = place.into_iter().flatten().filter_map(Value::as_str);
                let names: Vec<&str> = names.filter(|name| *name != "body").collect();
                if !names.is_empty() {
                    self.parameter.get_or_insert_with(|| names.join("."));
                }
                self.add(present(nested, "error").unwrap_or(nested));
            }
            Value::String(text) => self.add_text(text),
            _ => {}
        }
    }

    fn add_code(&mut self, code: &str) {
        let plain = |code: &str| -> String {
            let kept = code.chars().filter(char::is_ascii_alphanumeric);
            kept.map(|c| c.to_ascii_lowercase()).collect()
        };
        self.codes.push(plain(code));
        if code.contains('.') && !code.contains(' ') {
            self.codes.extend(code.split('.').map(plain));
        }
    }

    fn add_text(&mut self, text: &str) {
        let text = text.trim();
        // A gateway's message that is a provider's body, alone or behind the gateway's own words.
        if let Some(body) = wrapped_body(text).filter(Value::is_object) {
            self.add_upstream(&body);
        }
        if !text.is_empty() && !self.messages.iter().any(|m| m.contains(text)) {
            self.messages.push(text.to_owned());
        }
    }

    /// Whether one of the codes is among those given.
    pub(super) fn has_code(&self, known: &[&str]) -> bool {
        self.codes.iter().any(|code| known.contains(&code.as_str()))
    }

    /// The status that counts: that of HTTP, or the body's where it is the graver one or comes inside a 200.
    pub(super) fn status(&self) -> Option<u16> {
        match (self.http, self.told) {
            (Some(400) | None, Some(told)) => Some(told),
            (http, _) => http,
        }
    }

    /// Its messages in one.
    pub(super) fn message(&self) -> Option<String> {
        (!self.messages.is_empty()).then(|| self.messages.join(": "))
    }
}

/// Azure's categories, those that were filtered.
pub(super) fn categories(results: Option<&Value>) -> impl Iterator<Item = Signal> + use<> {
    let found: Vec<Signal> = results
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, r)| r.get("filtered").and_then(Value::as_bool) == Some(true))
        .map(|(category, r)| Signal::Moderation {
            category: category.clone(),
            level: r
                .get("severity")
                .and_then(Value::as_str)
                .unwrap_or("filtered")
                .to_owned(),
        })
        .collect();
    found.into_iter()
}

/// Zhipu's levels, by whose text was filtered: `[{"level": 1, "role": "user"}]`, 0 the gravest.
fn levels(filter: Option<&Value>) -> impl Iterator<Item = Signal> + use<> {
    let found: Vec<Signal> = filter
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            Some(Signal::Moderation {
                category: entry.get("role")?.as_str()?.to_owned(),
                level: entry.get("level")?.to_string(),
            })
        })
        .collect();
    found.into_iter()
}

/// The body that a gateway quotes behind words that name an error, as JSON or as Python writes it. What was asked is echoed behind other
/// words, if at all.
fn wrapped_body(text: &str) -> Option<Value> {
    let at = text.find('{')?;
    let before = text[..at].trim_end_matches(['b', '\'', '"']).trim_end();
    let words = before.trim_end_matches([':', '-', ' ']);
    let last = words
        .rsplit([' ', ':'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let names_an_error = words.is_empty()
        || last.ends_with("error")
        || last.ends_with("exception")
        || last.parse::<u16>().is_ok();
    if !names_an_error {
        return None;
    }
    let end = text[at..].rfind('}')?;
    let quoted = &text[at..=at + end];
    let first = |text: &str| {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        values.next().and_then(Result::ok)
    };
    first(quoted).or_else(|| first(&quoted.replace('\'', "\"").replace("None", "null")))
}

/// A whole number, or a text of its digits.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// `MiniMax`'s account of how it went, where it went wrong.
fn base_resp(node: &Value) -> Option<&Value> {
    node.get("base_resp").filter(|base| {
        let code = base.get("status_code").and_then(number);
        code.is_some_and(|code| code != 0)
    })
}

/// Whether an object without `error` is one: `{"detail": …}`, or a message with a code or the like alongside it.
fn is_flat_error(body: &Value) -> bool {
    let says = ["message", "msg", "error_msg"]
        .iter()
        .any(|name| present(body, name).is_some_and(Value::is_string));
    let classes = ["code", "type", "status", "error_code", "success", "object"]
        .iter()
        .any(|name| body.get(*name).is_some());
    present(body, "detail").is_some() || says && classes
}

/// A field that holds something.
pub(super) fn present<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|v| holds_something(v))
}

/// Gateways put an empty error alongside a good answer: `{"code": 0, "message": ""}`.
fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => fields.values().any(holds_something),
        Value::Array(items) => items.iter().any(holds_something),
    }
}

/// An HTTP error status, as a number or in digits.
fn status(value: &Value) -> Option<u16> {
    let code = value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    u16::try_from(code).ok().filter(|s| (400..600).contains(s))
}

/// A number of seconds as a duration; one that is beyond all measure is the longest there is.
pub(super) fn seconds(written: &str) -> Option<Duration> {
    let seconds: f64 = written.trim().parse().ok()?;
    (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_found_behind_words_that_name_an_error_and_nowhere_else() {
        let body = wrapped_body("litellm.BadRequestError: XException - b'{\"a\": 1}'. And more");
        assert_eq!(body, Some(serde_json::json!({"a": 1})));
        assert_eq!(
            wrapped_body("Error code: 400 - {'a': None}"),
            Some(serde_json::json!({"a": null}))
        );
        assert_eq!(wrapped_body("You asked: {\"a\": 1}"), None);
        for odd in ["}error: {", "error: {", "error: {}{", "{", "}{"] {
            let _ = wrapped_body(odd);
        }
    }
}
