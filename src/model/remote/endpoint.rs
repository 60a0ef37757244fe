//! A model behind HTTP, whatever API it is asked through.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::Value;

use super::account::Account;
use super::address::Address;
use super::batch::{self, Batches};
use super::dialect::{self, Ask, Dialect, KeyHeader};
use super::http::{Http, Target};
use super::key::Key;
use super::limiter::{Fate, START};
use super::opened::{fingerprint, secrets, warn_of_open_secrets};
use super::prices::{self, PriceRow};
use super::providers;
use super::quirks::Quirks;
use super::reply::{Failure, Reply};
use super::retry::Tries;
use super::secrets::Secrets;
use super::setting::{self, Setting};
use super::tokenizer::LocalTokenizer;
use crate::model::request::cut_at_stop;
use crate::model::{
    Attempts, Capabilities, Completion, Control, ErrorClass, Exchange, Finish, Identity, Model,
    ModelError, ModelSpec, OpenOptions, Payer, Request, RequestKey, Timing, Traffic, Unlimited,
    Usage, Usd, Wanted,
};
use crate::net;

/// A model behind HTTP.
pub struct Endpoint {
    identity: Identity,
    address: Address,
    model: String,
    key: Key,
    secrets: Secrets,
    http: Http,
    account: Arc<Account>,
    price: Option<PriceRow>,
    /// Requests in flight, where somebody asked for a number.
    connections: Option<usize>,
    dialect: &'static dyn Dialect,
    key_header: KeyHeader,
    quirks: Quirks,
    /// The upstream that a request pins.
    route: Option<String>,
    /// Where requests are asked in batches, if they are.
    batches: Option<Batches>,
    tokenizer: LocalTokenizer,
    /// Scheme, host and port.
    host: String,
    /// Whether anything was sent there.
    was_asked: AtomicBool,
    /// What the server has said it does not take.
    refused: Mutex<BTreeSet<Setting>>,
    /// Answers are asked for as streams: only they show one that is begun and retracted, and the time to the first token.
    stream: bool,
}

impl Endpoint {
    /// Opens the endpoint a specification names; sends nothing.
    ///
    /// # Errors
    /// [`ErrorClass::Auth`] if the provider needs a key and its variable is not set, or holds what cannot be sent;
    /// [`ErrorClass::BadRequest`] if the address is none; [`ErrorClass::Network`] when offline, unless the server is on this
    /// machine.
    pub fn open(spec: &ModelSpec, options: &OpenOptions) -> Result<Self, ModelError> {
        spec.allow_options(&[
            "api",
            "key_env",
            "max_connections",
            "route",
            "stream",
            "tokenizer",
        ])?;
        let model = spec.fragment.clone().unwrap_or_else(|| spec.target.clone());
        let provider = providers::resolve(spec, &model, options)?;
        let address = &provider.address;
        let leaves = address.socket().is_none() && !net::is_this_machine(address.url());
        if options.offline && leaves {
            return Err(ModelError::new(
                ErrorClass::Network,
                format!("{spec} needs the network, and --offline forbids it"),
            ));
        }
        let named = spec.options.get("key_env").cloned();
        let mut key = Key::read(named.unwrap_or_else(|| provider.key_env.clone()))?;
        if let Some(service) = provider.signs {
            key = key.or_signed(service)?;
        }
        if key.value().is_none() && provider.key_required && !options.unasked {
            let signed = match provider.signs {
                None => "",
                Some(_) => ", or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for signed requests",
            };
            return Err(ModelError::new(
                ErrorClass::Auth,
                format!(
                    "{spec} needs a key, but the environment variable {} is not set. Set it, or name another one with ?key_env=NAME{signed}",
                    key.variable()
                ),
            ));
        }
        warn_of_open_secrets(&provider.address, &key);
        let route = spec.options.get("route").cloned();
        let mut price = prices::price_of(&spec.scheme, &model, provider.price, &options.prices);
        let fingerprint = fingerprint(&provider, &model, route.as_deref());
        let ledger = options.batches.as_ref();
        let batches = ledger.map(|own| Batches::of(spec, &provider, own, &fingerprint));
        let batches = batches.transpose()?;
        if let (Some(row), true) = (&mut price, batches.is_some()) {
            row.price = row.price.in_batches();
        }
        Ok(Self {
            identity: Identity {
                name: spec.display_name(),
                fingerprint,
                spec: spec.to_string(),
            },
            price,
            batches,
            connections: provider.allowance.connections,
            account: options.accounts.account(
                &provider.address.origin(),
                key.value(),
                provider.allowance,
            ),
            secrets: secrets(&provider.address, &key),
            http: Http::new(&options.timeouts, provider.address.socket())?,
            tokenizer: LocalTokenizer::of(spec, &model)?,
            host: provider.address.origin(),
            was_asked: AtomicBool::new(false),
            dialect: provider.dialect,
            key_header: provider.key_header,
            quirks: provider.quirks,
            route,
            // The results of a batch are not streams.
            stream: provider.stream && options.batches.is_none(),
            address: provider.address,
            refused: Mutex::default(),
            model,
            key,
        })
    }

