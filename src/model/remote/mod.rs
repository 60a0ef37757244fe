//! Models behind HTTP. One client (`http`), one reader of chat answers (`chat`), one table of providers.

mod chat;
mod http;
mod prices;
mod providers;
mod stream;

use std::time::Instant;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use chat::read_chat_completion;
pub use http::Timeouts;
pub use prices::{PRICES_AS_OF, Price};
pub use providers::ProviderSettings;

use super::{
    Capabilities, Completion, ErrorClass, Identity, Model, ModelError, ModelSpec, OpenOptions,
    Prompt, Request, Role, Signal, Timing, Usd,
};

/// A model behind an OpenAI-compatible chat completions endpoint.
pub struct ChatEndpoint {
    identity: Identity,
    url: String,
    model: String,
    key: Option<SecretString>,
    /// The environment variable the key was looked for in.
    key_env: String,
    http: http::Http,
    price: Option<Price>,
    concurrency: usize,
    /// Newer OpenAI models take `max_completion_tokens` and no temperature.
    reasoning_parameters: bool,
    /// The provider gives JSON, but of no schema.
    plain_json: bool,
    /// Answers are asked for as streams: only they show one that is begun and taken back, and the time to the first token.
    stream: bool,
}

#[derive(Serialize, Deserialize)]
struct WireMessage<'a> {
    role: Role,
    content: &'a str,
}

impl ChatEndpoint {
    /// Opens the endpoint a specification names; sends nothing.
    ///
    /// # Errors
    /// [`ErrorClass::Auth`] where the provider needs a key and its variable is not set; [`ErrorClass::Network`] when offline.
    pub fn open(spec: &ModelSpec, options: &OpenOptions) -> Result<Self, ModelError> {
        spec.only(&["key_env", "max_connections", "stream"])?;
        if options.offline {
            return Err(ModelError::new(
                ErrorClass::Network,
                format!("{spec} needs the network, and --offline forbids it"),
            ));
        }
        let provider = providers::resolve(spec, options)?;
        let model = spec.fragment.clone().unwrap_or_else(|| spec.target.clone());
        let key_env = spec
            .options
            .get("key_env")
            .cloned()
            .unwrap_or(provider.key_env);
        let key = std::env::var(&key_env)
            .ok()
            .filter(|k| !k.trim().is_empty())
            .map(SecretString::from);
        if key.is_none() && provider.key_required {
            return Err(ModelError::new(
                ErrorClass::Auth,
                format!(
                    "{spec} needs a key, and the environment variable {key_env} is not set. Set it, or name another one with ?key_env=NAME"
                ),
            ));
        }
        let concurrency = match spec.options.get("max_connections") {
            Some(n) => n.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
                ModelError::new(
                    ErrorClass::BadRequest,
                    format!("{spec}: max_connections must be a whole number above 0, not '{n}'"),
                )
            })?,
            None => provider.max_connections,
        };
        let stream = match spec.options.get("stream").map(String::as_str) {
            None => provider.stream,
            Some("true") => true,
            Some("false") => false,
            Some(other) => {
                return Err(ModelError::new(
                    ErrorClass::BadRequest,
                    format!("'{spec}': stream is true or false, not '{other}'"),
                ));
            }
        };
        let reasoning_parameters =
            spec.scheme == "openai" && (model.starts_with('o') || model.starts_with("gpt-5"));
        Ok(Self {
            identity: Identity {
                name: spec.display_name(),
                fingerprint: format!("{}#{model}", provider.base_url),
                spec: spec.to_string(),
            },
            url: format!("{}/chat/completions", provider.base_url),
            price: provider
                .price
                .or_else(|| prices::list_price(&spec.scheme, &model)),
            model,
            key,
            key_env,
            http: http::Http::new(&options.timeouts)?,
            concurrency,
            reasoning_parameters,
            plain_json: spec.scheme == "deepseek",
            stream,
        })
    }

    fn body(&self, request: &Request) -> Value {
        let parameters = &request.parameters;
        let messages: Vec<WireMessage> = match &request.prompt {
            Prompt::Text(text) => vec![WireMessage {
                role: Role::User,
                content: text,
            }],
            Prompt::Chat(messages) => messages
                .iter()
                .map(|m| WireMessage {
                    role: m.role,
                    content: &m.content,
                })
                .collect(),
        };
        let mut body = Map::new();
        body.insert("model".into(), json!(self.model));
        body.insert("messages".into(), json!(messages));
        if self.reasoning_parameters {
            body.insert("max_completion_tokens".into(), json!(parameters.max_tokens));
        } else {
            body.insert("max_tokens".into(), json!(parameters.max_tokens));
            body.insert("temperature".into(), json!(parameters.temperature));
        }
        if let Some(top_p) = parameters.top_p {
            body.insert("top_p".into(), json!(top_p));
        }
        if !parameters.stop.is_empty() {
            // The API takes at most four; the others are applied to the text that comes back.
            body.insert(
                "stop".into(),
                json!(parameters.stop.iter().take(4).collect::<Vec<_>>()),
            );
        }
        if let Some(schema) = &parameters.response_schema {
            let format = if self.plain_json {
                json!({"type": "json_object"})
            } else {
                let named = json!({"name": "answer", "strict": true, "schema": schema});
                json!({"type": "json_schema", "json_schema": named})
            };
            body.insert("response_format".into(), format);
        }
        if self.stream {
            body.insert("stream".into(), true.into());
            body.insert("stream_options".into(), json!({"include_usage": true}));
        }
        if let Some(seed) = parameters.seed {
            // Some servers read the seed as a signed 32-bit integer.
            body.insert("seed".into(), json!(seed & 0x7fff_ffff));
        }
        Value::Object(body)
    }

    /// The completion in a successful answer. An error inside it that is not a block is a failed call.
    fn read(&self, body: Value) -> Result<Completion, ModelError> {
        let failed = |class, what: String| ModelError::new(class, format!("{} {what}", self.url));
        let Some(mut completion) = read_chat_completion(&body) else {
            let shown = http::excerpt(&body.to_string());
            return Err(failed(
                ErrorClass::Protocol,
                format!("answered with JSON that is no chat completion: {shown}"),
            ));
        };
        let error = completion.signals.iter().find_map(|s| match s {
            Signal::ProviderError { message, .. } => Some(message.clone()),
            _ => None,
        });
        if let Some(message) = error.filter(|_| !completion.is_blocked()) {
            return Err(failed(
                ErrorClass::Server,
                format!("answered with an error: {message}"),
            ));
        }
        completion.raw = Some(body);
        Ok(completion)
    }
}

