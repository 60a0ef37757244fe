//! The one template environment of suites: Jinja with Python's methods, strict about unknown names, unable to reach files.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};

use crate::text::SourceError;

/// An environment for the templates of one suite, which may use its constants.
pub(super) fn environment(constants: &BTreeMap<String, serde_json::Value>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    environment.set_syntax(syntax.expect("the delimiters are Jinja's own"));
    // Nothing here needs more than a few thousand steps; a template that loops for ever is stopped.
    environment.set_fuel(Some(200_000));
    for (name, value) in constants {
        environment.add_global(name.clone(), minijinja::Value::from(Serde(value)));
    }
    environment
}

/// Adds a template written in `suite.yaml` and points at it there where it does not parse.
pub(super) fn add(
    environment: &mut Environment<'static>,
    name: &str,
    source: &str,
    file: &str,
    yaml: &str,
) -> Result<(), Box<SourceError>> {
    environment
        .add_template_owned(name.to_owned(), source.to_owned())
        .map_err(|error| {
            let first = source
                .lines()
                .find(|l| !l.trim().is_empty())
                .unwrap_or(source)
                .trim();
            let offset = yaml.find(first).unwrap_or(0);
            Box::new(
                SourceError::at_offset(
                    file,
                    yaml,
                    offset,
                    format!(
                        "the template '{name}' does not parse: {}",
                        error.detail().unwrap_or("syntax error")
                    ),
                )
                .with_help("templates are Jinja: {{ field }}, {% for … %}"),
            )
        })
}

/// What went wrong while rendering, in one line.
pub(super) fn describe(error: &minijinja::Error) -> String {
    let mut text = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    if error.kind() == minijinja::ErrorKind::UndefinedError {
        text = format!(
            "the template '{}' names a field that the sample does not have ({text})",
            error.name().unwrap_or("?")
        );
    }
    text
}
