//! `config.json`, key by key: what a family needs of it, with an error that names the key.

use serde_json::Value;

use crate::model::ModelError;
use crate::model::onnx::files_error;
use crate::text::visible_line;

/// Most layers that a model may have.
const MAX_LAYERS: usize = 1024;
/// Largest size of anything else.
const MAX_COUNT: u64 = 1 << 31;

/// Which tokens a layer's attention sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All before it.
    Full,
    /// The last few.
    Sliding,
}

/// An object of `config.json`.
#[derive(Clone, Copy)]
pub(super) struct Config<'a>(&'a Value);

impl<'a> Config<'a> {
    /// The part that describes a text model: the whole, or `text_config` of a model that also sees.
    pub(super) fn of_text(whole: &'a Value) -> Self {
        Self(whole.get("text_config").unwrap_or(whole))
    }

    /// An object below a key, unless it is missing or null.
    pub(super) fn below(self, key: &str) -> Option<Self> {
        self.get(key).filter(|v| v.is_object()).map(Self)
    }

    /// A value that is there and not null.
    pub(super) fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|v| !v.is_null())
    }

    /// Whether a key is written, be it as null.
    pub(super) fn has(self, key: &str) -> bool {
        self.0.get(key).is_some()
    }

    fn wrong(key: &str, value: &Value, wanted: &str) -> ModelError {
        let shown: String = value.to_string().chars().take(60).collect();
        files_error(format!(
            "config.json: {key} must be {wanted}, not {}",
            visible_line(&shown)
        ))
    }

    /// A whole number above 0.
    pub(super) fn count(self, key: &str) -> Result<usize, ModelError> {
        self.optional_count(key)?
            .ok_or_else(|| files_error(format!("config.json has no {key}")))
    }

    pub(super) fn count_or(self, key: &str, default: usize) -> Result<usize, ModelError> {
        Ok(self.optional_count(key)?.unwrap_or(default))
    }

    pub(super) fn optional_count(self, key: &str) -> Result<Option<usize>, ModelError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let count = value.as_u64().filter(|n| (1..=MAX_COUNT).contains(n));
        let count = count.and_then(|n| usize::try_from(n).ok());
        let wanted = || Self::wrong(key, value, "a whole number above 0 and at most 2^31");
        count.map(Some).ok_or_else(wanted)
    }

    pub(super) fn number_or(self, key: &str, default: f64) -> Result<f64, ModelError> {
        Ok(self.optional_number(key)?.unwrap_or(default))
    }

    /// A number above 0.
    pub(super) fn optional_number(self, key: &str) -> Result<Option<f64>, ModelError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = value.as_f64().filter(|n| n.is_finite() && *n > 0.0);
        let wanted = || Self::wrong(key, value, "a number above 0");
        number.map(Some).ok_or_else(wanted)
    }

    pub(super) fn flag_or(self, key: &str, default: bool) -> Result<bool, ModelError> {
        self.get(key).map_or(Ok(default), |value| {
            let wanted = || Self::wrong(key, value, "true or false");
            value.as_bool().ok_or_else(wanted)
        })
    }

    /// A list of this many numbers above 0.
    pub(super) fn numbers(self, key: &str, count: usize) -> Result<Vec<f32>, ModelError> {
        let value = self.get(key).unwrap_or(&Value::Null);
        let number = |v: &Value| v.as_f64().filter(|n| *n > 0.0).map(narrow);
        let numbers: Option<Vec<f32>> = value
            .as_array()
            .filter(|list| list.len() == count)
            .and_then(|list| list.iter().map(number).collect());
        let wanted = || Self::wrong(key, value, &format!("a list of {count} numbers above 0"));
        numbers.ok_or_else(wanted)
    }

    /// How many layers there are.
    pub(super) fn layers(self) -> Result<usize, ModelError> {
        let key = "num_hidden_layers";
        let layers = self.count(key)?;
        if layers <= MAX_LAYERS {
            return Ok(layers);
        }
        let wanted = format!("at most {MAX_LAYERS}");
        Err(Self::wrong(key, &Value::from(layers), &wanted))
    }

    /// What each layer sees: `layer_types`, or what the family's older configurations mean.
    pub(super) fn reaches(
        self,
        otherwise: impl Fn(usize) -> Reach,
    ) -> Result<Vec<Reach>, ModelError> {
        let layers = self.layers()?;
        let Some(value) = self.get("layer_types") else {
            return Ok((0..layers).map(otherwise).collect());
        };
        let reach = |v: &Value| match v.as_str() {
            Some("full_attention") => Some(Reach::Full),
            Some("sliding_attention") => Some(Reach::Sliding),
            _ => None,
        };
        let reaches: Option<Vec<Reach>> = value
            .as_array()
            .filter(|list| list.len() == layers)
            .and_then(|list| list.iter().map(reach).collect());
        let wanted = || {
            let each = "full_attention or sliding_attention for each layer";
            Self::wrong("layer_types", value, each)
        };
        reaches.ok_or_else(wanted)
    }

    /// A function by its name, of those that are given.
    pub(super) fn choice<T: Copy>(
        self,
        key: &str,
        default: T,
        known: &[(&str, T)],
    ) -> Result<T, ModelError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        let found = known.iter().find(|(name, _)| value.as_str() == Some(name));
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let wanted = || Self::wrong(key, value, &names.join(" or "));
        found.map(|(_, choice)| *choice).ok_or_else(wanted)
    }
}

/// A configuration's number in the precision that a graph computes in.
#[allow(clippy::cast_possible_truncation)] // what is meant
pub(super) fn narrow(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_cannot_be_is_named_with_its_key() {
        let config = json!({"a": -1, "b": "x\u{1b}[2J", "c": [1, 2], "d": 9e99, "num_hidden_layers": 5000, "e": null});
        let config = Config::of_text(&config);
        let said = |outcome: Result<usize, ModelError>| outcome.expect_err("refused").message;
        assert!(said(config.count("a")).contains("a must be a whole number above 0"));
        assert!(said(config.count("b")).contains("not \"x\\u001b[2J\""));
        assert!(said(config.count("d")).contains("d must be"));
        assert!(said(config.count("e")).contains("has no e"));
        assert!(said(config.layers()).contains("at most 1024"));
        assert!(config.numbers("c", 3).is_err());
        assert_eq!(config.numbers("c", 2).ok(), Some(vec![1.0, 2.0]));
        assert_eq!(config.count_or("e", 7).ok(), Some(7));
    }
}
