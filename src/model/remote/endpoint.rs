//! A model behind an OpenAI-compatible chat completions endpoint.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::address::Address;
use super::http::Http;
use super::key::Key;
use super::prices::{self, Price};
use super::providers::{self, Dialect};
use super::retry::{Pace, Tries};
use super::secrets::Secrets;
use super::wire::{self, Setting};
use crate::model::request::cut_at_stop;
use crate::model::{
    Capabilities, Completion, ErrorClass, Finish, Identity, Model, ModelError, ModelSpec,
    OpenOptions, Request, Timing, Usage, Usd,
};

/// A model behind an OpenAI-compatible chat completions endpoint.
pub struct ChatEndpoint {
    identity: Identity,
    address: Address,
    model: String,
    key: Key,
    secrets: Secrets,
    http: Http,
    pace: Pace,
    price: Option<Price>,
    concurrency: usize,
    dialect: Dialect,
    /// What the server has said it does not take.
    refused: Mutex<BTreeSet<Setting>>,
    /// Answers are asked for as streams: only they show one that is begun and retracted, and the time to the first token.
    stream: bool,
}

impl ChatEndpoint {
    /// Opens the endpoint a specification names; sends nothing.
    ///
    /// # Errors
    /// [`ErrorClass::Auth`] where the provider needs a key and its variable is not set, or holds what cannot be sent;
    /// [`ErrorClass::BadRequest`] where the address is none; [`ErrorClass::Network`] when offline.
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
        let named = spec.options.get("key_env").cloned();
        let key = Key::read(named.unwrap_or(provider.key_env))?;
        if key.value().is_none() && provider.key_required && !options.unasked {
            return Err(ModelError::new(
                ErrorClass::Auth,
                format!(
                    "{spec} needs a key, and the environment variable {} is not set. Set it, or name another one with ?key_env=NAME",
                    key.variable()
                ),
            ));
        }
        warn_of_open_secrets(&provider.address, &key);
        let stream = is_streamed(spec, provider.stream)?;
        Ok(Self {
            identity: Identity {
                name: spec.display_name(),
                fingerprint: fingerprint(&provider.address, &model, stream),
                spec: spec.to_string(),
            },
            price: provider
                .price
                .or_else(|| prices::list_price(&spec.scheme, &model)),
            concurrency: connections(spec, provider.max_connections)?,
            secrets: secrets(&provider.address, &key),
            http: Http::new(&options.timeouts)?,
            pace: Pace::default(),
            dialect: provider.dialect,
            address: provider.address,
            refused: Mutex::default(),
            model,
            key,
            stream,
        })
    }

    /// Sends the request once, or again at once without a setting that the server refuses.
    async fn ask(&self, request: &Request) -> Result<Completion, ModelError> {
        loop {
            self.pace.ready().await;
            let body = self.body(request);
            let key = self.key.value();
            let reply = self.http.post(&self.address, key, &self.secrets, &body);
            let failure = match reply.await?.read(&self.address.shown()) {
                Ok(completion) => return Ok(completion),
                Err(failure) => failure,
            };
            let refused = failure.fault.as_ref().and_then(|f| wire::refused(f, &body));
            match refused {
                Some(setting) if self.leaves_out(setting, &body) => {}
                _ => return Err(self.named(failure.error)),
            }
        }
    }

    fn body(&self, request: &Request) -> Value {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        wire::body(&self.model, request, &self.dialect, self.stream, &refused)
    }

    /// Leaves a setting out from here on; says whether the request that was refused differs from the one that will be sent.
    fn leaves_out(&self, setting: Setting, sent: &Value) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.insert(setting) {
            tracing::warn!(
                "{} does not take {}",
                crate::text::visible_line(&self.identity.name),
                setting.consequence()
            );
            return true;
        }
        // Another request learned it while this one was under way.
        setting.is_default_in(sent, &self.dialect)
    }

    /// An error about the key names the variable that it came from.
    fn named(&self, mut error: ModelError) -> ModelError {
        if error.class == ErrorClass::Auth {
            let (url, variable) = (self.address.shown(), self.key.variable());
            error.message = if self.address.has_user() {
                format!(
                    "{url} refused the user and password in its address: {}",
                    error.message
                )
            } else if self.key.value().is_some() {
                format!(
                    "{url} refused the key in the environment variable {variable}: {}",
                    error.message
                )
            } else {
                format!(
                    "{url} wants a key: set the environment variable {variable} ({})",
                    error.message
                )
            };
        }
        error
    }
}

