//! Whom to ask: the [`Model`] trait and its backends — `onnx/` in this process, `remote/` over HTTP, `replay` from recordings.
//!
//! A new backend is one file and one line in [`open`].

mod by_token;
mod completion;
mod control;
mod demo;
mod error;
mod hub;
mod invariance;
mod named;
pub mod onnx;
mod reasoning;
pub mod remote;
mod replay;
mod request;
mod spec;
mod traffic;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::sandbox::CodePolicy;

pub use by_token::{ByToken, Delta, ScoredToken, Token, TokenRequest, TokenText, Written};
pub use completion::{
    Activity, Attempts, Completion, ContinuationScore, Finish, Origin, Served, SharedTokens,
    Signal, Timing, Usage, Usd,
};
pub use control::Control;
pub use demo::DEMO_MODELS;
pub use error::{ErrorClass, FailureScope, ModelError};
pub use invariance::{BatchInvariance, NATS};
pub(crate) use named::{BARE_KEY_ENV, bare_key_is_set};
pub use named::{Named, NotNamed};
pub(crate) use onnx::python_method;
pub use onnx::runtime::data_directory;
pub use request::{Message, Parameters, Prompt, Request, RequestKey, Role, SampleRef, Wanted};
pub use spec::{ModelSpec, SpecError};
pub use traffic::{Exchange, LimitCause, Traffic};

/// Who answers: enough to distinguish two models, and to know later what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The name shown in tables; unique within a run.
    pub name: String,
    /// What decides whether two answers come from the same model: weight hashes for files, endpoint and name for remote ones.
    pub fingerprint: String,
    /// The specification the model was opened from, without secrets.
    pub spec: String,
}

impl Identity {
    /// A model of one's own, which no specification opens. The fingerprint changes whenever its answers may.
    #[must_use]
    pub fn own(name: impl Into<String>, fingerprint: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            spec: format!("own:{name}"),
            fingerprint: fingerprint.into(),
            name,
        }
    }
}

/// What a model can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// It takes chat messages (it has a chat template, or its endpoint does).
    pub chat: bool,
    /// It gives log-likelihoods of continuations.
    pub log_likelihood: bool,
    /// Useful concurrency: how many requests in flight still raise throughput.
    pub concurrency: usize,
    /// Its answers are worth keeping in the completion cache.
    pub cacheable: bool,
}

/// A language model, however it is reached. Many requests may be in flight; each answer is returned when ready.
#[async_trait]
pub trait Model: Send + Sync {
    /// Who this is.
    fn identity(&self) -> &Identity;

    /// What it can be asked for.
    fn capabilities(&self) -> Capabilities;

    /// Requests worth having in flight now: a figure that can change while a run is in progress.
    fn room(&self) -> usize {
        self.capabilities().concurrency
    }

    /// Whether somebody else runs it, who can change it while it is asked: such models are asked in step, so that they share the hour.
    fn is_hosted(&self) -> bool {
        false
    }

    /// The controls of decoding that it has. A plan refuses others.
    fn controls(&self) -> Vec<Control> {
        Vec::new()
    }

    /// What it is at, where it runs texts side by side in this process.
    fn activity(&self) -> Option<Activity> {
        None
    }

    /// The same model token by token, where its tokens can be seen.
    fn by_token(&self) -> Option<&dyn ByToken> {
        None
    }

    /// Answers the prompt in words.
    async fn generate(&self, request: &Request) -> Result<Completion, ModelError>;

    /// Scores each continuation of the prompt (natural-log probabilities, summed over its tokens).
    async fn log_likelihood(&self, request: &Request) -> Result<Completion, ModelError> {
        let _ = request;
        Err(ModelError::new(
            ErrorClass::Unsupported,
            format!(
                "{} does not return log-likelihoods; add ?form=letter to a multiple-choice suite, or use one whose scorers read text",
                self.identity().name
            ),
        ))
    }

    /// Money the request would cost at list prices, where they are known.
    fn price(&self, prompt_tokens: u64, completion_tokens: u64) -> Option<Usd> {
        let _ = (prompt_tokens, completion_tokens);
        None
    }

    /// Whether requests wait for others, to be answered together: then nothing is learned by sending one ahead.
    fn asks_in_batches(&self) -> bool {
        false
    }

    /// Where [`Model::price`] comes from, in words.
    fn price_basis(&self) -> Option<String> {
        None
    }

    /// The tokens of a text, if the model's tokenizer is on this machine.
    fn count_tokens(&self, text: &str) -> Option<u64> {
        let _ = text;
        None
    }