#[async_trait]
impl Model for ChatEndpoint {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            chat: true,
            log_likelihood: false,
            concurrency: self.concurrency,
            cacheable: true,
        }
    }

    async fn generate(&self, request: &Request) -> Result<Completion, ModelError> {
        let started = Instant::now();
        let reply = self
            .http
            .post_json(&self.url, self.key.as_ref(), &self.body(request))
            .await
            .map_err(|mut error| {
                if error.class == ErrorClass::Auth {
                    error.message = match self.key {
                        Some(_) => format!(
                            "{} refused the key in the environment variable {}: {}",
                            self.url, self.key_env, error.message
                        ),
                        None => format!(
                            "{} wants a key: set the environment variable {} ({})",
                            self.url, self.key_env, error.message
                        ),
                    };
                }
                error
            })?;
        let (mut completion, first_token) = match reply {
            http::Reply::Success(body, first_token) => (self.read(body)?, first_token),
            http::Reply::Blocked { status, reason } => (chat::blocked_prompt(status, reason), None),
        };
        super::request::cut_at_stop(&mut completion.text, &request.parameters.stop);
        completion.cost = self.price(
            completion.usage.prompt_tokens,
            completion.usage.completion_tokens,
        );
        completion.timing = Timing {
            queue: 0.0,
            first_token,
            total: started.elapsed().as_secs_f64(),
        };
        Ok(completion)
    }

    #[allow(clippy::cast_precision_loss)]
    fn price(&self, prompt_tokens: u64, completion_tokens: u64) -> Option<Usd> {
        self.price.map(|p| {
            Usd((prompt_tokens as f64 * p.input + completion_tokens as f64 * p.output) / 1e6)
        })
    }
}
