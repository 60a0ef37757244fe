//! What a setting such as `doc_to_text` gives for a document: a field of it, a template over it, a number or a list.

use serde_json::Value;

use super::config::Config;
use super::error::TaskError;
use super::template;
use crate::files::{Row, from_python};
use crate::text::is_digits;

/// A setting that reads documents.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::suite) enum Field {
    /// The same number for every document.
    Number(i64),
    /// The name of a field where a document has it, else a template.
    Text(String),
    /// The same list for every document.
    List(Vec<Value>),
}

impl Field {
    /// Reads a setting; none where it is not there.
    pub(in crate::suite) fn read(
        config: &Config,
        key: &str,
        value: Option<&Value>,
    ) -> Result<Option<Self>, TaskError> {
        let Some(value) = value else { return Ok(None) };
        Ok(Some(match value {
            Value::Number(number) => Self::Number(
                number
                    .as_i64()
                    .ok_or_else(|| config.wrong(key, "it is not a whole number"))?,
            ),
            Value::String(text) => {
                template::parse(text).map_err(|why| config.wrong(key, why))?;
                Self::Text(text.clone())
            }
            Value::Array(items) => Self::List(items.clone()),
            // The choices of a mapping are its values.
            Value::Object(fields) => Self::List(fields.values().cloned().collect()),
            _ => return Err(config.wrong(key, "it is neither a text, a number nor a list")),
        }))
    }

    /// The text of a document, or the number of its choice that is the text: `doc_to_text`.
    pub(in crate::suite) fn text(&self, document: &Row, choosing: bool) -> Result<Value, String> {
        match self {
            Self::Number(number) => Ok((*number).into()),
            Self::List(_) => Err("the text of a document is a list".into()),
            Self::Text(source) => {
                if let Some(value) = document.get(source) {
                    return Ok(value.clone());
                }
                let text = template::render(source, document)?;
                if choosing && is_digits(&text) {
                    literal(&text)
                } else {
                    Ok(text.into())
                }
            }
        }
    }

    /// The right answer, as a text, a number or a list of either: `doc_to_target`.
    pub(in crate::suite) fn target(&self, document: &Row, choosing: bool) -> Result<Value, String> {
        match self {
            Self::Number(number) => Ok((*number).into()),
            Self::List(items) => Ok(items.clone().into()),
            Self::Text(source) => {
                if let Some(value) = document.get(source) {
                    return Ok(value.clone());
                }
                let text = template::render(source, document)?;
                if choosing && is_digits(&text) {
                    literal(&text)
                } else if text.len() >= 2 && text.starts_with('[') && text.ends_with(']') {
                    Ok(literal(&text).unwrap_or_else(|_| text.into()))
                } else {
                    Ok(text.into())
                }
            }
        }
    }

    /// The choices, in order: `doc_to_choice`.
    pub(in crate::suite) fn choices(&self, document: &Row) -> Result<Vec<String>, String> {
        let value = match self {
            Self::Number(_) => return Err("the choices of a document are a number".into()),
            Self::List(items) => Value::Array(items.clone()),
            Self::Text(source) => match document.get(source) {
                Some(value) => value.clone(),
                None => literal(&template::render(source, document)?)?,
            },
        };
        let Value::Array(items) = value else {
            return Err(format!("its choices are {value}, which is not a list"));
        };
        let text = |item: Value| match item {
            Value::String(text) => Ok(text),
            other => Err(format!("its choice {other} is not a text")),
        };
        items.into_iter().map(text).collect()
    }

    /// The name of the one field that it may be, or the template.
    pub(in crate::suite) fn source(&self) -> Option<&str> {
        match self {
            Self::Text(source) => Some(source),
            _ => None,
        }
    }
}

/// `ast.literal_eval`.
fn literal(text: &str) -> Result<Value, String> {
    if text.len() > 1
        && text.starts_with('0')
        && is_digits(text)
        && !text.trim_matches('0').is_empty()
    {
        return Err(format!("'{text}' is not a number that Python reads"));
    }
    from_python(text).map_err(|why| {
        let start: String = text.chars().take(80).collect();
        format!("'{start}' is not a Python value: {why}")
    })
}

/// The text that a document has under a name, or that a template over it gives; none where there is none.
pub(in crate::suite) fn resolve(
    document: &Row,
    source: Option<&str>,
) -> Result<Option<String>, String> {
    match source.filter(|s| !s.is_empty()) {
        None => Ok(None),
        Some(source) => match document.get(source) {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            Some(other) => Err(format!(
                "its field '{source}' is {other}, which is not a text"
            )),
            None => template::render(source, document).map(Some),
        },
    }
}
