//! Values of foreign JSON: what a field holds, where it holds what is expected.

use std::path::Path;

use serde_json::Value;

use super::{ImportError, input};
use crate::files::{Repairs, from_json, read_text_within};
use crate::model::{Message, Prompt, Role};

/// The largest JSON file that is read whole.
pub(super) const MAX_JSON_BYTES: u64 = 1 << 30;

/// Reads a JSON file.
pub(super) fn json_file(path: &Path) -> Result<Value, ImportError> {
    let text = read_text_within(path, MAX_JSON_BYTES);
    let text = text.map_err(|e| input(path, format!("cannot be read: {e}")))?;
    let (value, repairs): (Value, Repairs) =
        from_json(&text).map_err(|e| input(path, format!("not valid JSON: {e}")))?;
    repairs.log(&path.display().to_string());
    Ok(value)
}

/// A text; that of a number or a truth value too. None for anything else.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The same, with lists and objects as the JSON they are.
pub(super) fn any_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        plain => text(plain).or_else(|| Some(plain.to_string())),
    }
}

/// Texts: one, or a list of them.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().filter_map(any_text).collect(),
        one => any_text(one).into_iter().collect(),
    }
}

/// A number that is one; 1 or 0 for a truth value.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        other => other.as_f64().filter(|n| n.is_finite()),
    }
}

/// A field that is not null.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|v| !v.is_null())
}

/// A field's text, if it has any.
pub(super) fn text_of(value: &Value, name: &str) -> Option<String> {
    field(value, name)
        .and_then(text)
        .filter(|t| !t.trim().is_empty())
}

/// What a message says, and the reasoning in it: its content is a text, or parts of one.
pub(super) fn content(message: &Value) -> (String, Option<String>) {
    let parts = match field(message, "content") {
        Some(Value::Array(parts)) => parts.as_slice(),
        Some(Value::String(text)) => return (text.clone(), None),
        _ => &[],
    };
    let of = |kind: &str, fields: &[&str]| {
        let own = parts
            .iter()
            .filter(|p| field(p, "type").and_then(Value::as_str) == Some(kind));
        let said = own.filter_map(|p| fields.iter().find_map(|f| text_of(p, f)));
        said.collect::<Vec<_>>().join("\n")
    };
    let reasoning = of("reasoning", &["reasoning", "summary"]);
    let plain = parts.iter().filter_map(Value::as_str);
    let said = [of("text", &["text"]), plain.collect::<Vec<_>>().join("\n")].concat();
    (said, (!reasoning.is_empty()).then_some(reasoning))
}

/// A chat of messages with roles. A tool's words are the user's side of the conversation, under the tool's name.
pub(super) fn chat(messages: &[Value]) -> Prompt {
    let message = |message: &Value| {
        let (content, _) = content(message);
        let said = match field(message, "role").and_then(Value::as_str) {
            Some("system" | "developer") => (Role::System, content),
            Some("assistant") => (Role::Assistant, content),
            Some("tool") => {
                let tool = text_of(message, "function").or_else(|| text_of(message, "name"));
                let tool = tool.unwrap_or_else(|| "tool".into());
                (Role::User, format!("[{tool}]\n{content}"))
            }
            _ => (Role::User, content),
        };
        Message {
            role: said.0,
            content: said.1,
        }
    };
    Prompt::Chat(messages.iter().map(message).collect())
}
