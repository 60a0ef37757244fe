//! Jinja as lm-evaluation-harness runs it: strict about unknown names, blocks untrimmed, trailing line feeds kept, values written as
//! Python writes them.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior};

use crate::files::{Row, isolate};

use crate::model::python_method;
use crate::suite::template::bound;
use crate::text::{PythonPattern, python_text};

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_unknown_method_callback(method);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("the delimiters are Jinja's own"));
    environment.set_formatter(|out, state, value| {
        if value.is_undefined() {
            return minijinja::escape_formatter(out, state, value);
        }
        out.write_str(&shown(value)).map_err(Error::from)
    });
    bound(&mut environment);
    environment.add_filter("regex_replace", regex_replace);
    environment.add_filter("string", |value: &Value| shown(value));
    environment.add_filter("join", join);
    environment
});

/// Whether a text is a template at all: without marks it is what it gives.
fn has_marks(source: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| source.contains(mark))
}

/// Checks that a template parses.
///
/// # Errors
/// Where it does not, and why.
pub(super) fn parse(source: &str) -> Result<(), String> {
    if !has_marks(source) {
        return Ok(());
    }
    let template = ENVIRONMENT.template_from_str(source);
    template.map(drop).map_err(|error| {
        let why = error.detail().unwrap_or("syntax error");
        match error.line() {
            Some(line) => format!("the template does not parse: {why} (line {line} of it)"),
            None => format!("the template does not parse: {why}"),
        }
    })
}

/// The names that a template reads of a document, with what it reads of them: `choices`, `choices.text`.
pub(super) fn names(source: &str) -> Vec<String> {
    let template = has_marks(source).then(|| ENVIRONMENT.template_from_str(source));
    let names = template.and_then(Result::ok);
    let mut names: Vec<String> = names
        .map(|t| t.undeclared_variables(true).into_iter().collect())
        .unwrap_or_default();
    // Functions such as `range` are the engine's, not the document's.
    names.retain(|name| ENVIRONMENT.globals().all(|(global, _)| global != name));
    names.sort();
    names
}

/// The text that a template gives for a document.
///
/// # Errors
/// What went wrong, in one line.
pub(super) fn render(source: &str, document: &Row) -> Result<String, String> {
    if !has_marks(source) {
        return Ok(source.to_owned());
    }
    let render = || {
        let template = ENVIRONMENT.template_from_str(source);
        let rendered = template.and_then(|t| t.render(Value::from(Serde(document))));
        rendered.map_err(|e| describe(&e))
    };
    // What carries a value from one turn of a loop to the next can nest it deeper than a stack usually goes.
    if source.contains("namespace") {
        isolate(render).unwrap_or_else(|e| Err(e.to_string()))
    } else {
        render()
    }
}

/// What went wrong, in one line.
fn describe(error: &Error) -> String {
    let detail = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    if error.kind() == ErrorKind::UndefinedError {
        format!("a template names a field that the document does not have ({detail})")
    } else {
        format!("a template fails: {detail}")
    }
}

/// `str(value)`.
fn shown(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => match serde_json::to_value(value) {
            Ok(value) => python_text(&value),
            Err(_) => value.to_string(),
        },
    }
}

/// Python's `join`, whose items are written as Python writes them.
fn join(value: &Value, between: Option<&str>, attribute: Option<&Value>) -> Result<String, Error> {
    let mut out = String::new();
    for (i, item) in value.try_iter()?.enumerate() {
        if i > 0 {
            out.push_str(between.unwrap_or_default());
        }
        let item = match attribute {
            Some(name) => item.get_item(name)?,
            None => item,
        };
        if item.is_undefined() {
            return Err(ErrorKind::UndefinedError.into());
        }
        out.push_str(&shown(&item));
    }
    Ok(out)
}

/// `re.sub` as a filter.
fn regex_replace(
    text: &str,
    pattern: &str,
    with: &str,
    count: Option<usize>,
) -> Result<String, Error> {
    let wrong =
        |e: crate::text::PythonPatternError| Error::new(ErrorKind::InvalidOperation, e.to_string());
    PythonPattern::new(pattern)
        .and_then(|p| p.replace(text, with, count.unwrap_or(0)))
        .map_err(wrong)
}

