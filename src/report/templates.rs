//! The report's templates, style and script, embedded from `reports/`. Every text passes one formatter, which makes control characters
//! visible and escapes HTML, unless it is our own markup.

use include_dir::Dir;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value, escape_formatter};
use serde::Serialize;

use super::ReportError;
use super::embedded::FILES;
use super::figures::{points, thousands, unbroken};
use super::language::Language;
use crate::text::visible;

/// Renders templates of `reports/`.
pub(super) struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    pub(super) fn new(language: Language) -> Result<Self, ReportError> {
        let mut environment = Environment::new();
        let words = language.words();
        environment.add_global("words", Value::from_pairs(words.clone()));
        // A head or a short word of tables, which are English where they are made.
        environment.add_filter("term", move |term: String| {
            let own = words.get(format!("term.{term}").as_str());
            own.cloned().unwrap_or(term)
        });
        environment.add_global("language", language.tag());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_formatter(|out, state, value| match value.as_str() {
            Some(text) if !value.is_safe() => {
                escape_formatter(out, state, &Value::from(visible(text).as_ref()))
            }
            _ => escape_formatter(out, state, value),
        });
        environment.add_filter("unbroken", |sentence: String| unbroken(&sentence));
        environment.add_filter("percent", |share: f64| format!("{:.1}", share * 100.0));
        environment.add_filter("points", points);
        environment.add_filter("thousands", |n: i64| thousands(n));
        environment.add_filter("fixed", |value: f64, digits: usize| {
            format!("{value:.digits$}")
        });
        for file in FILES.files().chain(FILES.dirs().flat_map(Dir::files)) {
            let name = file.path().display().to_string().replace('\\', "/");
            if name.ends_with(".html") {
                environment
                    .add_template_owned(
                        name.clone(),
                        file.contents_utf8().unwrap_or_default().to_owned(),
                    )
                    .map_err(|e| render_error(&name, &e))?;
            }
        }
        Ok(Self { environment })
    }

    pub(super) fn render(
        &self,
        name: &str,
        context: &impl Serialize,
    ) -> Result<String, ReportError> {
        self.environment
            .get_template(name)
            .and_then(|t| t.render(Value::from(Serde(context))))
            .map_err(|e| render_error(name, &e))
    }
}

fn render_error(part: &str, error: &Error) -> ReportError {
    ReportError::Render {
        part: part.into(),
        reason: format!("{error:#}"),
    }
}
