//! What chat templates expect of Python alongside what `minijinja_contrib::pycompat` has: more methods of strings, and `tojson` with the
//! options of `json.dumps`.

use minijinja::value::{Kwargs, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use minijinja_contrib::pycompat;
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Widest indent that `tojson` takes.
const MAX_INDENT: usize = 16;

/// Calls a method that the engine does not know.
pub(crate) fn method(
    state: &mut State,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return pycompat::unknown_method_callback(state, value, name, arguments);
    };
    Ok(match name {
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(arguments)?;
            let parts = if name == "partition" {
                text.split_once(separator).unwrap_or((text, ""))
            } else {
                text.rsplit_once(separator).unwrap_or(("", text))
            };
            let found = if text.contains(separator) {
                separator
            } else {
                ""
            };
            [parts.0, found, parts.1]
                .into_iter()
                .map(Value::from)
                .collect()
        }
        "rsplit" => {
            let (separator, most): (Option<&str>, Option<i64>) = from_args(arguments)?;
            let parts = rsplit(text, separator, most);
            parts.into_iter().map(Value::from).collect()
        }
        _ => return pycompat::unknown_method_callback(state, value, name, arguments),
    })
}

/// `str.rsplit`: at most this many cuts, from the end; without a separator at runs of white space.
fn rsplit<'a>(text: &'a str, separator: Option<&str>, most: Option<i64>) -> Vec<&'a str> {
    let most = most.and_then(|n| usize::try_from(n).ok());
    let mut parts = Vec::new();
    let mut rest = separator.map_or(text.trim(), |_| text);
    while most.is_none_or(|most| parts.len() < most) {
        let cut = match separator {
            Some(separator) => rest.rsplit_once(separator),
            None => rest
                .rsplit_once(char::is_whitespace)
                .map(|(before, after)| (before.trim_end(), after)),
        };
        let Some((before, after)) = cut else { break };
        parts.push(after);
        rest = before;
    }
    if separator.is_some() || !rest.is_empty() {
        parts.push(rest);
    }
    parts.reverse();
    parts
}

/// Words of a text, as Jinja counts them.
#[allow(clippy::needless_pass_by_value)] // the signature of a filter
pub(super) fn word_count(text: String) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !word(c)).filter(|w| !w.is_empty()).count()
}

/// Transformers' `tojson`: `json.dumps` without HTML escapes, non-ASCII kept unless `ensure_ascii` is set.
#[allow(clippy::needless_pass_by_value)] // the signature of a filter
pub(super) fn to_json(state: &State, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let failed = |e: serde_json::Error| Error::new(ErrorKind::BadSerialization, e.to_string());
    let indent: Option<usize> = options.get("indent")?;
    let separators: Option<(String, String)> = match options.get::<Option<Value>>("separators")? {
        None => None,
        Some(pair) => {
            let part = |i: usize| pair.get_item(&Value::from(i)).map(|v| v.to_string());
            Some((part(0)?, part(1)?))
        }
    };
    if let Some(width) = indent.filter(|width| *width > MAX_INDENT) {
        let reason = format!("tojson accepts an indent of at most {MAX_INDENT}, not {width}");
        return Err(Error::new(ErrorKind::InvalidOperation, reason));
    }
    let between = if indent.is_some() { "," } else { ", " };
    let (item, key) = separators.unwrap_or((between.into(), ": ".into()));
    let style = Style {
        indent,
        item,
        key,
        ascii: options
            .get::<Option<bool>>("ensure_ascii")?
            .unwrap_or(false),
        depth: 0,
        empty: true,
    };
    let mut tree = serde_json::to_value(value).map_err(failed)?;
    if options.get::<Option<bool>>("sort_keys")?.unwrap_or(false) {
        tree.sort_all_objects();
    }
    let mut out = Vec::new();
    tree.serialize(&mut Serializer::with_formatter(&mut out, style))
        .map_err(failed)?;
    // What is written is paid for; the engine itself sees the result alone.
    state.consume_fuel(out.len() as u64 / 4)?;
    Ok(Value::from_safe_string(
        String::from_utf8_lossy(&out).into_owned(),
    ))
}

/// How `json.dumps` puts values together.
struct Style {
    indent: Option<usize>,
    item: String,
    key: String,
    ascii: bool,
    depth: usize,
    /// Whether the list or object that is open has nothing in it yet.
    empty: bool,
}

type Written = std::io::Result<()>;

