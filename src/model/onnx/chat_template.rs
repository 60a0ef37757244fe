//! Chat templates, run as Transformers runs them: Jinja with trimmed blocks, Python's methods, `raise_exception`, `strftime_now`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind, context};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::folder::{ModelFiles, files_error};
use super::tokenizer::token_text;
use crate::model::{ErrorClass, Message, ModelError};

pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    begin: String,
    end: String,
}

impl ChatTemplate {
    pub(super) fn new(source: &str, files: &ModelFiles) -> Result<Self, ModelError> {
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .map_err(|e| files_error(describe(&e)))?,
        );
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |message: String| -> Result<Value, Error> {
                Err(Error::new(ErrorKind::InvalidOperation, message))
            },
        );
        environment.add_function("strftime_now", |format: String| {
            jiff::Zoned::now().strftime(&format).to_string()
        });
        environment.add_filter("tojson", to_json);
        // `{% generation %}` marks the assistant's words for training; it renders as its content.
        let source = source
            .replace("{% generation %}", "")
            .replace("{% endgeneration %}", "")
            .replace("{%- generation %}", "")
            .replace("{%- endgeneration %}", "");
        environment
            .add_template_owned("chat", source)
            .map_err(|e| {
                files_error(format!(
                    "the chat template cannot be read: {}",
                    describe(&e)
                ))
            })?;
        let token = |name: &str| {
            files
                .tokenizer_config
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

    /// The text of a conversation, ending where the model is to begin.
    pub(super) fn render(&self, messages: &[Message]) -> Result<String, ModelError> {
        let template = self
            .environment
            .get_template("chat")
            .map_err(|e| files_error(describe(&e)))?;
        template
            .render(context! { messages => Value::from(Serde(messages)), add_generation_prompt => true, bos_token => self.begin.as_str(), eos_token => self.end.as_str() })
            .map_err(|e| ModelError::new(ErrorClass::Unsupported, format!("the model's chat template refused the messages: {}", describe(&e))))
    }
}

/// Transformers' `tojson`: no HTML escapes, non-ASCII kept, `indent` honoured.
#[allow(clippy::needless_pass_by_value)] // the signature of a filter
fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let failed = |e: serde_json::Error| Error::new(ErrorKind::BadSerialization, e.to_string());
    let mut out = Vec::new();
    match options.get::<usize>("indent") {
        Err(_) => value.serialize(&mut Serializer::with_formatter(&mut out, Spaced)),
        Ok(width) => {
            let indent = " ".repeat(width);
            let formatter = PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut Serializer::with_formatter(&mut out, formatter))
        }
    }
    .map_err(failed)?;
    Ok(Value::from_safe_string(
        String::from_utf8_lossy(&out).into_owned(),
    ))
}

/// Python's separators: `", "` and `": "`.
struct Spaced;

fn separate<W: ?Sized + std::io::Write>(writer: &mut W, first: bool) -> std::io::Result<()> {
    if first {
        Ok(())
    } else {
        writer.write_all(b", ")
    }
}

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

fn describe(error: &Error) -> String {
    let place = error
        .line()
        .map(|line| format!(" (line {line})"))
        .unwrap_or_default();
    format!("{}{place}", error.detail().unwrap_or(&error.to_string()))
}
