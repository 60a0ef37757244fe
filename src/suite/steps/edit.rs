//! Steps that write texts anew.

use std::collections::BTreeMap;

use fancy_regex::Regex;
use minijinja::Environment;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field;
use crate::files::Row;
use crate::suite::template;

/// What is replaced, where, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    /// Fields that hold a text, or a list of texts.
    pub fields: Vec<String>,
    /// What is replaced, as Python reads a pattern.
    pub pattern: String,
    /// What is there instead; `$1` is the pattern's first group.
    pub with: String,
}

impl Replace {
    pub(super) fn of_row(&self, mut row: Row, pattern: Option<&Regex>) -> Result<Row, String> {
        let replaced = |text: &str| match pattern {
            None => Ok(text.to_owned()),
            Some(pattern) => pattern
                .try_replacen(text, 0, self.with.as_str())
                .map(std::borrow::Cow::into_owned)
                .map_err(|e| e.to_string()),
        };
        for name in &self.fields {
            let wrong = || format!("its '{name}' is neither a text nor a list of texts");
            let value = match field(&row, name)? {
                Value::String(text) => Value::String(replaced(text)?),
                Value::Array(items) => {
                    let texts = items.iter().map(|item| item.as_str().ok_or_else(wrong));
                    let replaced = texts.map(|text| text.and_then(&replaced).map(Value::String));
                    Value::Array(replaced.collect::<Result<_, _>>()?)
                }
                _ => return Err(wrong()),
            };
            row.insert(name.clone(), value);
        }
        Ok(row)
    }
}

/// The row with fields that templates give.
pub(super) fn set(
    mut row: Row,
    templates: &BTreeMap<String, String>,
    environment: &Environment<'_>,
) -> Result<Row, String> {
    let values: Vec<(String, Value)> = templates
        .iter()
        .map(|(name, source)| {
            let text = template::render_source(environment, name, source, Serde(&row))?;
            Ok((name.clone(), Value::String(text)))
        })
        .collect::<Result<_, String>>()?;
    row.extend(values);
    Ok(row)
}
