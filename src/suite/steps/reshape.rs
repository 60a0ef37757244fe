//! Steps that make lists of texts and fields, and rows of lists.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{field, taken};
use crate::files::Row;
use crate::text::excerpt;

/// Which field becomes rows, and what its entries are called there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explode {
    /// A list or a mapping. The new rows do not have it.
    pub field: String,
    /// The field that an entry's key goes to, or its index from 0 in a list; nowhere where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The field that an entry's value goes to.
    pub value: String,
}

impl Explode {
    pub(super) fn of_row(&self, mut row: Row) -> Result<Vec<Row>, String> {
        let entries: Vec<(Value, Value)> = match taken(&mut row, &self.field)? {
            Value::Array(values) => {
                let numbered = values.into_iter().enumerate();
                numbered.map(|(i, v)| (Value::from(i), v)).collect()
            }
            Value::Object(fields) => {
                let fields = fields.into_iter();
                fields.map(|(k, v)| (Value::from(k), v)).collect()
            }
            Value::Null => Vec::new(),
            other => {
                return Err(format!(
                    "its '{}' is {}, neither a list nor a mapping; a step `parse: [{0}]` before reads text",
                    self.field,
                    excerpt(&other.to_string(), 60)
                ));
            }
        };
        let with = |(key, value)| {
            let mut row = row.clone();
            if let Some(name) = &self.key {
                row.insert(name.clone(), key);
            }
            row.insert(self.value.clone(), value);
            row
        };
        Ok(entries.into_iter().map(with).collect())
    }
}

/// The row with texts taken apart at their separators.
pub(super) fn split(mut row: Row, fields: &BTreeMap<String, String>) -> Result<Row, String> {
    for (name, separator) in fields {
        let Some(text) = field(&row, name)?.as_str() else {
            return Err(format!("its '{name}' is not a text"));
        };
        let parts = text.split(separator.as_str()).map(Value::from).collect();
        row.insert(name.clone(), Value::Array(parts));
    }
    Ok(row)
}

/// The row with lists of other fields' values, which stay.
pub(super) fn gather(mut row: Row, lists: &BTreeMap<String, Vec<String>>) -> Result<Row, String> {
    for (list, names) in lists {
        let values = names.iter().map(|name| field(&row, name).cloned());
        let values = values.collect::<Result<_, _>>()?;
        row.insert(list.clone(), Value::Array(values));
    }
    Ok(row)
}
