//! What is done to rows as they are published before samples are made of them: named operations, in order, each on the whole table.

use std::collections::BTreeMap;

use minijinja::Environment;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::PlacedRow;
use super::{SuiteError, template};
use crate::files::{Row, from_json, from_python};
use crate::text::{excerpt, instead};

/// One operation on a suite's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Reads these fields' text as a value: JSON, or a Python literal as data frames leave it in CSV.
    Parse(Vec<String>),
    /// Gives fields other names: `new: old`.
    Rename(BTreeMap<String, String>),
    /// Makes a row of every entry of a field that is a list or a mapping.
    Explode(Explode),
    /// Keeps the rows for which a Jinja expression over their fields holds, such as `label == 'safe'`.
    Keep(String),
}

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

impl Step {
    /// As suite.yaml calls it.
    fn name(&self) -> &'static str {
        match self {
            Self::Parse(_) => "parse",
            Self::Rename(_) => "rename",
            Self::Explode(_) => "explode",
            Self::Keep(_) => "keep",
        }
    }

    /// The rows that come of one.
    fn of_row(&self, mut row: Row, environment: &Environment<'_>) -> Result<Vec<Row>, String> {
        match self {
            Self::Parse(fields) => {
                for field in fields {
                    let value = taken(&mut row, field)?;
                    row.insert(field.clone(), parsed(field, value)?);
                }
                Ok(vec![row])
            }
            Self::Rename(names) => {
                // All are taken before any is put back, so that two can change places.
                let values: Result<Vec<_>, String> = names
                    .iter()
                    .map(|(new, old)| Ok((new.clone(), taken(&mut row, old)?)))
                    .collect();
                for (new, value) in values? {
                    if row.insert(new.clone(), value).is_some() {
                        return Err(format!("the row has a field '{new}' already"));
                    }
                }
                Ok(vec![row])
            }
            Self::Explode(explode) => explode.of_row(row),
            Self::Keep(expression) => {
                let holds = template::holds(environment, expression, Serde(&row))?;
                Ok(if holds { vec![row] } else { Vec::new() })
            }
        }
    }
}