/// The server and the model's name; a stream shows other things than an answer in one piece, so the two are not the same answer.
fn fingerprint(address: &Address, model: &str, stream: bool) -> String {
    let how = if stream { "?stream" } else { "" };
    format!("{}#{model}{how}", address.base())
}

fn secrets(address: &Address, key: &Key) -> Secrets {
    let basic = address.has_user().then(|| {
        let url = address.url();
        let pair = format!("{}:{}", url.username(), url.password().unwrap_or_default());
        SecretString::from(base64::engine::general_purpose::STANDARD.encode(pair))
    });
    let key = key.value().map(|k| SecretString::from(k.expose_secret()));
    Secrets::new(address.secrets().into_iter().chain(basic).chain(key))
}

fn warn_of_open_secrets(address: &Address, key: &Key) {
    if !address.is_readable_underway() {
        return;
    }
    let what = if address.has_user() {
        "the user and password in its address".to_owned()
    } else if key.value().is_some() {
        format!("the key in {}", key.variable())
    } else {
        return;
    };
    tracing::warn!(
        "{what} will be sent to {} without encryption: use https, or unset it",
        address.base()
    );
}

fn connections(spec: &ModelSpec, usual: usize) -> Result<usize, ModelError> {
    let Some(written) = spec.options.get("max_connections") else {
        return Ok(usual);
    };
    written.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
        ModelError::new(
            ErrorClass::BadRequest,
            format!("{spec}: max_connections must be a whole number above 0, not '{written}'"),
        )
    })
}

fn is_streamed(spec: &ModelSpec, usual: bool) -> Result<bool, ModelError> {
    match spec.options.get("stream").map(String::as_str) {
        None => Ok(usual),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(ModelError::new(
            ErrorClass::BadRequest,
            format!("'{spec}': stream is true or false, not '{other}'"),
        )),
    }
}

/// Whether an answer ended as if all were well, and says nothing. Where strings end an answer, it may rightly be empty.
fn is_silent(completion: &Completion, request: &Request) -> bool {
    completion.text.trim().is_empty()
        && matches!(completion.finish, Finish::Stop | Finish::Unknown)
        && !completion.is_blocked()
        && request.parameters.stop.is_empty()
        && !has_tool_calls(completion)
}

fn has_tool_calls(completion: &Completion) -> bool {
    let calls = completion.raw.as_ref();
    let calls = calls.and_then(|raw| raw.pointer("/choices/0/message/tool_calls"));
    calls.is_some_and(|calls| calls.as_array().is_some_and(|c| !c.is_empty()))
}

fn sum(one: Usage, other: Usage) -> Usage {
    let add = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    Usage {
        prompt_tokens: add(one.prompt_tokens, other.prompt_tokens),
        completion_tokens: add(one.completion_tokens, other.completion_tokens),
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
        let mut tries = Tries::new(self.http.timeouts(), &self.pace);
        // Answers without a word are paid for like others.
        let mut paid = Usage::known(0, 0);
        let mut completion = loop {
            match self.ask(request).await {
                Err(error) => tries.again_after(error).await?,
                Ok(completion) => {
                    paid = sum(paid, completion.usage);
                    if !(is_silent(&completion, request) && tries.again_after_silence().await) {
                        break completion;
                    }
                }
            }
        };
        cut_at_stop(&mut completion.text, &request.parameters.stop);
        completion.cost = match paid {
            Usage {
                prompt_tokens: Some(read),
                completion_tokens: Some(written),
            } => self.price(read, written),
            _ => None,
        };
        completion.timing = Timing {
            queue: 0.0,
            total: started.elapsed().as_secs_f64(),
            ..completion.timing
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
