//! The one HTTP client: time-outs, a size limit, retries with jitter that honour Retry-After, and errors by class.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use eventsource_stream::{EventStreamError, Eventsource};
use futures::StreamExt;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chat;
use super::stream::Joined;
use crate::model::{ErrorClass, ModelError};

/// Most bytes read of one answer.
const MAX_BODY: usize = 16 << 20;
/// The longest wait a server's Retry-After may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(2);

/// How long to wait for what, and how often to try, under `[http]` in `candor.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Seconds to connect.
    pub connect_seconds: f64,
    /// Seconds without a byte before an answer is given up.
    pub idle_seconds: f64,
    /// Seconds for a whole answer.
    pub total_seconds: f64,
    /// Tries after the first.
    pub retries: usize,
    /// Seconds before the first retry; doubled at each further one, with jitter.
    pub backoff_seconds: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_seconds: 10.0,
            idle_seconds: 120.0,
            total_seconds: 600.0,
            retries: 5,
            backoff_seconds: 0.5,
        }
    }
}

/// What a server answered, where it answered at all.
pub(super) enum Reply {
    /// A 2xx with JSON, in one piece or as a stream; then with the seconds to its first token.
    Success(Value, Option<f64>),
    /// An error status that is a filter's verdict on the prompt: an outcome, not a failure.
    Blocked { status: u16, reason: String },
}

pub(super) struct Http {
    client: reqwest::Client,
    timeouts: Timeouts,
}

