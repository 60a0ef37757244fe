//! A row's choices, in the shapes that datasets have them.

use serde_json::{Map, Value};

use super::sample::letter;
use crate::text::fold;

/// Choices with what the row labels them by.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Choices {
    pub texts: Vec<String>,
    /// As many labels as texts; none if the row gives a plain list.
    pub labels: Vec<String>,
}

impl Choices {
    /// Reads a list of texts; parallel lists, `{"label": […], "text": […]}`, as in ARC; a mapping of labels to texts, `{"A": …, "B": …}`; or
    /// a list of `{"label": …, "text": …}`.
    ///
    /// # Errors
    /// What the value is instead.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::default()),
            Value::Array(items) if items.iter().any(Value::is_object) => Self::of_pairs(items),
            Value::Array(items) => Ok(Self {
                texts: texts(items)?,
                labels: Vec::new(),
            }),
            Value::Object(fields) => Self::of_object(fields),
            _ => Err(format!("its choices are {value}, which is not a list")),
        }
    }

    fn of_pairs(items: &[Value]) -> Result<Self, String> {
        let field = |name: &str| -> Result<Vec<String>, String> {
            let values: Vec<Value> = items
                .iter()
                .map(|i| i.get(name).cloned().unwrap_or_default())
                .collect();
            texts(&values).map_err(|_| {
                "its choices are a list of mappings without a 'label' and a 'text' in each"
                    .to_owned()
            })
        };
        Ok(Self {
            texts: field("text")?,
            labels: field("label")?,
        })
    }

    fn of_object(fields: &Map<String, Value>) -> Result<Self, String> {
        if let (Some(Value::Array(labels)), Some(Value::Array(own))) =
            (fields.get("label"), fields.get("text"))
        {
            let (labels, own) = (texts(labels)?, texts(own)?);
            if labels.len() != own.len() {
                return Err(format!(
                    "its choices have {} labels and {} texts",
                    labels.len(),
                    own.len()
                ));
            }
            return Ok(Self { texts: own, labels });
        }
        let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
        if !are_labels(&keys) {
            return Err(format!(
                "its choices are a mapping of {}; a mapping has 'label' and 'text', or a key per choice in order (A, B, C … or 1, 2, 3 …)",
                keys.join(", ")
            ));
        }
        let values: Vec<Value> = fields.values().cloned().collect();
        Ok(Self {
            texts: texts(&values)?,
            labels: keys.iter().map(|k| (*k).to_owned()).collect(),
        })
    }

    /// The choice that a target names by the row's own label.
    ///
    /// # Errors
    /// It is another choice's text as well.
    pub(super) fn labelled(&self, target: &str) -> Result<Option<usize>, String> {
        let bare = |text: &str| {
            fold(text.trim_matches(|c: char| c.is_whitespace() || "()[].:（）".contains(c)))
        };
        let own = bare(target);
        let by_label = self.labels.iter().position(|l| bare(l) == own);
        let by_text = self.texts.iter().position(|t| t.trim() == target.trim());
        match (by_label, by_text) {
            (Some(label), Some(text)) if label != text => Err(format!(
                "its target '{}' is the label of the choice '{}', and the text of another; write the letter instead ({} for the former)",
                target.trim(),
                self.texts[label],
                letter(label)
            )),
            _ => Ok(by_label),
        }
    }
}

/// Whether keys are the letters from A on or the numbers from 0 or 1 on, in order.
fn are_labels(keys: &[&str]) -> bool {
    let from = |first: usize| {
        keys.iter()
            .enumerate()
            .all(|(i, k)| *k == (i + first).to_string())
    };
    let lettered = keys
        .iter()
        .enumerate()
        .all(|(i, k)| fold(k) == fold(&letter(i)));
    !keys.is_empty() && (lettered || from(0) || from(1))
}

fn texts(values: &[Value]) -> Result<Vec<String>, String> {
    let text = |(i, value): (usize, &Value)| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(yes) => Ok(yes.to_string()),
        Value::Null => Err(format!("its choice {} is blank", letter(i))),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("its choice {} is not a text", letter(i)))
        }
    };
    values.iter().enumerate().map(text).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn choices_are_read_as_datasets_have_them() {
        for (value, labels) in [
            (json!(["cat", "dog"]), vec![]),
            (
                json!({"label": ["A", "B"], "text": ["cat", "dog"]}),
                vec!["A", "B"],
            ),
            (
                json!({"text": ["cat", "dog"], "label": ["1", "2"]}),
                vec!["1", "2"],
            ),
            (json!({"A": "cat", "B": "dog"}), vec!["A", "B"]),
            (json!({"0": "cat", "1": "dog"}), vec!["0", "1"]),
            (
                json!([{"label": "A", "text": "cat"}, {"label": "B", "text": "dog"}]),
                vec!["A", "B"],
            ),
        ] {
            let choices = Choices::read(&value).unwrap();
            assert_eq!(choices.texts, ["cat", "dog"], "{value}");
            assert_eq!(choices.labels, labels, "{value}");
        }
        assert_eq!(
            Choices::read(&json!([1, true])).unwrap().texts,
            ["1", "true"]
        );
    }

    #[test]
    fn other_shapes_are_refused_by_name() {
        for (value, told) in [
            (json!("cat|dog"), "\"cat|dog\", which is not a list"),
            (
                json!({"first": "cat", "second": "dog"}),
                "mapping of first, second",
            ),
            (
                json!({"label": ["A"], "text": ["cat", "dog"]}),
                "1 labels and 2 texts",
            ),
            (json!(["cat", null]), "choice B is blank"),
            (json!([["cat"], "dog"]), "choice A is not a text"),
            (json!([{"key": "A"}]), "without a 'label'"),
            (json!({}), "mapping of"),
        ] {
            let error = Choices::read(&value).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_target_is_read_by_the_rows_own_labels() {
        let arc = |texts: [&str; 3]| Choices {
            texts: texts.map(str::to_owned).to_vec(),
            labels: ["1", "2", "3"].map(str::to_owned).to_vec(),
        };
        let words = arc(["iron", "apple", "chalk"]);
        for (target, want) in [
            ("1", Some(0)),
            ("(2)", Some(1)),
            (" 3 ", Some(2)),
            ("apple", None),
            ("4", None),
        ] {
            assert_eq!(words.labelled(target).unwrap(), want, "{target}");
        }
        let error = arc(["2", "3", "4"]).labelled("2").unwrap_err();
        assert!(error.contains("B for the former"), "{error}");
    }
}
