//! Values written as Python shows them, `{'Kenya': [0.4, None]}`: data frames with lists in their cells come so in CSV.

use serde_json::{Map, Number, Value};

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 64;

/// Reads a Python literal: texts, numbers, `True`, `False`, `None`, lists, tuples, sets, dictionaries, and what a container's own form
/// adds to it, as in `defaultdict(<class 'list'>, {…})`. Nothing is run. Numbers that JSON does not have (`nan`, `inf`) are null.
///
/// ```
/// use candor::files::from_python;
///
/// let read = from_python("defaultdict(<class 'list'>, {'Kenya': [0.25, 0.75]})");
/// assert_eq!(read.unwrap(), serde_json::json!({"Kenya": [0.25, 0.75]}));
/// assert!(from_python("__import__('os').getcwd()").is_err());
/// ```
///
/// # Errors
/// What was expected, and at which character, from 1.
pub fn from_python(text: &str) -> Result<Value, String> {
    let mut reader = Reader {
        characters: text.chars().collect(),
        at: 0,
    };
    let value = reader.value(0)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.expected("the end")),
    }
}

struct Reader {
    characters: Vec<char>,
    at: usize,
}

impl Reader {
    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        while self.characters.get(self.at)?.is_whitespace() {
            self.at += 1;
        }
        self.characters.get(self.at).copied()
    }

    fn takes(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expects(&mut self, wanted: char) -> Result<(), String> {
        if self.takes(wanted) {
            Ok(())
        } else {
            Err(self.expected(&format!("'{wanted}'")))
        }
    }

    fn expected(&self, what: &str) -> String {
        format!("expected {what} at character {}", self.at + 1)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH}"));
        }
        match self.peek() {
            Some('[') => self.list(']', depth).map(Value::Array),
            Some('(') => self.list(')', depth).map(Value::Array),
            Some('{') => self.braces(depth),
            Some('\'' | '"') => self.text().map(Value::String),
            Some(c) if c.is_ascii_digit() || "+-.".contains(c) => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(depth),
            _ => Err(self.expected("a value")),
        }
    }

    fn list(&mut self, end: char, depth: usize) -> Result<Vec<Value>, String> {
        self.at += 1;
        let mut values = Vec::new();
        while !self.takes(end) {
            if !values.is_empty() {
                self.expects(',')?;
                if self.takes(end) {
                    break;
                }
            }
            values.push(self.value(depth + 1)?);
        }
        Ok(values)
    }

    /// A dictionary, or a set.
    fn braces(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let (mut fields, mut members) = (Map::new(), Vec::new());
        while !self.takes('}') {
            if !(fields.is_empty() && members.is_empty()) {
                self.expects(',')?;
                if self.takes('}') {
                    break;
                }
            }
            let first = self.value(depth + 1)?;
            if members.is_empty() && self.takes(':') {
                let name = match first {
                    Value::String(name) => name,
                    Value::Array(_) | Value::Object(_) => return Err(self.expected("a plain key")),
                    other => other.to_string(),
                };
                fields.insert(name, self.value(depth + 1)?);
            } else if fields.is_empty() {
                members.push(first);
            } else {
                return Err(self.expected("':'"));
            }
        }
        Ok(if members.is_empty() {
            Value::Object(fields)
        } else {
            Value::Array(members)
        })
    }

    fn text(&mut self) -> Result<String, String> {
        let quote = self.characters[self.at];
        let is_triple = self.has_three(quote);
        self.at += if is_triple { 3 } else { 1 };
        let mut text = String::new();
        loop {
            if is_triple && self.has_three(quote) {
                self.at += 3;
                return Ok(text);
            }
            let next = self.characters.get(self.at).copied();
            self.at += 1;
            match next {
                None => return Err(self.expected("the end of a text")),
                Some(c) if c == quote && !is_triple => return Ok(text),
                Some('\\') => text.extend(self.escape()?),
                Some(c) => text.push(c),
            }
        }
    }

    /// Whether a text begins, or ends, with three quotes here.
    fn has_three(&self, quote: char) -> bool {
        let next = self.characters[self.at..].iter().take(3);
        next.filter(|c| **c == quote).count() == 3
    }

    /// What is after a backslash: nothing for a line that continues, and the backslash too where Python knows no such escape.
    fn escape(&mut self) -> Result<Vec<char>, String> {
        let escaped = self.characters.get(self.at).copied();
        self.at += 1;
        let digits = match escaped {
            None => return Err(self.expected("the end of a text")),
            Some('\n') => return Ok(Vec::new()),
            Some(c @ ('\\' | '\'' | '"')) => return Ok(vec![c]),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some('N') => return Err(self.expected("an escape without a name")),
            Some('0'..='7') => return Ok(vec![self.octal()]),
            Some(c) => {
                let known = "a\u{7}b\u{8}f\u{c}n\nr\rt\tv\u{b}";
                let mut pairs = known
                    .chars()
                    .step_by(2)
                    .zip(known.chars().skip(1).step_by(2));
                let meant = pairs.find(|(written, _)| *written == c);
                return Ok(meant.map_or_else(|| vec!['\\', c], |(_, meant)| vec![meant]));
            }
        };
        let end = self.at + digits;
        let code = self.characters.get(self.at..end).and_then(|digits| {
            let digits: String = digits.iter().collect();
            u32::from_str_radix(&digits, 16).ok()
        });
        let code = code.ok_or_else(|| self.expected(&format!("{digits} hexadecimal digits")))?;
        self.at = end;
        Ok(vec![
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
        ])
    }

    /// A character by up to three octal digits, of which the first was read.
    fn octal(&mut self) -> char {
        let digits = self.characters[self.at - 1..].iter().take(3);
        let digits: String = digits.take_while(|c| ('0'..='7').contains(*c)).collect();
        self.at += digits.len() - 1;
        let code = u32::from_str_radix(&digits, 8)
            .ok()
            .and_then(char::from_u32);
        code.unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn number(&mut self) -> Result<Value, String> {
        let rest = &self.characters[self.at..];
        let own = rest
            .iter()
            .take_while(|c| c.is_ascii_alphanumeric() || "+-._".contains(**c));
        let written: String = own.filter(|c| **c != '_').collect();
        let number = match written.parse::<i64>() {
            Ok(number) => Some(Number::from(number)),
            Err(_) => match written.parse::<f64>() {
                Ok(number) => Number::from_f64(number),
                Err(_) => return Err(self.expected("a number")),
            },
        };
        self.at += rest
            .iter()
            .take_while(|c| c.is_ascii_alphanumeric() || "+-._".contains(**c))
            .count();
        Ok(number.map_or(Value::Null, Value::Number))
    }

    /// A constant, or a container named by its class.
    fn name(&mut self, depth: usize) -> Result<Value, String> {
        let rest = &self.characters[self.at..];
        let name: String = rest
            .iter()
            .take_while(|c| c.is_ascii_alphanumeric())
            .collect();
        match name.as_str() {
            "True" | "False" | "None" | "nan" | "inf" => {
                self.at += name.len();
                Ok(match name.as_str() {
                    "True" => Value::Bool(true),
                    "False" => Value::Bool(false),
                    _ => Value::Null,
                })
            }
            "defaultdict" | "OrderedDict" | "Counter" | "array" => {
                self.at += name.len();
                self.expects('(')?;
                if self.takes('<') {
                    while self.characters.get(self.at).is_some_and(|c| *c != '>') {
                        self.at += 1;
                    }
                    self.expects('>')?;
                    self.expects(',')?;
                }
                let value = self.value(depth + 1)?;
                self.expects(')')?;
                Ok(value)
            }
            _ => Err(self.expected("a value")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_shows_is_read() {
        for (text, want) in [
            ("['a', \"it's\", 'b\\'c']", json!(["a", "it's", "b'c"])),
            ("[1, -2.5, 1e-3, 1_000]", json!([1, -2.5, 0.001, 1000])),
            (
                "(True, False, None, nan, -inf,)",
                json!([true, false, null, null, null]),
            ),
            ("{'a': {'b': []}, 1: ()}", json!({"a": {"b": []}, "1": []})),
            ("{'x', 'y'}", json!(["x", "y"])),
            ("{}", json!({})),
            ("'caf\\xe9 \\u2019 \\U0001f600\\n'", json!("café ’ 😀\n")),
            (
                "defaultdict(<class 'list'>, {'Côte (x)': [0.5, 0.5]})",
                json!({"Côte (x)": [0.5, 0.5]}),
            ),
            ("OrderedDict({'a': 1})", json!({"a": 1})),
            (
                "['''it's
''', \"\"\"\"a\"\"\"]",
                json!(["it's\n", "\"a"]),
            ),
            (r"'\d \frac \101'", json!("\\d \u{c}rac A")),
        ] {
            assert_eq!(from_python(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_literal_is_refused_with_its_place() {
        for (text, says) in [
            ("", "a value at character 1"),
            ("['a'", "',' at character 5"),
            ("['a' 'b']", "',' at character 6"),
            ("'a", "the end of a text"),
            ("open('/etc/passwd')", "a value at character 1"),
            ("[1] * 9", "the end at character 5"),
            ("{'a': 1, 'b'}", "':'"),
            ("{[1]: 2}", "a plain key"),
            ("'\\N{DASH}'", "an escape without"),
            ("1.2.3", "a number"),
        ] {
            let error = from_python(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(
            from_python(&"[".repeat(100_000))
                .unwrap_err()
                .contains("nests")
        );
    }
}