    /// The host that prompts are sent to; none if they stay in this process.
    fn host(&self) -> Option<&str> {
        None
    }

    /// Whether a prompt has been sent there.
    fn was_asked(&self) -> bool {
        false
    }

    /// Answers whatever the request wants.
    async fn answer(&self, request: &Request) -> Result<Completion, ModelError> {
        match request.wanted {
            Wanted::Generate => self.generate(request).await,
            Wanted::LogLikelihood { .. } => self.log_likelihood(request).await,
            Wanted::LogLikelihoods { ref pairs } => each_log_likelihood(self, request, pairs).await,
        }
    }

    /// The same at somebody's expense. A model whose answer can take several paid requests asks the payer before each one after the
    /// first, and does without it where the payer says no. What they took is in the answer's, or the failure's, `attempts`.
    async fn answer_for(
        &self,
        payer: &dyn Payer,
        request: &Request,
    ) -> Result<Completion, ModelError> {
        let _ = payer;
        self.answer(request).await
    }
}

/// Scores continuations that do not all follow the same prompt: a request for each run of those that do.
async fn each_log_likelihood<M: Model + ?Sized>(
    model: &M,
    request: &Request,
    pairs: &[(Prompt, String)],
) -> Result<Completion, ModelError> {
    let mut whole: Option<Completion> = None;
    for run in pairs.chunk_by(|(one, _), (next, _)| one == next) {
        let continuations = run.iter().map(|(_, text)| text.clone()).collect();
        let own = Request {
            prompt: run[0].0.clone(),
            wanted: Wanted::LogLikelihood { continuations },
            ..request.clone()
        };
        let answer = model.log_likelihood(&own).await?;
        whole = Some(match whole {
            None => answer,
            Some(whole) => whole.followed_by(answer),
        });
    }
    whole.ok_or_else(|| {
        let what = "a log-likelihood request has no continuations";
        ModelError::new(ErrorClass::BadRequest, what)
    })
}

/// Whoever pays for requests.
pub trait Payer: Send + Sync {
    /// Whether one more request may be sent, after those so far.
    fn pays_on(&self, so_far: &Attempts) -> bool;

    /// Hears of what happens on the way to an answer.
    fn hears(&self, traffic: &Traffic) {
        let _ = traffic;
    }

    /// Whether raw exchanges are to be kept.
    fn keeps_exchanges(&self) -> bool {
        false
    }

    /// Keeps one.
    fn keep(&self, exchange: Exchange) {
        let _ = exchange;
    }
}

/// Pays whatever it takes.
pub struct Unlimited;

impl Payer for Unlimited {
    fn pays_on(&self, _: &Attempts) -> bool {
        true
    }
}

/// How models are opened: what the whole run decides.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Fail instead of using the network.
    pub offline: bool,
    /// Nothing will be asked: remote models need no keys.
    pub unasked: bool,
    /// Another model of the same process runs on a GPU: the ONNX Runtime that all share must have it.
    pub prefer_gpu: bool,
    /// Settings of remote providers, from `candor.toml`.
    pub providers: std::collections::BTreeMap<String, remote::ProviderSettings>,
    /// Ask remote models in batches, and write down in this file which were submitted.
    pub batches: Option<std::path::PathBuf>,
    /// Prices of a person's own, which come before those of providers and the shipped ones.
    pub prices: remote::PriceTable,
    /// How long to wait for remote providers.
    pub timeouts: remote::Timeouts,
    /// Requests in flight per remote model, where somebody asked for a number: it is then found out no more.
    pub max_connections: Option<usize>,
    /// The accounts that remote models share.
    pub accounts: remote::Accounts,
    /// What a person named: a suite's judges and a run directory's models are compared with it.
    pub named: Named,
    /// What a person allows of programs that answers write.
    pub code: CodePolicy,
}

/// Opens the model that a specification names.
///
/// # Errors
/// [`ModelError`] says what could not be opened and what to do about it.
pub async fn open(spec: &ModelSpec, options: &OpenOptions) -> Result<Arc<dyn Model>, ModelError> {
    Ok(match spec.scheme.as_str() {
        "onnx" => Arc::new(onnx::OnnxModel::open(spec, options).await?),
        "demo" => Arc::new(demo::open(spec, options).await?),
        "replay" => Arc::new(replay::ReplayModel::open(spec)?),
        _ => Arc::new(remote::Endpoint::open(spec, options)?),
    })
}
