//! YAML as PyYAML reads it: version 1.1, in which `no` is false and `010` is eight, with the tag `!function`.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};

use crate::text::SourceError;

/// The one key of an object that represents a Python function: no task file can have it as a key of its own accord.
const FUNCTION: &str = "!function";

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 64;

/// Most values that one file may come to, aliases written out.
const MAX_VALUES: usize = 1 << 20;

/// The Python function that is where a value is expected.
pub(super) fn function(value: &Value) -> Option<&str> {
    value.as_object()?.get(FUNCTION)?.as_str()
}

/// The mapping that a file holds.
///
/// # Errors
/// The place where something is written wrong.
pub(super) fn read(name: &str, text: &str) -> Result<Map<String, Value>, Box<SourceError>> {
    let mut options = Options::default();
    options.block_scalar_eof_without_line_feed = true;
    options.bom_inside_document_as_content = true;
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        values: 0,
        name,
        text,
    };
    match reader.document()? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Box::new(SourceError::at(
            name,
            text,
            1,
            1,
            "a task file is a mapping of settings",
        ))),
    }
}

type Read<T> = Result<T, Box<SourceError>>;

struct Reader<'a, I: Iterator> {
    events: I,
    anchors: HashMap<usize, (Value, usize)>,
    values: usize,
    name: &'a str,
    text: &'a str,
}

impl<'a, I> Reader<'a, I>
where
    I: Iterator<Item = Result<(Event<'a>, Span), serde_saphyr::granit_parser::ScanError>>,
{
    /// The next event. What is presentation alone, such as a comment, is passed over.
    fn next(&mut self) -> Read<(Event<'a>, Span)> {
        let is_structure = |event: &Event| {
            event.is_node()
                || matches!(
                    event,
                    Event::StreamStart
                        | Event::StreamEnd
                        | Event::DocumentStart(..)
                        | Event::DocumentEnd
                        | Event::SequenceEnd
                        | Event::MappingEnd
                )
        };
        let events = self.events.by_ref();
        match events.find(|e| e.as_ref().map_or(true, |(event, _)| is_structure(event))) {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = error.marker();
                Err(self.wrong_at(at.line(), at.col() + 1, error.kind().to_string()))
            }
            None => Err(self.wrong_at(1, 1, "the file ends too early".into())),
        }
    }

    fn wrong_at(&self, line: usize, column: usize, what: String) -> Box<SourceError> {
        Box::new(SourceError::at(self.name, self.text, line, column, what))
    }

    fn wrong(&self, at: &Span, what: String) -> Box<SourceError> {
        self.wrong_at(at.start.line(), at.start.col() + 1, what)
    }

    fn document(&mut self) -> Read<Value> {
        let mut value = Value::Null;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if value.is_null() => {
                    let (event, at) = self.next()?;
                    value = self.node(event, &at, 0)?;
                }
                Event::DocumentStart(..) => {
                    return Err(self.wrong(&at, "a task file holds one document".into()));
                }
                _ => return Ok(value),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: &Span, depth: usize) -> Read<Value> {
        self.values += 1;
        if depth > MAX_DEPTH {
            return Err(self.wrong(at, format!("this nests deeper than {MAX_DEPTH}")));
        }
        if self.values > MAX_VALUES {
            return Err(self.wrong(
                at,
                format!("the file comes to more than {MAX_VALUES} values"),
            ));
        }
        let before = self.values;
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let (value, size) =
                    known.ok_or_else(|| self.wrong(at, "this alias names nothing".into()))?;
                self.values += size;
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(&text, style, tag.as_deref(), at)?)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.only_known(tag.as_deref(), at)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, at) => items.push(self.node(event, &at, depth + 1)?),
                    }
                }
                (anchor, Value::Array(items))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.only_known(tag.as_deref(), at)?;
                (anchor, Value::Object(self.mapping(depth)?))
            }
            _ => return Err(self.wrong(at, "a value is missing".into())),
        };
        if anchor != 0 {
            let size = self.values - before + 1;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok(value)
    }

    /// A mapping. Of a key that is written twice the last value counts, and merged keys give way to its own.
    fn mapping(&mut self, depth: usize) -> Read<Map<String, Value>> {
        let (mut fields, mut merged) = (Map::new(), Map::new());
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let merges =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.node(event, &at, depth + 1)?;
            let (event, at) = self.next()?;
            let value = self.node(event, &at, depth + 1)?;
            match (key, value) {
                (_, Value::Object(own)) if merges => merged.extend(own),
                (_, Value::Array(several)) if merges => {
                    for own in several.into_iter().rev() {
                        merged.extend(own.as_object().cloned().unwrap_or_default());
                    }
                }
                (Value::Array(_) | Value::Object(_), _) => {
                    return Err(self.wrong(&at, "a list or mapping cannot be a key".into()));
                }
                (key, value) => {
                    fields.insert(crate::text::python_text(&key), value);
                }
            }
        }
        if merged.is_empty() {
            return Ok(fields);
        }
        merged.extend(fields);
        Ok(merged)
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: &Span) -> Read<Value> {
        match tag {
            None if style == ScalarStyle::Plain => Ok(plain(text)),
            None => Ok(text.into()),
            Some(tag) if tag.handle() == "!" && tag.suffix() == "function" => {
                Ok(Map::from_iter([(FUNCTION.to_owned(), text.into())]).into())
            }
            Some(tag) => match tag.core_suffix() {
                Some("str") => Ok(text.into()),
                Some("int" | "float" | "bool" | "null") => Ok(plain(text)),
                _ => Err(self.unknown(tag, at)),
            },
        }
    }

    fn only_known(&self, tag: Option<&Tag>, at: &Span) -> Read<()> {
        match tag {
            Some(tag) if !matches!(tag.core_suffix(), Some("seq" | "map")) => {
                Err(self.unknown(tag, at))
            }
            _ => Ok(()),
        }
    }

    fn unknown(&self, tag: &Tag, at: &Span) -> Box<SourceError> {
        self.wrong(at, format!("the tag {} is not supported", tag.original()))
    }
}

