//! The one HTTP client: sends a request once, and reads what comes back within limits of time and size.

use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::address::Address;
use super::body::{Body, BodyError, Incoming};
use super::fault::seconds;
use super::reply::{Reply, excerpt};
use super::secrets::Secrets;
use super::timeouts::Timeouts;
use crate::model::spec::without_secrets;
use crate::model::{ErrorClass, ModelError};

/// Most bytes read of the body of an error status.
const MAX_ERROR: usize = 1 << 20;
/// How long the end of a stream is waited for, after the answer in it has ended.
const GRACE: Duration = Duration::from_secs(10);
/// How long the end of the connection is waited for after `[DONE]`, so that it can be used again.
const DRAIN: Duration = Duration::from_millis(50);

pub(super) struct Http {
    client: reqwest::Client,
    timeouts: Timeouts,
}

impl Http {
    pub(super) fn new(timeouts: &Timeouts) -> Result<Self, ModelError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect_seconds.duration())
            .read_timeout(timeouts.idle_seconds.duration())
            .timeout(timeouts.total_seconds.duration())
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

    pub(super) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Posts JSON once, and reads the reply to its end. The key is not sent where the address names a user.
    pub(super) async fn post(
        &self,
        address: &Address,
        key: Option<&SecretString>,
        secrets: &Secrets,
        body: &Value,
    ) -> Result<Reply, ModelError> {
        let mut request = self.client.post(address.url().clone()).json(body);
        if let Some(key) = key.filter(|_| !address.has_user()) {
            request = request.bearer_auth(key.expose_secret());
        }
        let asked = Instant::now();
        let response = request
            .send()
            .await
            .map_err(|e| self.transport_error(address, &e))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|v| v.to_str().ok());
        let location = location.map(|l| secrets.cut(&excerpt(&without_secrets(l))));
        let mut body = if response.status().is_success() {
            let read = read_answer(response, asked).await;
            read.map_err(|e| self.read_error(address, secrets, e))?
        } else {
            read_error_body(response, asked).await
        };
        match &mut body {
            Body::Json(value, _) => secrets.cut_value(value),
            Body::Text(text) => *text = secrets.cut(text),
        }
        Ok(Reply {
            status,
            retry_after,
            location,
            body,
        })
    }

    fn read_error(&self, address: &Address, secrets: &Secrets, error: ReadError) -> ModelError {
        match error {
            ReadError::Transport(error) => self.transport_error(address, &error),
            ReadError::Body(error) => body_error(address, secrets, error),
        }
    }

    fn transport_error(&self, address: &Address, error: &reqwest::Error) -> ModelError {
        let url = address.shown();
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
        let proxy = match proxy_variable(address) {
            Some(name) if error.is_connect() => {
                format!(" The environment variable {name} names a proxy: does it run?")
            }
            _ => String::new(),
        };
        ModelError::new(
            ErrorClass::Network,
            format!(
                "cannot reach {url}: {}. Is the server running, and the address right?{proxy}",
                excerpt(&cause.to_string())
            ),
        )
    }
}

/// Why an answer could not be read to its end.
enum ReadError {
    Transport(reqwest::Error),
    Body(BodyError),
}

/// Reads an answer until it is over: a body to its last byte, a stream to `[DONE]`, or to its finish and a little longer.
async fn read_answer(response: reqwest::Response, asked: Instant) -> Result<Body, ReadError> {
    let mut incoming = Incoming::new(asked);
    let mut stream = response.bytes_stream();
    let mut ended: Option<Instant> = None;
    while !incoming.is_done() {
        let next = match ended {
            None => stream.next().await,
            Some(ended) => {
                let rest = GRACE.saturating_sub(ended.elapsed());
                let next = tokio::time::timeout(rest, stream.next());
                next.await.unwrap_or(None)
            }
        };
        match next {
            None => break,
            Some(Ok(bytes)) => incoming.push(&bytes).map_err(ReadError::Body)?,
            // What breaks behind the end of an answer takes nothing from it.
            Some(Err(_)) if incoming.is_whole() => break,
            Some(Err(error)) => return Err(ReadError::Transport(error)),
        }
        if ended.is_none() && incoming.is_whole() {
            ended = Some(Instant::now());
        }
    }
    if incoming.is_done() {
        let _ = tokio::time::timeout(DRAIN, stream.next()).await;
    }
    incoming.finish().map_err(ReadError::Body)
}

/// Reads the body of an error status as far as it comes: the status says enough.
async fn read_error_body(response: reqwest::Response, asked: Instant) -> Body {
    let mut incoming = Incoming::new(asked);
    let mut stream = response.bytes_stream();
    let mut left = MAX_ERROR;
    while let Some(Ok(bytes)) = stream.next().await {
        let taken = left.min(bytes.len());
        left -= taken;
        if incoming.push(&bytes[..taken]).is_err() || left == 0 || incoming.is_done() {
            break;
        }
    }
    incoming.finish_in_part()
}

/// The variable that names the proxy of an address, where there is one.
fn proxy_variable(address: &Address) -> Option<&'static str> {
    let names: [&str; 4] = match address.url().scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    names.into_iter().find(is_set)
}

fn body_error(address: &Address, secrets: &Secrets, error: BodyError) -> ModelError {
    let url = address.shown();
    match error {
        BodyError::TooLong(limit) => ModelError::new(
            ErrorClass::Protocol,
            format!("{url} sent more than {} MiB in one answer", limit >> 20),
        ),
        BodyError::Event(wrong, event) => {
            let shown = excerpt(&secrets.cut(&event));
            ModelError::new(
                ErrorClass::Protocol,
                format!("{url} sent an event that is not JSON ({wrong}): {shown}"),
            )
        }
        BodyError::BrokenOff => ModelError::new(
            ErrorClass::Network,
            format!("{url} broke off in the middle of an answer"),
        ),
    }
}

/// How long to wait: `retry-after-ms`, or `Retry-After` in seconds or as an HTTP date. What is neither says nothing.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let in_ms = header("retry-after-ms").and_then(seconds);
    in_ms.map(|ms| ms / 1000).or_else(|| {
        let written = header(RETRY_AFTER.as_str())?;
        seconds(written).or_else(|| {
            let date = jiff::fmt::rfc2822::parse(written).ok()?;
            Duration::try_from(date.timestamp() - jiff::Timestamp::now()).ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_retry_after_is_a_panic() {
        let read = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(
            read("retry-after", "2.5"),
            Some(Duration::from_millis(2500))
        );
        assert_eq!(
            read("retry-after-ms", "2500"),
            Some(Duration::from_millis(2500))
        );
        for huge in ["1e300", "inf", "99999999999999999999", "1e400"] {
            assert_eq!(read("retry-after", huge), Some(Duration::MAX), "{huge}");
        }
        for nothing in [
            "soon",
            "-1",
            "nan",
            "",
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "-1e300",
        ] {
            assert_eq!(read("retry-after", nothing), None, "{nothing}");
        }
        assert!(read("retry-after", "Thu, 31 Dec 9998 23:59:59 GMT").is_some());
    }
}