    /// Sends a request as often as it takes, and as somebody pays for.
    async fn ask(
        &self,
        payer: &dyn Payer,
        request: &Request,
        question: Question<'_>,
        attempts: &mut Attempts,
    ) -> Result<Completion, ModelError> {
        let mut tries = Tries::new(self.http.timeouts(), &self.account);
        // What came empty under load is asked for again alone.
        let mut quiet = None;
        loop {
            let body = self.body(request, question);
            let sent = self.send(payer, &body, request, question).await;
            let usage = match &sent {
                Ok(completion) => completion.usage,
                Err(failure) => failure.usage,
            };
            attempts.add(usage, self.max_cost(&usage, request));
            // What there is to say where nobody pays for another one.
            let (last, wait) = match sent {
                Err(failure) if self.learns(&failure, &body) => {
                    (Err(self.name_key(failure.error)), Duration::ZERO)
                }
                Err(failure) => {
                    let mut error = self.name_key(failure.error);
                    let Some(wait) = tries.wait_after(&mut error) else {
                        return Err(error);
                    };
                    payer.hears(&Traffic::Retry {
                        server: self.account.server().to_owned(),
                        class: error.class,
                        wait_seconds: wait.as_secs_f64(),
                    });
                    (Err(error), wait)
                }
                Ok(mut answer) => {
                    let is_empty = question.is_unanswered(self.dialect, &answer, request);
                    let wait = is_empty.then(|| tries.wait_after_silence()).flatten();
                    answer.empty_replies = tries.silences();
                    let Some(wait) = wait else {
                        return Ok(answer);
                    };
                    payer.hears(&Traffic::Empty {
                        server: self.account.server().to_owned(),
                    });
                    (Ok(answer), wait)
                }
            };
            if !payer.pays_on(attempts) {
                return last.map_err(|mut error| {
                    error.message += "; the budget does not suffice for another attempt";
                    error
                });
            }
            tokio::time::sleep(wait).await;
            if tries.silences() > 0 && quiet.is_none() {
                quiet = self.account.quiet_place().await;
            }
        }
    }

    /// Has a request answered in a batch, once.
    async fn ask_in_batch(
        &self,
        payer: &dyn Payer,
        request: &Request,
        attempts: &mut Attempts,
    ) -> Result<Completion, ModelError> {
        let Some(batches) = &self.batches else {
            return Err(ModelError::new(ErrorClass::Unsupported, "no batches"));
        };
        self.was_asked.store(true, Ordering::Relaxed);
        let key = RequestKey::new(&self.identity.fingerprint, request, request.about.epoch);
        let body = self.body(request, Question::Words);
        let (http, target) = (&self.http, &self.target());
        let line = batch::Line { http, target };
        let began = payer.keeps_exchanges().then(jiff::Timestamp::now);
        let (status, response) = batches.answer(line, key.to_string(), body.clone()).await?;
        let url = self.address.public_url();
        if let Some(began) = began {
            payer.keep(Exchange {
                began,
                url: url.clone(),
                request: body,
                status: Some(status),
                response: response.clone(),
            });
        }
        let sent = Reply::of_batch(status, response).read(self.dialect, &url);
        let usage = match &sent {
            Ok(completion) => completion.usage,
            Err(failure) => failure.usage,
        };
        attempts.add(usage, self.max_cost(&usage, request));
        sent.map_err(|failure| self.name_key(failure.error))
    }

    /// Scores continuations, each after its context, one after the other, so that a server that keeps prefixes reads a context once.
    async fn score(
        &self,
        payer: &dyn Payer,
        request: &Request,
        pairs: &[(&str, &str)],
        attempts: &mut Attempts,
    ) -> Result<Completion, ModelError> {
        if self.dialect.likelihood().is_none() {
            return Err(ModelError::new(
                ErrorClass::Unsupported,
                format!(
                    "{} does not return log-likelihoods through the API '{}'; if its server has /completions with echo and logprobs, name it with ?api=completions; multiple choice can be asked by letter instead, with ?form=letter after the suite",
                    self.identity.name,
                    self.dialect.name()
                ),
            ));
        }
        let mut scored = Completion::text("");
        for (i, pair) in pairs.iter().enumerate() {
            if i > 0 && !payer.pays_on(attempts) {
                return Err(ModelError::new(
                    ErrorClass::Quota,
                    "the budget does not suffice for the remaining continuations",
                ));
            }
            let one = self
                .ask(payer, request, Question::Score(*pair), attempts)
                .await?;
            scored.continuations.extend(one.continuations);
        }
        scored.usage = attempts.usage;
        Ok(scored)
    }