impl Style {
    fn open<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, bracket: &[u8]) -> Written {
        self.depth += 1;
        self.empty = true;
        writer.write_all(bracket)
    }

    fn close<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, bracket: &[u8]) -> Written {
        self.depth -= 1;
        if !self.empty {
            self.line(writer)?;
        }
        self.empty = false;
        writer.write_all(bracket)
    }

    fn begin<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> Written {
        self.empty = false;
        if !first {
            writer.write_all(self.item.as_bytes())?;
        }
        self.line(writer)
    }

    fn line<W: ?Sized + std::io::Write>(&self, writer: &mut W) -> Written {
        match self.indent {
            Some(width) => write!(writer, "\n{:1$}", "", width * self.depth),
            None => Ok(()),
        }
    }
}

impl Formatter for Style {
    fn begin_array<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> Written {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> Written {
        self.close(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> Written {
        self.begin(writer, first)
    }

    fn end_array_value<W: ?Sized + std::io::Write>(&mut self, _: &mut W) -> Written {
        self.empty = false;
        Ok(())
    }

    fn begin_object<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> Written {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> Written {
        self.close(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> Written {
        self.begin(writer, first)
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> Written {
        writer.write_all(self.key.as_bytes())
    }

    fn end_object_value<W: ?Sized + std::io::Write>(&mut self, _: &mut W) -> Written {
        self.empty = false;
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> Written {
        if !self.ascii {
            return writer.write_all(fragment.as_bytes());
        }
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit).ok().filter(u8::is_ascii) {
                Some(byte) => writer.write_all(&[byte])?,
                None => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> Written {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::Backspace => writer.write_all(b"\\b"),
            CharEscape::FormFeed => writer.write_all(b"\\f"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use minijinja::Environment;

    use super::*;

    /// Renders with what chat templates have.
    fn rendered(source: &str) -> String {
        let mut environment = Environment::new();
        environment.set_unknown_method_callback(method);
        environment.add_filter("tojson", to_json);
        environment.add_filter("wordcount", word_count);
        environment.render_str(source, ()).unwrap()
    }

    #[test]
    fn strings_have_pythons_methods() {
        // Expected values are those of CPython 3.
        for (source, want) in [
            (
                "{{ 'Hello'.removeprefix('Hel') }}{{ 'Hello'.removeprefix('x') }}",
                "loHello",
            ),
            ("{{ 'Hello'.removesuffix('lo') }}", "Hel"),
            ("{{ 'a b c'.rsplit(' ', 1) | join('|') }}", "a b|c"),
            ("{{ ' a  b c '.rsplit() | join('|') }}", "a|b|c"),
            ("{{ ' a  b c '.rsplit(none, 1) | join('|') }}", "a  b|c"),
            ("{{ 'a,b,,c'.rsplit(',') | join('|') }}", "a|b||c"),
            ("{{ 'a=b=c'.partition('=') | join('|') }}", "a|=|b=c"),
            ("{{ 'abc'.partition('=') | join('|') }}", "abc||"),
            ("{{ 'a=b=c'.rpartition('=') | join('|') }}", "a=b|=|c"),
            ("{{ 'abc'.rpartition('=') | join('|') }}", "||abc"),
            ("{{ 'Ab'.upper() }}", "AB"),
            ("{{ 'Hi there, you_all!' | wordcount }}", "3"),
        ] {
            assert_eq!(rendered(source), want, "{source}");
        }
    }

    #[test]
    fn tojson_writes_as_json_dumps_does() {
        for (source, want) in [
            (
                "{{ {'b': [1, 'ä<'], 'a': none} | tojson }}",
                "{\"b\": [1, \"ä<\"], \"a\": null}",
            ),
            (
                "{{ {'b': 1, 'a': {'d': 1, 'c': 2}} | tojson(sort_keys=true) }}",
                "{\"a\": {\"c\": 2, \"d\": 1}, \"b\": 1}",
            ),
            (
                "{{ 'é😀\\n\"' | tojson(ensure_ascii=true) }}",
                "\"\\u00e9\\ud83d\\ude00\\n\\\"\"",
            ),
            (
                "{{ {'b': [1, 2]} | tojson(separators=(',', ':')) }}",
                "{\"b\":[1,2]}",
            ),
            (
                "{{ {'a': [1, []], 'b': {}} | tojson(indent=2) }}",
                "{\n  \"a\": [\n    1,\n    []\n  ],\n  \"b\": {}\n}",
            ),
            ("{{ [] | tojson(indent=none) }}", "[]"),
        ] {
            assert_eq!(rendered(source), want, "{source}");
        }
    }
}
