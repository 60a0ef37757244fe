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
use super::reply::Failure;
use super::retry::{Pace, Tries};
use super::secrets::Secrets;
use super::wire::{self, Setting};
use crate::model::request::cut_at_stop;
use crate::model::{
    Attempts, Capabilities, Completion, ErrorClass, Finish, Identity, Model, ModelError, ModelSpec,
    OpenOptions, Payer, Request, Timing, Unlimited, Usage, Usd, Wanted,
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
    /// [`ErrorClass::Auth`] if the provider needs a key and its variable is not set, or holds what cannot be sent;
    /// [`ErrorClass::BadRequest`] if the address is none; [`ErrorClass::Network`] when offline.
    pub fn open(spec: &ModelSpec, options: &OpenOptions) -> Result<Self, ModelError> {
        spec.allow_options(&["key_env", "max_connections", "stream"])?;
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
                    "{spec} needs a key, but the environment variable {} is not set. Set it, or name another one with ?key_env=NAME",
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

    /// Sends a request as often as it takes, and as somebody pays for.
    async fn ask(
        &self,
        payer: &dyn Payer,
        request: &Request,
        attempts: &mut Attempts,
    ) -> Result<Completion, ModelError> {
        let mut tries = Tries::new(self.http.timeouts(), &self.pace);
        loop {
            let body = self.body(request);
            let sent = self.send(&body).await;
            let usage = match &sent {
                Ok(completion) => completion.usage,
                Err(failure) => failure.usage,
            };
            attempts.add(usage, self.max_cost(&usage, request));
            // What there is to say where nobody pays for another one.
            let last = match sent {
                Err(failure) if self.learns(&failure, &body) => Err(self.name_key(failure.error)),
                Err(failure) => {
                    let mut error = self.name_key(failure.error);
                    if !tries.again_after(&mut error).await {
                        return Err(error);
                    }
                    Err(error)
                }
                Ok(answer) if !is_silent(&answer, request) => return Ok(answer),
                Ok(silence) => {
                    if !tries.again_after_silence().await {
                        return Ok(silence);
                    }
                    Ok(silence)
                }
            };
            if !payer.pays_on(attempts) {
                return last.map_err(|mut error| {
                    error.message += "; the budget does not suffice for another attempt";
                    error
                });
            }
        }
    }

    /// Sends a request once.
    async fn send(&self, body: &Value) -> Result<Completion, Box<Failure>> {
        self.pace.ready().await;
        let key = self.key.value();
        let reply = self.http.post(&self.address, key, &self.secrets, body);
        reply.await?.read(&self.address.public_url())
    }

    fn body(&self, request: &Request) -> Value {
        for setting in wire::untaken(&self.model, request, &self.dialect) {
            self.leaves_out(setting);
        }
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        wire::body(&self.model, request, &self.dialect, self.stream, &refused)
    }

    /// Whether a failure is about a setting that can be left out: then the request is another one from here on.
    fn learns(&self, failure: &Failure, sent: &Value) -> bool {
        let refused = failure
            .fault
            .as_ref()
            .and_then(|f| wire::refused_setting(f, sent));
        // Another request may have learned it while this one was under way.
        refused.is_some_and(|s| self.leaves_out(s) || s.is_default_in(sent, &self.dialect))
    }

    /// What a request took in US dollars, where that is known.
    fn cost(&self, usage: &Usage) -> Option<Usd> {
        let by_list = || self.price(usage.prompt_tokens?, usage.completion_tokens?);
        usage.cost.or_else(by_list)
    }

    /// The most that it can have taken: of what was not counted, as much as can have been read or written.
    fn max_cost(&self, usage: &Usage, request: &Request) -> Option<Usd> {
        let by_list = || {
            let read = usage.prompt_tokens;
            let read = read.unwrap_or_else(|| request.prompt.most_tokens());
            let written = usage.completion_tokens;
            self.price(
                read,
                written.unwrap_or(request.parameters.max_tokens.into()),
            )
        };
        usage.cost.or_else(by_list)
    }

    /// Leaves a setting out from here on; says whether it was sent until now.
    fn leaves_out(&self, setting: Setting) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = refused.insert(setting);
        if is_new {
            tracing::warn!(
                "{} does not accept {}",
                crate::text::visible_line(&self.identity.name),
                setting.consequence()
            );
        }
        is_new
    }

    /// An error about the key names the variable that it came from.
    fn name_key(&self, mut error: ModelError) -> ModelError {
        if error.class == ErrorClass::Auth {
            let (url, variable) = (self.address.public_url(), self.key.variable());
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
                    "{url} requires a key: set the environment variable {variable} ({})",
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
            format!("'{spec}': stream must be true or false, not '{other}'"),
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

/// Whether a tool was called in place of words.
fn has_tool_calls(completion: &Completion) -> bool {
    let choice = completion
        .raw
        .as_ref()
        .and_then(|r| r.pointer("/choices/0"));
    choice.is_some_and(|choice| {
        let message = &choice["message"];
        let ended_so = ["tool_calls", "tool_use", "function_call"]
            .iter()
            .any(|reason| choice["finish_reason"] == *reason);
        ended_so
            || message["function_call"].is_object()
            || message["tool_calls"]
                .as_array()
                .is_some_and(|c| !c.is_empty())
    })
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
        self.answer_for(&Unlimited, request).await
    }

    async fn answer_for(
        &self,
        payer: &dyn Payer,
        request: &Request,
    ) -> Result<Completion, ModelError> {
        if request.wanted != Wanted::Generate {
            return self.log_likelihood(request).await;
        }
        let started = Instant::now();
        let mut attempts = Attempts::default();
        match self.ask(payer, request, &mut attempts).await {
            Err(error) => Err(ModelError { attempts, ..error }),
            Ok(mut completion) => {
                cut_at_stop(&mut completion.text, &request.parameters.stop);
                completion.cost = self.cost(&attempts.usage);
                completion.attempts = attempts;
                completion.timing = Timing {
                    queue: 0.0,
                    total: started.elapsed().as_secs_f64(),
                    ..completion.timing
                };
                Ok(completion)
            }
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn price(&self, prompt_tokens: u64, completion_tokens: u64) -> Option<Usd> {
        self.price.map(|p| {
            Usd((prompt_tokens as f64 * p.input + completion_tokens as f64 * p.output) / 1e6)
        })
    }
}
