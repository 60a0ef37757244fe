//! What is done to rows as they are published before samples are made of them: named operations, in order, each on the whole table.

mod draw;
mod edit;
mod reshape;

use std::collections::BTreeMap;

use fancy_regex::Regex;
use minijinja::Environment;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::PlacedRow;
use super::python_random::Random;
use super::{SuiteError, template};
use crate::files::{Row, from_json, from_python};
use crate::text::{excerpt, instead, python_regex};

pub(super) use draw::key;
pub use draw::{SampleRows, Shuffle};
pub use edit::Replace;
pub use reshape::Explode;

/// One operation on a suite's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Reads these fields' text as a value: JSON, or a Python literal as data frames leave it in CSV.
    Parse(Vec<String>),
    /// Gives fields other names: `new: old`.
    Rename(BTreeMap<String, String>),
    /// Sets fields to what templates over the row give: `name: "{{ … }}"`. All see the row as it was.
    Set(BTreeMap<String, String>),
    /// Replaces what a pattern matches in fields.
    Replace(Replace),
    /// Makes a list of a text: `field: separator`.
    Split(BTreeMap<String, String>),
    /// Makes one list of several fields: `list: [field, field]`.
    Gather(BTreeMap<String, Vec<String>>),
    /// Makes a row of every entry of a field that is a list or a mapping.
    Explode(Explode),
    /// Puts the entries of a list, such as the choices, into another order, row after row, as a seed draws it.
    Shuffle(Shuffle),
    /// Keeps the rows for which a Jinja expression over their fields holds, such as `label == 'safe'`.
    Keep(String),
    /// Keeps this many rows of every stratum, as a seed draws them, in the order of the file.
    Sample(SampleRows),
}

/// What a step needs besides the row it works on.
struct Tools<'a> {
    environment: &'a Environment<'a>,
    /// The compiled pattern of a step that has one.
    pattern: Option<Regex>,
    random: Random,
}

impl Step {
    /// As suite.yaml calls it.
    fn name(&self) -> &'static str {
        match self {
            Self::Parse(_) => "parse",
            Self::Rename(_) => "rename",
            Self::Set(_) => "set",
            Self::Replace(_) => "replace",
            Self::Split(_) => "split",
            Self::Gather(_) => "gather",
            Self::Explode(_) => "explode",
            Self::Shuffle(_) => "shuffle",
            Self::Keep(_) => "keep",
            Self::Sample(_) => "sample",
        }
    }

    fn tools<'a>(&self, environment: &'a Environment<'a>) -> Result<Tools<'a>, String> {
        Ok(Tools {
            environment,
            pattern: match self {
                Self::Replace(replace) => Some(python_regex(&replace.pattern)?),
                _ => None,
            },
            random: Random::new(match self {
                Self::Shuffle(shuffle) => shuffle.seed,
                _ => 0,
            }),
        })
    }

    /// The rows that come of one.
    fn of_row(&self, mut row: Row, tools: &mut Tools<'_>) -> Result<Vec<Row>, String> {
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
            Self::Set(templates) => edit::set(row, templates, tools.environment).map(one),
            Self::Replace(replace) => replace.of_row(row, tools.pattern.as_ref()).map(one),
            Self::Split(fields) => reshape::split(row, fields).map(one),
            Self::Gather(lists) => reshape::gather(row, lists).map(one),
            Self::Explode(explode) => explode.of_row(row),
            Self::Shuffle(shuffle) => shuffle.of_row(row, &mut tools.random).map(one),
            Self::Keep(expression) => {
                let holds = template::holds(tools.environment, expression, Serde(&row))?;
                Ok(if holds { vec![row] } else { Vec::new() })
            }
            // It is of the table, not of a row.
            Self::Sample(_) => Ok(vec![row]),
        }
    }
}

fn one(row: Row) -> Vec<Row> {
    vec![row]
}

/// A field's value, or that the row has none.
fn field<'a>(row: &'a Row, name: &str) -> Result<&'a Value, String> {
    row.get(name).ok_or_else(|| no_field(row, name))
}

fn no_field(row: &Row, name: &str) -> String {
    let instead = instead(name, "its fields", row.keys());
    format!("the row has no field '{name}'; {instead}")
}

/// A field's value, taken out of the row.
fn taken(row: &mut Row, field: &str) -> Result<Value, String> {
    row.shift_remove(field).ok_or_else(|| no_field(row, field))
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
        let wrong = |reason: String| SuiteError::Unreadable {
            path: suite.into(),
            reason: format!("{name}: {reason}"),
        };
        if let Step::Sample(sample) = step {
            let before = rows.len();
            rows = sample.of_table(rows).map_err(wrong)?;
            if rows.len() == before {
                idle.push(name);
            }
            continue;
        }
        let mut tools = step.tools(environment).map_err(wrong)?;
        let mut changed = false;
        let mut after = Vec::with_capacity(rows.len());
        for PlacedRow { place, number, row } in rows {
            let before = row.clone();
            let made = step.of_row(row, &mut tools);
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
        let rows: Vec<_> = (2..).zip(rows).map(Ok).collect();
        let placed = place_rows("x.csv", true, rows.into_iter());
        let placed = placed.collect::<Result<_, _>>().unwrap();
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
    fn fields_are_set_replaced_split_and_gathered() {
        let steps = r"
- set: {query: '{{ label }}: {{ text }}'}
- replace: {fields: [query, ends], pattern: '\[.*?\]\s*', with: ''}
- replace: {fields: [label], pattern: '^(\w)(\w*)', with: '$2$1'}
- split: {refs: '|'}
- gather: {choices: [right, wrong]}
";
        let row = json!({"label": "Sky", "text": "[x] blue", "ends": ["[a] b", "c"], "refs": "p|q", "right": 1, "wrong": "2 "});
        let (rows, idle) = stepped(steps, &[row]).unwrap();
        assert_eq!(
            rows,
            [
                json!({"label": "kyS", "text": "[x] blue", "ends": ["b", "c"], "refs": ["p", "q"], "right": 1, "wrong": "2 ", "query": "Sky: blue", "choices": [1, "2 "], "#": 1})
            ]
        );
        assert!(idle.is_empty(), "{idle:?}");
    }

    #[test]
    fn a_shuffle_draws_as_python_does_and_the_index_of_the_right_choice_follows() {
        let row = json!({"choices": ["a", "b", "c", "d"], "answer": 0});
        let steps = "- shuffle: {field: choices, seed: 0, index: answer}";
        let (rows, _) = stepped(steps, &[row.clone(), row]).unwrap();
        // random.Random(0).sample(range(4), 4), twice, as simple-evals permutes GPQA's options.
        let orders = [["d", "b", "a", "c"], ["d", "b", "c", "a"]];
        for (row, order) in rows.iter().zip(orders) {
            assert_eq!(row["choices"], json!(order));
            let at = order.iter().position(|c| *c == "a");
            assert_eq!(row["answer"], json!(at));
        }
    }

    #[test]
    fn so_many_rows_of_every_stratum_are_kept_in_the_order_of_the_file() {
        let rows: Vec<Value> = (0..20).map(|i| json!({"n": i, "of": i % 3})).collect();
        let steps = "- sample: {per: [of], count: 2, seed: 1}";
        let (kept, _) = stepped(steps, &rows).unwrap();
        assert_eq!(kept.len(), 6);
        for of in 0..3 {
            assert_eq!(kept.iter().filter(|r| r["of"] == json!(of)).count(), 2);
        }
        let numbers: Vec<_> = kept.iter().map(|r| r["n"].as_u64()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
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
