//! A value as Python's `str` and `repr` write it.

use serde_json::{Number, Value};

/// `str(value)`: a text as it is, everything else as [`repr`].
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)`.
fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&show_number(number)),
        Value::String(text) => quote(out, text),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (i, (name, field)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                quote(out, name);
                out.push_str(": ");
                write(out, field);
            }
            out.push('}');
        }
    }
}

/// Whole numbers in their digits; others in the shortest digits that read back, with an exponent of at least two digits outside
/// 1e-4 … 1e16.
fn show_number(number: &Number) -> String {
    if !number.is_f64() {
        return number.to_string();
    }
    let value = number.as_f64().unwrap_or(f64::NAN);
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let written = format!("{value:e}");
        let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let (sign, exponent) = exponent
            .strip_prefix('-')
            .map_or(("+", exponent), |e| ("-", e));
        format!("{digits}e{sign}{exponent:0>2}")
    } else {
        format!("{value:?}")
    }
}

/// A text between quotes: single ones, unless it has those and no double ones.
fn quote(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&escaped(c)),
        }
    }
    out.push(mark);
}

fn escaped(c: char) -> String {
    let code = u32::from(c);
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

/// Neither a control or format character, nor white space other than the plain one, nor private use.
fn is_printable(c: char) -> bool {
    let format = matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}');
    c == ' ' || !(c.is_control() || c.is_whitespace() || format)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_as_python_shows_them() {
        // Expected texts are those of CPython 3's repr().
        for (value, want) in [
            (
                json!(["a", "it's", "say \"no\"", "b'\""]),
                r#"['a', "it's", 'say "no"', 'b\'"']"#,
            ),
            (
                json!({"a": null, "b": [true, 1]}),
                "{'a': None, 'b': [True, 1]}",
            ),
            (
                json!([1.0, 0.1, 1e-5, 1e16, 2.5e-7]),
                "[1.0, 0.1, 1e-05, 1e+16, 2.5e-07]",
            ),
            (
                json!("é😀\u{200b}\u{7}\u{a0}\n"),
                "'é😀\\u200b\\x07\\xa0\\n'",
            ),
        ] {
            assert_eq!(repr(&value), want);
        }
        assert_eq!(show(&json!("a'b")), "a'b");
    }
}
