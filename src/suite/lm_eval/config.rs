//! The settings of a task as its file and those that it includes give them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::TaskError;
use super::yaml;

/// Settings with the file that each comes from.
#[derive(Debug, Clone, Default)]
pub(in crate::suite) struct Config {
    fields: Map<String, Value>,
    origins: HashMap<String, Arc<str>>,
    /// The file that the task is written in.
    pub(in crate::suite) file: Arc<str>,
}

impl Config {
    /// The settings of one file.
    pub(in crate::suite) fn of_file(file: &Arc<str>, fields: Map<String, Value>) -> Self {
        let origins = fields.keys().map(|key| (key.clone(), Arc::clone(file)));
        Self {
            origins: origins.collect(),
            fields,
            file: Arc::clone(file),
        }
    }

    /// Lets other settings win over these.
    pub(in crate::suite) fn update(&mut self, other: &Self) {
        for (key, value) in &other.fields {
            self.fields.insert(key.clone(), value.clone());
            if let Some(origin) = other.origins.get(key) {
                self.origins.insert(key.clone(), Arc::clone(origin));
            }
        }
    }

    /// A setting; none where it is not there or null.
    pub(in crate::suite) fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    pub(in crate::suite) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    pub(in crate::suite) fn remove(&mut self, key: &str) -> Option<Value> {
        self.fields.remove(key)
    }

    pub(in crate::suite) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The file that a setting is written in.
    pub(in crate::suite) fn origin(&self, key: &str) -> &str {
        let first = key.split(['.', '[']).next().unwrap_or(key);
        self.origins.get(first).unwrap_or(&self.file)
    }

    pub(in crate::suite) fn wrong(&self, key: &str, reason: impl Into<String>) -> TaskError {
        TaskError::Wrong {
            file: self.origin(key).to_owned(),
            key: key.to_owned(),
            reason: reason.into(),
        }
    }

    pub(in crate::suite) fn unsupported(&self, key: &str, reason: impl Into<String>) -> TaskError {
        TaskError::Unsupported {
            file: self.origin(key).to_owned(),
            key: key.to_owned(),
            reason: reason.into(),
        }
    }

    /// Refuses Python functions, wherever they are.
    ///
    /// # Errors
    /// [`TaskError::Function`] names the first.
    pub(in crate::suite) fn without_functions(&self) -> Result<(), TaskError> {
        for (key, value) in &self.fields {
            if let Some((key, function)) = first_function(key, value) {
                return Err(TaskError::Function {
                    file: self.origin(&key).to_owned(),
                    function: function.to_owned(),
                    key,
                });
            }
        }
        Ok(())
    }

    /// A text, or none.
    ///
    /// # Errors
    /// [`TaskError::Wrong`] where it is something else.
    pub(in crate::suite) fn text(&self, key: &str) -> Result<Option<&str>, TaskError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, format!("{other} is not a text"))),
        }
    }
}

/// The first function in a value, with the path to it.
fn first_function<'a>(path: &str, value: &'a Value) -> Option<(String, &'a str)> {
    if let Some(function) = yaml::function(value) {
        return Some((path.to_owned(), function));
    }
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(i, item)| first_function(&format!("{path}[{i}]"), item)),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, field)| first_function(&format!("{path}.{name}"), field)),
        _ => None,
    }
}