impl Explode {
    fn of_row(&self, mut row: Row) -> Result<Vec<Row>, String> {
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

/// A field's value, taken out of the row.
fn taken(row: &mut Row, field: &str) -> Result<Value, String> {
    row.shift_remove(field).ok_or_else(|| {
        let instead = instead(field, "its fields", row.keys());
        format!("the row has no field '{field}'; {instead}")
    })
}

/// A text as the value that it writes; what is not text is a value already.
fn parsed(field: &str, value: Value) -> Result<Value, String> {
    let Value::String(text) = value else {
        return Ok(value);
    };
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    if let Ok((value, _)) = from_json::<Value>(&text) {
        return Ok(value);
    }
    from_python(&text).map_err(|why| {
        format!(
            "its '{field}' is neither JSON nor a Python literal ({why}): {}",
            excerpt(&text, 60)
        )
    })
}

/// Rows after all steps, and the steps that changed nothing.
pub(super) struct Stepped {
    pub rows: Vec<PlacedRow>,
    pub idle: Vec<String>,
}

/// Takes rows through the steps.
///
/// # Errors
/// [`SuiteError::Sample`] names the step, the row and its place.
pub(super) fn apply(
    suite: &str,
    steps: &[Step],
    environment: &Environment<'_>,
    mut rows: Vec<PlacedRow>,
) -> Result<Stepped, SuiteError> {
    let mut idle = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let name = format!("data.steps[{i}], {}", step.name());
        let mut changed = false;
        let mut after = Vec::with_capacity(rows.len());
        for PlacedRow { place, number, row } in rows {
            let before = row.clone();
            let made = step.of_row(row, environment);
            let made = made.map_err(|why| SuiteError::Sample {
                suite: suite.into(),
                sample: number.to_string(),
                reason: format!("{name}: {why} ({place})"),
            })?;
            changed |= made.len() != 1 || made[0] != before;
            after.extend(made.into_iter().map(|row| PlacedRow {
                place: place.clone(),
                number,
                row,
            }));
        }
        rows = after;
        if !changed {
            idle.push(name);
        }
    }
    Ok(Stepped { rows, idle })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::suite::place::place_rows;
    use crate::suite::yaml;

    /// Steps as suite.yaml has them, over rows of a file.
    fn stepped(steps: &str, rows: &[Value]) -> Result<(Vec<Value>, Vec<String>), String> {
        let steps: Vec<Step> = yaml::from_yaml("suite.yaml", steps).map_err(|e| e.to_string())?;
        let rows = rows.iter().map(|row| row.as_object().unwrap().clone());
        let mut placed = Vec::new();
        place_rows(&mut placed, "x.csv", true, (2..).zip(rows));
        let environment = template::environment(&BTreeMap::new());
        let after = apply("s", &steps, &environment, placed).map_err(|e| e.to_string())?;
        let numbered = after.rows.into_iter().map(|placed| {
            let mut row = placed.row;
            row.insert("#".into(), placed.number.into());
            Value::Object(row)
        });
        Ok((numbered.collect(), after.idle))
    }

    #[test]
    fn rows_are_read_renamed_kept_and_made_into_more_in_the_order_written() {
        let steps = "
- keep: question != 'none'
- parse: [answers, options]
- rename: {choices: options, question: text, text: question}
- explode: {field: answers, key: country, value: shares}
";
        let rows = [
            json!({"question": "none", "text": "", "answers": "", "options": ""}),
            json!({"question": "Q", "text": "T", "answers": "defaultdict(<class 'list'>, {'A': [1.0], 'B': [0.5]})", "options": "[\"x\"]"}),
        ];
        let (rows, idle) = stepped(steps, &rows).unwrap();
        assert_eq!(
            rows,
            [
                json!({"choices": ["x"], "question": "T", "text": "Q", "country": "A", "shares": [1.0], "#": 2}),
                json!({"choices": ["x"], "question": "T", "text": "Q", "country": "B", "shares": [0.5], "#": 2}),
            ]
        );
        assert!(idle.is_empty(), "{idle:?}");
    }

    #[test]
    fn a_list_becomes_rows_with_or_without_their_index_and_an_empty_one_none() {
        let rows = [
            json!({"turns": ["a", "b"]}),
            json!({"turns": []}),
            json!({"turns": null}),
        ];
        let (with, _) = stepped("- explode: {field: turns, key: i, value: turn}", &rows).unwrap();
        assert_eq!(
            with,
            [
                json!({"i": 0, "turn": "a", "#": 1}),
                json!({"i": 1, "turn": "b", "#": 1})
            ]
        );
        let (same, _) = stepped("- explode: {field: turns, value: turns}", &rows).unwrap();
        assert_eq!(same[1], json!({"turns": "b", "#": 1}));
    }

    #[test]
    fn a_step_that_changes_nothing_is_named() {
        let (_, idle) = stepped("[keep: a, parse: [a]]", &[json!({"a": 1})]).unwrap();
        assert_eq!(idle, ["data.steps[0], keep", "data.steps[1], parse"]);
    }

    #[test]
    fn what_a_row_does_not_allow_is_told_with_its_step_and_place() {
        for (steps, says) in [
            (
                "- parse: [b]",
                "data.steps[0], parse: the row has no field 'b'; its fields: a",
            ),
            (
                "[keep: a, parse: [a]]",
                "data.steps[1], parse: its 'a' is neither JSON nor a Python literal",
            ),
            (
                "- explode: {field: a, value: b}",
                "neither a list nor a mapping; a step `parse: [a]`",
            ),
            ("- keep: b == 1", "data.steps[0], keep: 'b == 1'"),
            ("- keep: b", "names a field that the row does not have"),
            ("- keep: a ==", "data.steps[0], keep: 'a =='"),
            ("- sort: a", "sort"),
            ("- explode: {field: a, valeu: b}", "valeu"),
        ] {
            let error = stepped(steps, &[json!({"a": "open('x')"})]).unwrap_err();
            assert!(error.contains(says), "{steps}: {error}");
        }
        let error = stepped("- parse: [b]", &[json!({"a": 1})]).unwrap_err();
        assert!(error.contains("(x.csv, line 2)"), "{error}");
        let error = stepped("- rename: {b: a}", &[json!({"a": 1, "b": 2})]).unwrap_err();
        assert!(error.contains("has a field 'b' already"), "{error}");
    }
}
