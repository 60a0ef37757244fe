//! The one HTTP client: sends a request once, and reads what comes back within limits of time and size.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::header::{HeaderValue, LOCATION};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::address::Address;
use super::body::{Body, BodyError, Incoming};
use super::dialect::{Dialect, KeyHeader};
use super::excerpt::excerpt;
use super::reply::{Failure, Reply};
use super::retry_after::{reset_after, retry_after};
use super::secrets::Secrets;
use super::served::route_of;
use super::timeouts::Timeouts;
use crate::model::spec::without_secrets;
use crate::model::{ErrorClass, ModelError, Usage};
use crate::net;

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

/// Where a request goes, in whose terms, and with which key.
pub(super) struct Target<'a> {
    pub address: &'a Address,
    pub dialect: &'static dyn Dialect,
    pub key: Option<&'a SecretString>,
    pub key_header: KeyHeader,
    /// What no reply may show.
    pub secrets: &'a Secrets,
}

impl Http {
    /// Its connections are to the unix socket, where one is named.
    pub(super) fn new(timeouts: &Timeouts, socket: Option<&Path>) -> Result<Self, ModelError> {
        let client = net::client();
        #[cfg(unix)]
        let client = match socket {
            Some(socket) => client.unix_socket(socket),
            None => client,
        };
        #[cfg(not(unix))]
        let _ = socket;
        let client = client
            .connect_timeout(timeouts.connect_seconds.duration())
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
        target: &Target<'_>,
        body: &Value,
    ) -> Result<Reply, Box<Failure>> {
        let &Target {
            address,
            dialect,
            secrets,
            ..
        } = target;
        let mut request = self.client.post(address.url().clone()).json(body);
        for (name, value) in dialect.headers() {
            request = request.header(*name, *value);
        }
        if let Some(key) = target.key.filter(|_| !address.has_user()) {
            request = match target.key_header {
                KeyHeader::Bearer => request.bearer_auth(key.expose_secret()),
                KeyHeader::Named(name) => {
                    let mut value = HeaderValue::from_str(key.expose_secret())
                        .map_err(|e| Box::new(Failure::unread(unsendable(&e))))?;
                    value.set_sensitive(true);
                    request.header(name, value)
                }
            };
        }
        let asked = Instant::now();
        let first_byte = self.timeouts.first_byte().duration();
        let response = tokio::time::timeout(first_byte, request.send())
            .await
            .map_err(|_| Box::new(Failure::unread(self.timed_out(address))))?
            .map_err(|e| Box::new(self.transport_error(address, &e)))?;
        let status = response.status().as_u16();
        let headers = response.headers();
        let reset = || (status == 429).then(|| reset_after(headers)).flatten();
        let retry_after = retry_after(headers).or_else(reset);
        let route = route_of(headers).map(|route| secrets.cut(&route));
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|v| v.to_str().ok());
        let location = location.map(|l| secrets.cut(&excerpt(&without_secrets(l))));
        let mut body = if response.status().is_success() {
            let idle = self.timeouts.idle_seconds.duration();
            let read = read_answer(response, dialect, asked, idle).await;
            read.map_err(|e| Box::new(self.read_error(address, secrets, e)))?
        } else {
            let idle = self.timeouts.idle_seconds.duration();
            read_error_body(response, dialect, asked, idle).await
        };
        match &mut body {
            Body::Json(value, _) => secrets.cut_value(value),
            Body::Text(text) => *text = secrets.cut(text),
        }
        Ok(Reply {
            status,
            retry_after,
            route,
            location,
            body,
        })
    }

    fn read_error(&self, address: &Address, secrets: &Secrets, error: ReadError) -> Failure {
        match error {
            ReadError::Transport(error) => self.transport_error(address, &error),
            ReadError::Idle => Failure::unread(self.timed_out(address)),
            ReadError::Body(error) => Failure::unread(body_error(address, secrets, error)),
        }
    }

    /// What never reached its server is not billed; whatever breaks later can be.
    fn transport_error(&self, address: &Address, error: &reqwest::Error) -> Failure {
        let failure = Failure::unread(self.transport_failure(address, error));
        let never_sent = error.is_connect() || error.is_builder();
        Failure {
            usage: if never_sent {
                Usage::nothing()
            } else {
                failure.usage
            },
            ..failure
        }
    }

    fn timed_out(&self, address: &Address) -> ModelError {
        let (url, t) = (address.public_url(), &self.timeouts);
        ModelError::new(
            ErrorClass::Timeout,
            format!(
                "{url} did not answer in time (connect {} s, first byte {} s, silence {} s, whole answer {} s; set under [http] in candor.toml)",
                t.connect_seconds,
                t.first_byte(),
                t.idle_seconds,
                t.total_seconds
            ),
        )
    }

    fn transport_failure(&self, address: &Address, error: &reqwest::Error) -> ModelError {
        if error.is_timeout() {
            return self.timed_out(address);
        }
        let url = address.public_url();
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        let proxy = match proxy_variable(address) {
            Some(name) if error.is_connect() => {
                format!(" The environment variable {name} names a proxy: is it running?")
            }
            _ => String::new(),
        };
        ModelError::new(
            ErrorClass::Network,
            format!(
                "cannot reach {url}: {}. Is the server running, and is the address correct?{proxy}",
                excerpt(&cause.to_string())
            ),
        )
    }
}

