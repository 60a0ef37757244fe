//! Errors as OpenAI's API writes them: `{"error": {"message", "type", "param", "code"}}`.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::model::{ErrorClass, ModelError};

/// Why a request gets no answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub status: StatusCode,
    message: String,
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
    retry_after: Option<Duration>,
}

impl Fault {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            kind,
            param: None,
            code: None,
            retry_after: None,
        }
    }

    /// The request cannot be understood.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// A parameter that cannot be, or that this server does not have.
    pub(super) fn parameter(param: &'static str, message: impl Into<String>) -> Self {
        Self {
            param: Some(param),
            ..Self::invalid(message)
        }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission_error", message)
    }

    pub(super) fn no_key() -> Self {
        let what = "the key is missing or wrong; send it as 'Authorization: Bearer KEY'";
        Self {
            code: Some("invalid_api_key"),
            ..Self::new(StatusCode::UNAUTHORIZED, "authentication_error", what)
        }
    }

    pub(super) fn no_model(asked: &str, served: &str) -> Self {
        let what = format!("the model '{asked}' is not served here; this server has '{served}'");
        Self {
            param: Some("model"),
            code: Some("model_not_found"),
            ..Self::new(StatusCode::NOT_FOUND, "invalid_request_error", what)
        }
    }

    pub(super) fn no_route(method: &str, path: &str) -> Self {
        let what = format!(
            "{method} {path} is not served; there are GET /v1/models, /metrics and /health, and POST /v1/chat/completions and /v1/completions"
        );
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", what)
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let what = format!("the request is larger than the {limit} bytes that this server takes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", what)
    }

    pub(super) fn too_slow() -> Self {
        let what = "the request's body did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "invalid_request_error", what)
    }

    /// Too many requests are being answered or waiting.
    pub(super) fn busy(places: usize, wait: Duration) -> Self {
        let what = format!(
            "{places} requests are already being answered or waiting; try again in {} s",
            wait.as_secs()
        );
        Self {
            code: Some("queue_full"),
            retry_after: Some(wait),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", what)
        }
    }

    /// The answer took longer than the server waits.
    pub(super) fn no_time(limit: Duration) -> Self {
        let what = format!("no answer within {} s", limit.as_secs());
        Self {
            code: Some("timeout"),
            ..Self::new(StatusCode::GATEWAY_TIMEOUT, "server_error", what)
        }
    }

    pub(super) fn body(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}})
    }
}

impl From<ModelError> for Fault {
    fn from(error: ModelError) -> Self {
        let (status, kind) = match error.class {
            ErrorClass::BadRequest | ErrorClass::Unsupported => {
                (StatusCode::BAD_REQUEST, "invalid_request_error")
            }
            ErrorClass::NotRecorded => (StatusCode::NOT_FOUND, "invalid_request_error"),
            ErrorClass::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error"),
            ErrorClass::Quota => (StatusCode::TOO_MANY_REQUESTS, "insufficient_quota"),
            ErrorClass::Timeout => (StatusCode::GATEWAY_TIMEOUT, "server_error"),
            ErrorClass::Files | ErrorClass::Runtime => {
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
            _ => (StatusCode::BAD_GATEWAY, "server_error"),
        };
        Self {
            code: Some(error.class.name()),
            retry_after: error.retry_after,
            ..Self::new(status, kind, error.message)
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(wait.as_secs().max(1)),
            );
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