impl Http {
    pub(super) fn new(timeouts: &Timeouts) -> Result<Self, ModelError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs_f64(timeouts.connect_seconds))
            .read_timeout(Duration::from_secs_f64(timeouts.idle_seconds))
            .timeout(Duration::from_secs_f64(timeouts.total_seconds))
            // A redirect could carry the key to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| {
                ModelError::new(ErrorClass::Network, format!("cannot set up HTTP: {e}"))
            })?;
        Ok(Self {
            client,
            timeouts: timeouts.clone(),
        })
    }

    /// Posts JSON and reads JSON, trying again while the failure may pass.
    pub(super) async fn post_json(
        &self,
        url: &str,
        key: Option<&SecretString>,
        body: &Value,
    ) -> Result<Reply, ModelError> {
        let backoff = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_secs_f64(self.timeouts.backoff_seconds))
            .with_max_delay(Duration::from_secs(30))
            .with_max_times(self.timeouts.retries);
        (|| self.post_once(url, key, body))
            .retry(backoff)
            .when(|error: &ModelError| error.class.is_transient())
            .adjust(|error, delay| {
                delay.map(|d| {
                    error
                        .retry_after
                        .map_or(d, |asked| asked.min(MAX_RETRY_AFTER).max(d))
                })
            })
            .await
            .map_err(|mut error| {
                if error.class.is_transient() && self.timeouts.retries > 0 {
                    error.message = format!(
                        "{} (tried {} times)",
                        error.message,
                        self.timeouts.retries + 1
                    );
                }
                error
            })
    }

    async fn post_once(
        &self,
        url: &str,
        key: Option<&SecretString>,
        body: &Value,
    ) -> Result<Reply, ModelError> {
        let mut request = self.client.post(url).json(body);
        if let Some(key) = key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request
            .send()
            .await
            .map_err(|e| self.transport_error(url, &e))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        if status.is_success() && kind.is_some_and(|k| k.starts_with("text/event-stream")) {
            return self.read_stream(url, response, key).await;
        }
        let text = self.read(url, response).await?;
        let text = redact(&text, key);
        if status.is_success() {
            return serde_json::from_str(&text)
                .map(|body| Reply::Success(body, None))
                .map_err(|e| {
                    ModelError::new(
                        ErrorClass::Protocol,
                        format!(
                            "{url} answered with something that is not JSON ({e}): {}",
                            excerpt(&text)
                        ),
                    )
                });
        }
        if let Some(reason) = serde_json::from_str(&text)
            .ok()
            .and_then(|body: Value| chat::block_reason(&body))
        {
            return Ok(Reply::Blocked {
                status: status.as_u16(),
                reason,
            });
        }
        Err(status_error(url, status, &headers, &text))
    }

    async fn read(&self, url: &str, response: reqwest::Response) -> Result<String, ModelError> {
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|e| self.transport_error(url, &e))?;
            if bytes.len() + chunk.len() > MAX_BODY {
                return Err(ModelError::new(
                    ErrorClass::Protocol,
                    format!("{url} sent more than {} MiB in one answer", MAX_BODY >> 20),
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads a streamed answer to its end.
    async fn read_stream(
        &self,
        url: &str,
        response: reqwest::Response,
        key: Option<&SecretString>,
    ) -> Result<Reply, ModelError> {
        let (mut joined, mut size) = (Joined::new(), 0);
        let mut events = response.bytes_stream().eventsource();
        let odd = |what: String| ModelError::new(ErrorClass::Protocol, format!("{url} {what}"));
        while let Some(event) = events.next().await {
            let event = event.map_err(|e| match e {
                EventStreamError::Transport(e) => self.transport_error(url, &e),
                other => odd(format!("sent a stream that cannot be read: {other}")),
            })?;
            size += event.data.len();
            if size > MAX_BODY {
                let limit = MAX_BODY >> 20;
                return Err(odd(format!("sent more than {limit} MiB in one answer")));
            }
            let data = redact(&event.data, key);
            joined.push(&data).map_err(|e| {
                let shown = excerpt(&data);
                odd(format!("sent an event that is not JSON ({e}): {shown}"))
            })?;
        }
        let first_token = joined.first_token();
        match joined.body() {
            Some(body) => Ok(Reply::Success(body, first_token)),
            None => Err(ModelError::new(
                ErrorClass::Network,
                format!("{url} broke off in the middle of an answer"),
            )),
        }
    }

    fn transport_error(&self, url: &str, error: &reqwest::Error) -> ModelError {
        if error.is_timeout() {
            let t = &self.timeouts;
            return ModelError::new(
                ErrorClass::Timeout,
                format!(
                    "{url} did not answer in time (connect {} s, silence {} s, whole answer {} s; set under [http] in candor.toml)",
                    t.connect_seconds, t.idle_seconds, t.total_seconds
                ),
            );
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        ModelError::new(
            ErrorClass::Network,
            format!("cannot reach {url}: {cause}. Is the server running, and the address right?"),
        )
    }
}

fn status_error(url: &str, status: StatusCode, headers: &HeaderMap, body: &str) -> ModelError {
    let class = match status.as_u16() {
        401 | 403 => ErrorClass::Auth,
        404 => ErrorClass::NotFound,
        408 => ErrorClass::Timeout,
        429 => ErrorClass::RateLimited,
        500.. => ErrorClass::Server,
        _ => ErrorClass::BadRequest,
    };
    let said = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|v| chat::error_message(&v))
        .unwrap_or_else(|| excerpt(body));
    let message = match class {
        ErrorClass::Auth => format!("{status}: {said}"),
        ErrorClass::NotFound => format!("{url} knows no such model or path ({status}): {said}"),
        _ => format!("{url} answered {status}: {said}"),
    };
    ModelError {
        class,
        message,
        retry_after: retry_after(headers),
    }
}

/// Retry-After in seconds, or as an HTTP date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = value.trim().parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    Duration::try_from(date.timestamp() - jiff::Timestamp::now()).ok()
}

fn redact(text: &str, key: Option<&SecretString>) -> String {
    match key.map(ExposeSecret::expose_secret) {
        Some(key) if key.len() >= 4 => text.replace(key, "[key]"),
        _ => text.to_owned(),
    }
}

/// The beginning of a body, on one line.
pub(super) fn excerpt(text: &str) -> String {
    match crate::text::excerpt(text, 300) {
        line if line.is_empty() => "(empty)".to_owned(),
        line => line,
    }
}