fn unsendable(error: &reqwest::header::InvalidHeaderValue) -> ModelError {
    ModelError::new(ErrorClass::Auth, format!("the key cannot be sent: {error}"))
}

/// Why an answer could not be read to its end.
enum ReadError {
    Transport(reqwest::Error),
    /// Nothing came any more.
    Idle,
    Body(BodyError),
}

/// Reads an answer until it is over: a body to its last byte, a stream to `[DONE]`, or to its finish and a little longer. Where
/// something besides the answer said how it went, the answer itself may still be coming.
async fn read_answer(
    response: reqwest::Response,
    dialect: &'static dyn Dialect,
    asked: Instant,
    idle: Duration,
) -> Result<Body, ReadError> {
    let mut incoming = Incoming::new(dialect, asked);
    let mut stream = response.bytes_stream();
    let mut ended: Option<Instant> = None;
    while !incoming.is_done() {
        let next = if incoming.is_whole() {
            let rest = ended.map_or(GRACE, |ended| GRACE.saturating_sub(ended.elapsed()));
            let next = tokio::time::timeout(rest.min(idle), stream.next());
            next.await.unwrap_or(None)
        } else {
            let next = tokio::time::timeout(idle, stream.next());
            next.await.map_err(|_| ReadError::Idle)?
        };
        match next {
            None => break,
            Some(Ok(bytes)) => incoming.push(&bytes).map_err(ReadError::Body)?,
            // What breaks behind the end of an answer takes nothing from it.
            Some(Err(_)) if incoming.is_whole() => break,
            Some(Err(error)) => return Err(ReadError::Transport(error)),
        }
        if ended.is_none() && incoming.is_finished() {
            ended = Some(Instant::now());
        }
    }
    if incoming.is_done() {
        let _ = tokio::time::timeout(DRAIN, stream.next()).await;
    }
    incoming.finish().map_err(ReadError::Body)
}

/// Reads the body of an error status as far as it comes: the status says enough.
async fn read_error_body(
    response: reqwest::Response,
    dialect: &'static dyn Dialect,
    asked: Instant,
    idle: Duration,
) -> Body {
    let mut incoming = Incoming::new(dialect, asked);
    let mut stream = response.bytes_stream();
    let mut left = MAX_ERROR;
    while let Ok(Some(Ok(bytes))) = tokio::time::timeout(idle, stream.next()).await {
        let taken = left.min(bytes.len());
        left -= taken;
        if incoming.push(&bytes[..taken]).is_err() || left == 0 || incoming.is_done() {
            break;
        }
    }
    incoming.finish_in_part()
}

/// The variable that names the proxy of an address, if there is one.
fn proxy_variable(address: &Address) -> Option<&'static str> {
    let names: [&str; 4] = match address.url().scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    names.into_iter().find(is_set)
}

fn body_error(address: &Address, secrets: &Secrets, error: BodyError) -> ModelError {
    let url = address.public_url();
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
            format!("{url} broke the connection in the middle of an answer"),
        ),
    }
}
