//! Why a model gave no answer.

use serde::{Deserialize, Serialize};

use super::completion::Attempts;

/// What kind of failure it was: decides whether to try again, and what it says of the requests after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorClass {
    /// The key is missing or refused.
    Auth,
    /// The account has no money or quota left. Waiting does not bring it back.
    Quota,
    /// This request was turned away, by a firewall for instance; it says nothing of the key.
    Forbidden,
    /// The model or endpoint does not exist.
    NotFound,
    /// Too many requests.
    RateLimited,
    /// No answer in time.
    Timeout,
    /// The server failed.
    Server,
    /// The connection failed.
    Network,
    /// The request was not acceptable.
    BadRequest,
    /// The answer could not be read.
    Protocol,
    /// The model cannot do what was asked.
    Unsupported,
    /// A recording holds no answer to this.
    NotRecorded,
    /// The model's files are missing or broken.
    Files,
    /// The runtime failed.
    Runtime,
}

/// How far a failure reaches: what it says of the requests that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FailureScope {
    /// This request alone.
    Request,
    /// The key or the model, as long as it has never answered. After an answer it is a passing fault of one request: servers say
    /// 401 and 404 for a moment while they are deployed anew.
    Model,
    /// The account: no request can succeed any more, whatever was answered before.
    Account,
}

impl ErrorClass {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::Timeout | Self::Server | Self::Network
        )
    }

    /// How far a failure of this class reaches.
    #[must_use]
    pub fn scope(self) -> FailureScope {
        match self {
            Self::Quota => FailureScope::Account,
            Self::Auth | Self::NotFound | Self::Unsupported => FailureScope::Model,
            _ => FailureScope::Request,
        }
    }

    /// The name used in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Server => "server",
            Self::Network => "network",
            Self::BadRequest => "bad_request",
            Self::Protocol => "protocol",
            Self::Unsupported => "unsupported",
            Self::NotRecorded => "not_recorded",
            Self::Files => "files",
            Self::Runtime => "runtime",
        }
    }
}

/// A failure to get an answer, in words a person can act on.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ModelError {
    /// What kind it is.
    pub class: ErrorClass,
    /// What was tried, what happened, what to do.
    pub message: String,
    /// How long the server asked to wait.
    pub retry_after: Option<std::time::Duration>,
    /// The requests that were sent for it.
    pub attempts: Box<Attempts>,
}

/// A fault of files that a model is made of.
pub(super) fn files_error(message: String) -> ModelError {
    ModelError::new(ErrorClass::Files, message)
}

impl ModelError {
    /// A failure of the given class.
    #[must_use]
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            retry_after: None,
            attempts: Box::default(),
        }
    }

    /// How far it reaches.
    #[must_use]
    pub fn scope(&self) -> FailureScope {
        self.class.scope()
    }
}