    /// Sends a request once.
    async fn send(
        &self,
        payer: &dyn Payer,
        body: &Value,
        request: &Request,
        question: Question<'_>,
    ) -> Result<Completion, Box<Failure>> {
        let place = self.account.place(tokens(request)).await;
        let sent = self.exchange(payer, body, question).await;
        if let Some(change) = place.leave(fate(&sent)) {
            payer.hears(&Traffic::Limit {
                server: self.account.server().to_owned(),
                from: change.from,
                to: change.to,
                cause: change.cause,
            });
        }
        sent
    }

    async fn exchange(
        &self,
        payer: &dyn Payer,
        body: &Value,
        question: Question<'_>,
    ) -> Result<Completion, Box<Failure>> {
        self.was_asked.store(true, Ordering::Relaxed);
        let began = payer.keeps_exchanges().then(jiff::Timestamp::now);
        let reply = self.http.post(&self.target(), body).await;
        let url = self.address.public_url();
        if let Some(began) = began {
            let (status, response) = match &reply {
                Ok(reply) => (Some(reply.status), reply.body.as_json()),
                Err(failure) => (None, failure.error.message.clone().into()),
            };
            payer.keep(Exchange {
                began,
                url: url.clone(),
                request: body.clone(),
                status,
                response,
            });
        }
        let reply = reply?;
        let mut completion = match question {
            Question::Words => reply.read(self.dialect, &url),
            Question::Score(texts) => reply.read_score(self.dialect, &url, texts),
        }?;
        if completion.served.route.is_none() {
            completion.served.route.clone_from(&self.route);
        }
        Ok(completion)
    }

    fn target(&self) -> Target<'_> {
        Target {
            address: &self.address,
            dialect: self.dialect,
            key: self.key.value(),
            signer: self.key.signer(),
            key_header: self.key_header,
            secrets: &self.secrets,
        }
    }

    fn body(&self, request: &Request, question: Question<'_>) -> Value {
        self.with_ask(request, |ask| match (question, self.dialect.likelihood()) {
            (Question::Score((context, continuation)), Some(likelihood)) => {
                likelihood.request(ask, context, continuation)
            }
            _ => self.dialect.body(ask),
        })
    }

    fn with_ask<T>(&self, request: &Request, write: impl FnOnce(&Ask<'_>) -> T) -> T {
        for setting in setting::untaken(&self.model, request, &self.quirks, self.dialect.lacks()) {
            self.leaves_out(setting);
        }
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        write(&Ask {
            model: &self.model,
            request,
            quirks: &self.quirks,
            stream: self.stream,
            refused: &refused,
            route: self.route.as_deref(),
        })
    }

    /// Whether a failure is about a setting that can be left out: then the request is another one from here on.
    fn learns(&self, failure: &Failure, sent: &Value) -> bool {
        let refused = failure
            .fault
            .as_ref()
            .and_then(|f| setting::refused_setting(f, sent));
        // Another request may have learned it while this one was under way.
        refused.is_some_and(|s| self.leaves_out(s) || s.is_default_in(sent, &self.quirks))
    }

    /// What a request took in US dollars, where that is known.
    fn cost(&self, usage: &Usage) -> Option<Usd> {
        let by_list = || self.price.as_ref()?.price.cost(usage);
        usage.cost.or_else(by_list)
    }

    /// The most that it can have taken: of what was not counted, as much as can have been read or written.
    fn max_cost(&self, usage: &Usage, request: &Request) -> Option<Usd> {
        let counted = self.cost(usage);
        if counted.is_some() {
            return counted;
        }
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
            let why = &error.message;
            error.message = if self.address.has_user() {
                format!("{url} refused the user and password in its address: {why}")
            } else if self.key.value().is_some() {
                format!("{url} refused the key in the environment variable {variable}: {why}")
            } else {
                format!("{url} requires a key: set the environment variable {variable} ({why})")
            };
        }
        error
    }
}

/// About how many tokens a request reads and writes.
fn tokens(request: &Request) -> u64 {
    const BYTES_PER_TOKEN: u64 = 4;
    request.prompt.most_tokens() / BYTES_PER_TOKEN + u64::from(request.parameters.max_tokens)
}