/// Methods of lists and texts that the engine and its companion lack.
fn method(
    state: &mut State,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let failed = |what: String| Error::new(ErrorKind::InvalidOperation, what);
    match (name, value.as_str()) {
        ("index", None) if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) => {
            let (wanted,): (Value,) = from_args(arguments)?;
            let at = value.try_iter()?.position(|item| item == wanted);
            let missing = || failed(format!("{} is not in the list", shown(&wanted)));
            at.map(Value::from).ok_or_else(missing)
        }
        ("index" | "rindex", Some(text)) => {
            let (wanted,): (&str,) = from_args(arguments)?;
            let at = if name == "index" {
                text.find(wanted)
            } else {
                text.rfind(wanted)
            };
            let at = at.ok_or_else(|| failed(format!("'{wanted}' is not in the text")))?;
            Ok(Value::from(text[..at].chars().count()))
        }
        ("swapcase", Some(text)) => {
            let swap = |c: char| -> String {
                if c.is_uppercase() {
                    c.to_lowercase().collect()
                } else {
                    c.to_uppercase().collect()
                }
            };
            Ok(text.chars().map(swap).collect::<String>().into())
        }
        ("casefold", Some(text)) => Ok(text.to_lowercase().into()),
        ("zfill", Some(text)) => {
            let (width,): (usize,) = from_args(arguments)?;
            let missing = width.min(10_000).saturating_sub(text.chars().count());
            let (sign, digits) = match text.strip_prefix(['-', '+']) {
                Some(digits) => text.split_at(text.len() - digits.len()),
                None => ("", text),
            };
            Ok(format!("{sign}{}{digits}", "0".repeat(missing)).into())
        }
        _ => python_method(state, value, name, arguments),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(source: &str) -> Result<String, String> {
        let document = json!({
            "question": " Why? ", "label": 1, "score": 0.5, "none": null, "yes": true,
            "choices": {"text": ["it's", "b"], "label": ["A", "B"]}, "answerKey": "B", "text": "The cat sat",
        });
        parse(source)?;
        render(source, document.as_object().unwrap())
    }

    #[test]
    fn templates_give_what_jinja2_gives_under_lm_eval() {
        // Expected texts are those of jinja2 3.1 with lm-eval's environment.
        for (source, want) in [
            ("{{question.strip()}}\n", "Why?\n"),
            ("{{choices.text}}", "[\"it's\", 'b']"),
            ("{{choices.label.index(answerKey)}}", "1"),
            ("{{['A', 'B'][label]}}", "B"),
            (
                "{{none}} {{yes}} {{score}} {{label + 1}}",
                "None True 0.5 2",
            ),
            ("{{ text.split(' ')[:-1] | join(' ') }}", "The cat"),
            ("{{' '+text.split(' ')[-1]}}", " sat"),
            ("a\n{% if yes %}\n  b\n{% endif %}\nc", "a\n\n  b\n\nc"),
            (
                "{%- for c in choices['text'] %}{{ loop.index }}. {{c}}{% endfor -%} x",
                "1. it's2. bx",
            ),
            (
                "{{ text | regex_replace('(c)at', 'h\\\\1') }}",
                "The hc sat",
            ),
            ("{{ missing if missing is defined else label }}", "1"),
            ("{{ 'ABCD'[label] }}{{ text[-3:] }}", "Bsat"),
            ("{{ choices.text | length }} {{ label|string }}", "2 1"),
            (
                "{{ text.title() }} {{ text.find('cat') }} {{ text.count('t') }}",
                "The Cat Sat 4 2",
            ),
            ("{{ '{:.2f}'.format(score) }}", "0.50"),
            ("{{ [label, none, 'x'] | join('-') }}", "1-None-x"),
            ("no marks { at } all\n", "no marks { at } all\n"),
        ] {
            assert_eq!(rendered(source).as_deref(), Ok(want), "{source}");
        }
    }

    #[test]
    fn what_cannot_be_rendered_is_an_error() {
        for source in [
            "{{ missing }}",
            "{{ choices.missing }}",
            "{{ choices.label.index('Z') }}",
            "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
            "{% include '/etc/passwd' %}",
            "{{ text | regex_replace('(a', '') }}",
            "{{ unclosed",
        ] {
            assert!(rendered(source).is_err(), "{source}");
        }
    }
}
