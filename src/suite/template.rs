//! The one template environment of suites: Jinja with Python's methods, strict about unknown names, unable to reach files.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use crate::files::isolate;
use crate::text::SourceError;

/// An environment for the templates of one suite, with its constants.
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
    // A cell without a value is blank: no question shall contain "none".
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            Ok(())
        } else {
            minijinja::escape_formatter(out, state, value)
        }
    });
    bound(&mut environment);
    for (name, value) in constants {
        environment.add_global(name.clone(), minijinja::Value::from(Serde(value)));
    }
    environment
}

/// Limit on a template's work: a step, or 64 bytes written, costs one. No shipped template needs more than a few thousand.
const FUEL: u64 = 200_000;

/// Widest indent that `tojson` takes.
const MAX_INDENT: usize = 16;

/// Stops what loops for ever or writes without end.
pub(crate) fn bound(environment: &mut Environment<'_>) {
    environment.set_fuel(Some(FUEL));
    // The filter itself pays for what it wrote only afterwards.
    environment.add_filter(
        "tojson",
        |value: &Value, indent: Option<Value>, options: Kwargs| {
            let asked = indent.clone().map_or_else(|| options.peek("indent"), Ok);
            match asked.ok().and_then(|width| width.as_usize()) {
                Some(width) if width > MAX_INDENT => Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("tojson accepts an indent of at most {MAX_INDENT}, not {width}"),
                )),
                _ => minijinja::filters::tojson(value, indent, options),
            }
        },
    );
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

/// Renders a template.
///
/// # Errors
/// What went wrong, in one line.
pub(super) fn render(
    environment: &Environment<'_>,
    name: &str,
    context: minijinja::Value,
) -> Result<String, String> {
    let template = environment.get_template(name).map_err(|e| describe(&e))?;
    let render = || template.render(context).map_err(|e| describe(&e));
    // Only a namespace carries a value from one turn of a loop to the next, and so nests it deeper than a stack usually goes.
    if template.source().contains("namespace") {
        isolate(render).unwrap_or_else(|e| Err(e.to_string()))
    } else {
        render()
    }
}

/// Renders a template that is written where it is used.
///
/// # Errors
/// What went wrong, in one line.
pub(super) fn render_source<T: serde::Serialize>(
    environment: &Environment<'_>,
    name: &str,
    source: &str,
    context: Serde<T>,
) -> Result<String, String> {
    environment
        .render_named_str(name, source, minijinja::Value::from(context))
        .map_err(|e| describe(&e))
}

/// Whether an expression over a row holds.
///
/// # Errors
/// What is wrong with it, in one line.
pub(super) fn holds<T: serde::Serialize>(
    environment: &Environment<'_>,
    expression: &str,
    context: Serde<T>,
) -> Result<bool, String> {
    let value = environment
        .compile_expression(expression)
        .and_then(|e| e.eval(minijinja::Value::from(context)));
    match value {
        Ok(value) if value.is_undefined() => Err(format!(
            "'{expression}' names a field that the row does not have"
        )),
        Ok(value) => Ok(value.is_true()),
        Err(error) => Err(format!("'{expression}': {}", describe(&error))),
    }
}

/// The list of texts that a single expression, `{{ … }}`, gives.
///
/// # Errors
/// What is wrong with it, or with what it gives.
pub(super) fn list(
    environment: &Environment<'_>,
    source: &str,
    context: minijinja::Value,
) -> Result<Vec<String>, String> {
    let expression = source
        .trim()
        .strip_prefix("{{")
        .and_then(|s| s.strip_suffix("}}"));
    let expression = expression.ok_or_else(|| {
        format!(
            "'{source}' is not a list, nor the name of a row's list as in \"{{{{ languages }}}}\""
        )
    })?;
    let value = environment
        .compile_expression(expression)
        .and_then(|e| e.eval(context))
        .map_err(|e| describe(&e))?;
    let is_list = matches!(
        value.kind(),
        minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable
    );
    if !is_list {
        return Err(format!("'{source}' does not yield a list for this row"));
    }
    let values = value.try_iter().map_err(|e| describe(&e))?;
    Ok(values.map(|v| v.to_string().trim().to_owned()).collect())
}

/// What went wrong while rendering, in one line.
fn describe(error: &minijinja::Error) -> String {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rendered(source: &str) -> Result<String, String> {
        let mut environment = environment(&BTreeMap::new());
        add(&mut environment, "t", source, "suite.yaml", source).unwrap();
        render(
            &environment,
            "t",
            minijinja::context! { nothing => None::<u8>, word => "x" },
        )
    }

    #[test]
    fn a_cell_without_a_value_is_blank() {
        assert_eq!(
            rendered("[{{ nothing }}] {{ nothing is none }} {{ word }}").unwrap(),
            "[] True x"
        );
    }

    #[test]
    fn a_template_that_works_nests_or_writes_without_end_is_stopped() {
        for source in [
            "{% set ns = namespace(x=[]) %}{% for i in range(900) %}{% for j in range(900) %}{% set ns.x = [ns.x] %}{% endfor %}{% endfor %}",
            "{% set ns = namespace(x='x') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
            "{% macro f(x) %}{{ f([x]) }}{% endmacro %}{{ f(1) }}",
            "{{ word * 99999999999 }}",
            "{{ word | indent(99999999999, true) }}",
            "{{ [word] | tojson(indent=17) }}",
            "{{ [word] | tojson(17) }}",
            "{% include '/etc/passwd' %}",
        ] {
            assert!(rendered(source).is_err(), "{source}");
        }
    }

    #[test]
    fn a_loop_carries_no_value_from_one_turn_to_the_next() {
        let source = "{% set x = [] %}{% for i in range(3) %}{% set x = [x] %}{{ x | tojson }} {% endfor %}{{ x | tojson }}";
        assert_eq!(rendered(source).unwrap(), "[[]] [[]] [[]] []");
    }
}
