//! Chat templates, run as Transformers runs them: Jinja with trimmed blocks, Python's methods, `raise_exception`, `strftime_now`.
//!
//! A template comes with the model's files, so it is bounded: what it may do and write is limited, and it reads no files.

use std::borrow::Cow;
use std::sync::LazyLock;

use fancy_regex::{Captures, Regex};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, ErrorKind, context};

use super::files_error;
use super::python;
use super::tokenizer::token_text;
use crate::files::isolate;
use crate::model::{ErrorClass, Message, ModelError, Role};

/// Work that a template may do for one conversation: a step, or 64 bytes written, costs one. The longest templates there are take a few
/// thousand for a short conversation; this leaves room for prompts of megabytes and stops within a second.
const FUEL: u64 = 400_000;

pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    begin: String,
    end: String,
}

impl ChatTemplate {
    pub(super) fn new(
        source: &str,
        tokenizer_config: &serde_json::Value,
    ) -> Result<Self, ModelError> {
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .map_err(|e| files_error(describe(&e)))?,
        );
        environment.set_unknown_method_callback(python::method);
        environment.add_function(
            "raise_exception",
            |message: String| -> Result<Value, Error> {
                Err(Error::new(ErrorKind::InvalidOperation, message))
            },
        );
        environment.add_function("strftime_now", |format: String| {
            jiff::Zoned::now().strftime(&format).to_string()
        });
        environment.add_filter("tojson", python::to_json);
        environment.add_filter("wordcount", python::word_count);
        environment.set_fuel(Some(FUEL));
        environment
            .add_template_owned("chat", without_generation(source).into_owned())
            .map_err(|e| {
                files_error(format!(
                    "the chat template cannot be read: {}",
                    describe(&e)
                ))
            })?;
        let token = |name: &str| {
            tokenizer_config
                .get(name)
                .and_then(token_text)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Self {
            environment,
            begin: token("bos_token"),
            end: token("eos_token"),
        })
    }

    /// The text of a conversation, ending where the model is to begin: after the words that it is to continue with, where the last turn is
    /// its own.
    pub(super) fn render(&self, messages: &[Message]) -> Result<String, ModelError> {
        let begun = messages.last().filter(|m| m.role == Role::Assistant);
        let render = || {
            let template = self
                .environment
                .get_template("chat")
                .map_err(|e| describe(&e))?;
            template
                .render(context! {
                    messages => Value::from(Serde(messages)),
                    add_generation_prompt => begun.is_none(),
                    bos_token => self.begin.as_str(),
                    eos_token => self.end.as_str(),
                })
                .map_err(|e| describe(&e))
        };
        let rendered = isolate(render).unwrap_or_else(|e| Err(e.to_string()));
        let rendered = rendered.map(|text| match begun {
            Some(message) => up_to(text, &message.content),
            None => text,
        });
        rendered.map_err(|why| {
            let what = format!("the model's chat template rejects the messages: {why}");
            ModelError::new(ErrorClass::BadRequest, what)
        })
    }
}

/// A conversation without what the template puts behind its last words; white space at their end stays where the template keeps it.
fn up_to(mut text: String, words: &str) -> String {
    if let Some(at) = text.rfind(words.trim()) {
        let whole = words.trim_start();
        let kept = if text[at..].starts_with(whole) {
            whole
        } else {
            words.trim()
        };
        text.truncate(at + kept.len());
    }
    text
}

/// `{% generation %}` marks the assistant's words for training. It renders as its content, and as a block it trims the white space around
/// it: it becomes a condition that always holds, with the trimming that is written.
fn without_generation(source: &str) -> Cow<'_, str> {
    static TAG: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(\{%[-+]?\s*)(end)?generation(\s*[-+]?%\})").expect("the pattern is valid")
    });
    TAG.replace_all(source, |tag: &Captures<str>| {
        let part = |i| tag.get(i).map_or("", |m| m.as_str());
        let keyword = if part(2).is_empty() {
            "if true"
        } else {
            "endif"
        };
        format!("{}{keyword}{}", part(1), part(3))
    })
}

fn describe(error: &Error) -> String {
    let place = error
        .line()
        .map(|line| format!(" (line {line})"))
        .unwrap_or_default();
    format!("{}{place}", error.detail().unwrap_or(&error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::FailureScope;

    fn template(source: &str) -> ChatTemplate {
        ChatTemplate::new(source, &serde_json::Value::Null).unwrap()
    }

    fn render(source: &str) -> Result<String, ModelError> {
        let message = |role, content: &str| Message {
            role,
            content: content.into(),
        };
        template(source).render(&[message(Role::User, "Hi"), message(Role::Assistant, "Ho")])
    }

    #[test]
    fn generation_marks_render_as_their_content_and_trim_as_blocks_do() {
        // Expected texts are those of jinja2 3.1 with Transformers' extension.
        for (source, want) in [
            ("a {% generation %}b{% endgeneration %} c", "a b c"),
            ("a {%- generation -%} b {%- endgeneration -%} c", "abc"),
            ("a\n  {% generation %}\nb\n{%endgeneration%}\nc", "a\nb\nc"),
            ("{%+ generation +%} b{%- endgeneration %}", " b"),
            (
                "{{ 'generation' }} endgeneration",
                "generation endgeneration",
            ),
        ] {
            assert_eq!(render(source).unwrap(), want, "{source}");
        }
    }

    #[test]
    fn a_conversation_that_ends_with_the_models_words_stays_open() {
        let source = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
        assert_eq!(render(source).unwrap(), "<user>Hi</><assistant>Ho");
    }

    #[test]
    fn a_template_that_works_or_writes_without_end_is_stopped() {
        let doubling = "{% set ns = namespace(x='x') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}";
        let nested = "{% set ns = namespace(x=[]) %}{% for i in range(900) %}{% for j in range(900) %}{% set ns.x = [ns.x] %}{% endfor %}{% endfor %}";
        for source in [
            "{% for i in range(9999) %}{% for j in range(9999) %}{% for k in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}",
            doubling,
            &format!("{doubling}{{{{ ns.x | tojson }}}}"),
            nested,
            &format!("{nested}{{{{ ns.x | tojson }}}}"),
            "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
            "{{ messages | tojson(indent=17) }}",
            "{{ 'x' * 99999999999 }}",
            "{{ 'x' | indent(99999999999, true) }}",
            "{{ '%099999999999d' | format(1) }}",
            "{{ 'x'.center(99999999999) }}",
            "{% include '/etc/passwd' %}",
        ] {
            let error = render(source).unwrap_err();
            assert_eq!(error.class, ErrorClass::BadRequest, "{source}");
        }
    }

    #[test]
    fn an_exception_that_the_template_raises_is_this_requests_alone() {
        let error = render("{{ raise_exception('roles must alternate') }}").unwrap_err();
        assert!(error.message.contains("roles must alternate"), "{error}");
        assert_eq!(error.class.scope(), FailureScope::Request);
    }
}