/// What a request says of how many there are in flight.
fn fate(sent: &Result<Completion, Box<Failure>>) -> Fate {
    let Err(failure) = sent else {
        return Fate::Answered;
    };
    let status = failure.fault.as_ref().and_then(|f| f.status());
    match failure.error.class {
        ErrorClass::RateLimited => Fate::Rejected,
        ErrorClass::Server if matches!(status, Some(503 | 529)) => Fate::Rejected,
        _ => Fate::Other,
    }
}

/// What one request asks for.
#[derive(Clone, Copy)]
enum Question<'a> {
    Words,
    /// The log-likelihood of a continuation behind its context.
    Score((&'a str, &'a str)),
}

impl Question<'_> {
    /// Whether words were asked for and none came, though all seemed well.
    fn is_unanswered(self, dialect: &dyn Dialect, answer: &Completion, request: &Request) -> bool {
        matches!(self, Self::Words) && is_silent(dialect, answer, request)
    }
}

/// Whether an answer ended as if all were well, and says nothing. Where strings end an answer, it may rightly be empty.
fn is_silent(dialect: &dyn Dialect, completion: &Completion, request: &Request) -> bool {
    completion.text.trim().is_empty()
        && matches!(completion.finish, Finish::Stop | Finish::Unknown)
        && !completion.is_blocked()
        && request.parameters.stop.is_empty()
        && !completion
            .raw
            .as_ref()
            .is_some_and(|body| dialect.calls_tools(body))
}

#[async_trait]
impl Model for Endpoint {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            chat: self.dialect.chats(),
            log_likelihood: self.dialect.likelihood().is_some(),
            concurrency: self.connections.unwrap_or(START),
            cacheable: true,
        }
    }

    fn controls(&self) -> Vec<Control> {
        dialect::controls(self.dialect, &self.quirks, &self.model)
    }

    fn asks_in_batches(&self) -> bool {
        self.batches.is_some()
    }

    fn room(&self) -> usize {
        if self.batches.is_some() {
            return batch::MAX_REQUESTS;
        }
        self.connections.or(self.account.limit()).unwrap_or(START)
    }

    fn is_hosted(&self) -> bool {
        true
    }

    async fn generate(&self, request: &Request) -> Result<Completion, ModelError> {
        self.answer_for(&Unlimited, request).await
    }

    async fn log_likelihood(&self, request: &Request) -> Result<Completion, ModelError> {
        self.answer_for(&Unlimited, request).await
    }

    async fn answer_for(
        &self,
        payer: &dyn Payer,
        request: &Request,
    ) -> Result<Completion, ModelError> {
        let started = Instant::now();
        let mut attempts = Attempts::default();
        let answered = match &request.wanted {
            Wanted::Generate if self.batches.is_some() => {
                self.ask_in_batch(payer, request, &mut attempts).await
            }
            Wanted::Generate => {
                self.ask(payer, request, Question::Words, &mut attempts)
                    .await
            }
            Wanted::LogLikelihood { continuations } => {
                let context = request.prompt.display();
                let pairs: Vec<(&str, &str)> =
                    continuations.iter().map(|c| (&*context, &**c)).collect();
                self.score(payer, request, &pairs, &mut attempts).await
            }
            Wanted::LogLikelihoods { pairs } => {
                let contexts: Vec<_> = pairs.iter().map(|(p, c)| (p.display(), c)).collect();
                let pairs: Vec<(&str, &str)> =
                    contexts.iter().map(|(p, c)| (&**p, &***c)).collect();
                self.score(payer, request, &pairs, &mut attempts).await
            }
        };
        match answered {
            Err(error) => Err(ModelError {
                attempts: Box::new(attempts),
                ..error
            }),
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

    fn price(&self, prompt_tokens: u64, completion_tokens: u64) -> Option<Usd> {
        let row = self.price.as_ref()?;
        Some(row.price.most(prompt_tokens, completion_tokens))
    }

    fn price_basis(&self) -> Option<String> {
        let row = self.price.as_ref()?;
        Some(match (&row.as_of, &row.source) {
            (Some(day), _) => format!("list price of {day}"),
            (None, Some(source)) => format!("price of {source}"),
            (None, None) => "your price".into(),
        })
    }

    fn count_tokens(&self, prompt: &str) -> Option<u64> {
        self.tokenizer.count(prompt)
    }

    fn host(&self) -> Option<&str> {
        Some(&self.host)
    }

    fn was_asked(&self) -> bool {
        self.was_asked.load(Ordering::Relaxed)
    }
}