/// A plain scalar by YAML 1.1's rules, as PyYAML resolves them.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return true.into();
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return false.into();
        }
        _ => {}
    }
    whole(text)
        .map(Value::from)
        .or_else(|| fraction(text).and_then(Number::from_f64).map(Value::from))
        .unwrap_or_else(|| text.into())
}

/// A whole number: decimal, octal after a 0, hexadecimal, binary, or in base 60 with colons.
fn whole(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let bare: String = digits.chars().filter(|c| *c != '_').collect();
    let size = if let Some(hex) = bare.strip_prefix("0x") {
        i64::from_str_radix(hex, 16).ok()?
    } else if let Some(binary) = bare.strip_prefix("0b") {
        i64::from_str_radix(binary, 2).ok()?
    } else if bare.contains(':') {
        if bare.starts_with('0') {
            return None;
        }
        bare.split(':')
            .enumerate()
            .try_fold(0_i64, |sum, (i, part)| {
                let part: i64 = part.parse().ok().filter(|p| i == 0 || *p < 60)?;
                sum.checked_mul(60)?.checked_add(part)
            })?
    } else if bare.len() > 1 && bare.starts_with('0') {
        i64::from_str_radix(&bare[1..], 8).ok()?
    } else {
        bare.parse().ok()?
    };
    Some(if negative { -size } else { size })
}

/// A number with a point, and where it has an exponent, that one's sign.
fn fraction(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let bare: String = digits.chars().filter(|c| *c != '_').collect();
    let (mantissa, exponent) = match bare.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (bare.as_str(), None),
    };
    let digits_only = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    let (before, after) = mantissa.split_once('.')?;
    let signed =
        exponent.is_none_or(|e| e.len() > 1 && e.starts_with(['-', '+']) && digits_only(&e[1..]));
    let point =
        digits_only(before) && digits_only(after) && !(before.is_empty() && after.is_empty());
    if !signed || !point {
        return None;
    }
    let size: f64 = format!("0{bare}").parse().ok()?;
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read("x.yaml", text).unwrap().into()
    }

    #[test]
    fn scalars_are_what_pyyaml_makes_of_them() {
        // Expected values are those of PyYAML 6's SafeLoader.
        for (word, want) in [
            ("no", json!(false)),
            ("On", json!(true)),
            ("y", json!("y")),
            ("010", json!(8)),
            ("08", json!("08")),
            ("0x1F", json!(31)),
            ("1_000", json!(1000)),
            ("12:30", json!(750)),
            ("1e3", json!("1e3")),
            ("1.0e3", json!("1.0e3")),
            ("1.0e+3", json!(1000.0)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("-7", json!(-7)),
            ("2021-01-02", json!("2021-01-02")),
            ("~", Value::Null),
            ("'no'", json!("no")),
            ("!!str 5", json!("5")),
            ("", Value::Null),
        ] {
            assert_eq!(value(&format!("v: {word}\n")), json!({"v": want}), "{word}");
        }
    }

    #[test]
    fn functions_aliases_merges_and_repeated_keys_are_read() {
        let text = "f: !function utils.go\nbase: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\nf2: 1\nf2: 2\ntext: |\n  a\n  b";
        let read = value(text);
        assert_eq!(function(&read["f"]), Some("utils.go"));
        assert_eq!(read["own"], json!({"x": 1, "y": 3}));
        assert_eq!(read["f2"], 2);
        assert_eq!(read["text"], "a\nb");
    }

    #[test]
    fn what_is_written_wrong_is_named_with_its_place() {
        let bomb = (0..12).fold("a0: &a0 [1]\n".to_owned(), |text, i| {
            let aliases = vec![format!("*a{i}"); 10].join(", ");
            format!("{text}a{n}: &a{n} [{aliases}]\n", n = i + 1)
        });
        let deep = format!("a: {}", "[".repeat(5000));
        for (text, says) in [
            ("- 1\n", "x.yaml:1:1: a task file is a mapping"),
            ("a: !!python/name:os.system x\n", "x.yaml:1:"),
            ("a: 1\n---\nb: 2\n", "one document"),
            (bomb.as_str(), "values"),
            (deep.as_str(), "recursion limit"),
            ("a: [1\n", "x.yaml:"),
        ] {
            let said = read("x.yaml", text).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
    }
}
