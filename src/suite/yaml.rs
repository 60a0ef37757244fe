//! YAML as people write it: what looks like a word stays that word.
//!
//! YAML 1.2's core schema knows few booleans, but still reads `1.10` as 1.1, `1e3` as 1000 and `0x1F` as 31. In rows of items such a
//! spelling is an id, a version or an answer, so a number is one only where it would be written the same again.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{Location, Spanned};

use crate::files::Row;
use crate::text::SourceError;

/// The value of a YAML text, or the place of its error. Only `true` and `false` are booleans.
pub(super) fn from_yaml<T: DeserializeOwned>(
    name: &str,
    text: &str,
) -> Result<T, Box<SourceError>> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let plain = error.without_snippet().to_string();
        let message = plain.split(" at line ").next().unwrap_or(&plain).to_owned();
        match error.location() {
            Some(at) => wrong_at(name, text, at, &message),
            None => Box::new(SourceError::at(name, text, 1, 1, message)),
        }
    })
}

/// Rows of a table, a list of mappings, each with its line.
pub(super) fn rows(name: &str, text: &str) -> Result<Vec<(usize, Row)>, Box<SourceError>> {
    let rows: Vec<Written> = from_yaml(name, text)?;
    rows.into_iter()
        .map(|row| {
            let at = row.0.referenced;
            match row.value(text) {
                Value::Object(row) => Ok((usize::try_from(at.line()).unwrap_or(1), row)),
                _ => Err(wrong_at(name, text, at, "this row is not a mapping")),
            }
        })
        .collect()
}

fn wrong_at(name: &str, text: &str, at: Location, message: &str) -> Box<SourceError> {
    let to_usize = |n: u64| usize::try_from(n).unwrap_or(1);
    let (line, column) = (to_usize(at.line()), to_usize(at.column()));
    Box::new(SourceError::at(name, text, line, column, message))
}

/// A value with its position in the text, so that [`Written::value`] can see its spelling.
#[derive(Debug, Clone)]
pub(super) struct Written(Spanned<Node>);

#[derive(Debug, Clone)]
enum Node {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Written>),
    Mapping(Vec<(String, Written)>),
}

impl Written {
    /// The value, with words as the text that it was read from spells them.
    pub(super) fn value(self, text: &str) -> Value {
        match self.0.value {
            Node::Null => Value::Null,
            Node::Bool(value) => value.into(),
            Node::Number => spelled(text, self.0.defined),
            Node::Text(value) => value.into(),
            Node::List(values) => values.into_iter().map(|v| v.value(text)).collect(),
            Node::Mapping(fields) => fields
                .into_iter()
                .map(|(name, value)| (name, value.value(text)))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

/// A number where it would be written as it is, else its spelling.
fn spelled(text: &str, at: Location) -> Value {
    let span = at.span();
    let range = span
        .byte_offset()
        .zip(span.byte_len())
        .and_then(|(start, length)| {
            let start = usize::try_from(start).ok()?;
            Some(start..start + usize::try_from(length).ok()?)
        });
    let word = range.and_then(|r| text.get(r)).unwrap_or_default().trim();
    let number = serde_json::from_str::<Value>(word).ok();
    match number.filter(Value::is_number).map(|n| (n.to_string(), n)) {
        Some((again, number)) if again == word => number,
        _ => word.into(),
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Bool(value))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
                Ok(Node::Number)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
                Ok(Node::Number)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
                Ok(Node::Number)
            }

            fn visit_str<E>(self, text: &str) -> Result<Node, E> {
                Ok(Node::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Node::List(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Node::Mapping(fields))
            }
        }
        deserializer.deserialize_any(NodeVisitor)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        from_yaml::<Written>("x.yaml", text).unwrap().value(text)
    }

    #[test]
    fn words_stay_words() {
        for word in [
            "no",
            "yes",
            "on",
            "off",
            "y",
            "n",
            "No",
            "NO",
            "N",
            "Y",
            "1.10",
            "0123",
            "1e3",
            "0x1F",
            "0o17",
            "1_000",
            "+5",
            ".5",
            "12:30",
            "2021-01-02",
            "12345678901234567890123",
            ".inf",
            ".nan",
            "-0",
            "1.0.0",
            "é1.50",
        ] {
            assert_eq!(
                read(&format!("v: {word}  # so\n")),
                json!({"v": word}),
                "{word}"
            );
            assert_eq!(
                read(&format!("- [é, {word}]")),
                json!([["é", word]]),
                "{word}"
            );
        }
    }

    #[test]
    fn numbers_booleans_and_nothing_are_what_they_are() {
        assert_eq!(
            read("[0, -7, 1.5, 1.0, 18446744073709551615, true, False, null, ~, '3', \"4\"]"),
            json!([
                0,
                -7,
                1.5,
                1.0,
                18_446_744_073_709_551_615_u64,
                true,
                false,
                null,
                null,
                "3",
                "4"
            ])
        );
        assert_eq!(read("a:\nb: ''\n"), json!({"a": null, "b": ""}));
    }

    #[test]
    fn aliases_and_merges_keep_their_spelling() {
        assert_eq!(
            read("- &v 1.10\n- *v\n- &m {a: 007, b: 1}\n- <<: *m\n  b: 2\n"),
            json!(["1.10", "1.10", {"a": "007", "b": 1}, {"a": "007", "b": 2}])
        );
    }

    #[test]
    fn keys_stay_words_and_are_written_once() {
        assert_eq!(
            read("{no: 1, 1.10: 2, on: 3}"),
            json!({"no": 1, "1.10": 2, "on": 3})
        );
        let error = from_yaml::<Written>("x.yaml", "a: 1\nb: 2\na: 3\n").unwrap_err();
        let said = error.to_string();
        assert!(
            said.starts_with("x.yaml:3:1:") && said.contains("duplicate"),
            "{said}"
        );
    }
}
