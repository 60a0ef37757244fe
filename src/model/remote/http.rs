//! The one HTTP client: sends a request once, and reads what comes back within limits of time and size.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt;
use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Request, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::address::Address;
use super::aws::Signer;
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

/// Most bytes read of the results of a batch.
const MAX_RESULTS: usize = 1 << 30;
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
    /// What signs requests, in place of sending the key.
    pub signer: Option<&'a Signer>,
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
        let request = self.client.post(address.url().clone()).json(body);
        let request = authorised(request, target)?;
        let asked = Instant::now();
        let first_byte = self.timeouts.first_byte().duration();
        let response = tokio::time::timeout(first_byte, self.client.execute(request))
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

    /// Calls another place of the server once, and gives what it says with a success.
    ///
    /// # Errors
    /// [`ModelError`] with the class that its status and words have.
    pub(super) async fn call(
        &self,
        target: &Target<'_>,
        method: reqwest::Method,
        path: &str,
        content: Content<'_>,
    ) -> Result<String, ModelError> {
        let address = target.address;
        let mut request = self.client.request(method, address.beside(path));
        request = match content {
            Content::None => request,
            Content::Json(body) => request.json(body),
            Content::File(bytes) => multipart(request, bytes),
        };
        let request = authorised(request, target).map_err(|failure| failure.error)?;
        let response = self.client.execute(request).await;
        let response = response.map_err(|e| self.transport_failure(address, &e))?;
        let status = response.status().as_u16();
        let (mut stream, mut bytes) = (response.bytes_stream(), Vec::new());
        while let Some(next) = stream.next().await {
            bytes.extend_from_slice(&next.map_err(|e| self.transport_failure(address, &e))?);
            if bytes.len() > MAX_RESULTS {
                let url = address.public_url();
                let error = body_error(address, target.secrets, BodyError::TooLong(MAX_RESULTS));
                return Err(ModelError::new(error.class, format!("{url}: {error}")));
            }
        }
        let text = target.secrets.cut(&String::from_utf8_lossy(&bytes));
        if (200..300).contains(&status) {
            return Ok(text);
        }
        let body = match super::json::json(&text) {
            Ok(value) => Body::Json(value, None),
            Err(_) => Body::Text(text),
        };
        let reply = Reply {
            status,
            retry_after: None,
            route: None,
            location: None,
            body,
        };
        let url = format!("{}/{path}", address.base());
        if let Err(failure) = reply.read(target.dialect, &url) {
            return Err(failure.error);
        }
        // A filter's verdict on one of many requests turned all of them away.
        let why = format!("{url} turned the batch away: a filter blocked a prompt in it");
        Err(ModelError::new(ErrorClass::BadRequest, why))
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

/// What a call carries.
pub(super) enum Content<'a> {
    None,
    Json(&'a Value),
    /// A file of a request per line, uploaded for a batch.
    File(Vec<u8>),
}

/// A request with the headers of its API, and with the key, or signed by it, unless the address names a user.
fn authorised(mut request: RequestBuilder, target: &Target<'_>) -> Result<Request, Box<Failure>> {
    for (name, value) in target.dialect.headers() {
        request = request.header(*name, *value);
    }
    let mut request = request
        .build()
        .map_err(|e| Box::new(Failure::unread(unsendable(&e))))?;
    if target.address.has_user() {
        return Ok(request);
    }
    if let Some(signer) = target.signer {
        let signed = signer.sign(&mut request, SystemTime::now());
        signed.map_err(|e| Box::new(Failure::unread(e)))?;
    } else if let Some(key) = target.key {
        let (name, value) = match target.key_header {
            KeyHeader::Bearer => ("authorization", format!("Bearer {}", key.expose_secret())),
            KeyHeader::Named(name) => (name, key.expose_secret().to_owned()),
        };
        let mut value =
            HeaderValue::from_str(&value).map_err(|e| Box::new(Failure::unread(unsendable(&e))))?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// A form of two parts: what the file is for, and the file.
fn multipart(request: RequestBuilder, file: Vec<u8>) -> RequestBuilder {
    // No line of JSON begins with it.
    const BOUNDARY: &str = "candor-7f3b1c9d5e2a4860";
    let mut form = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"candor.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n"
    )
    .into_bytes();
    form.extend(file);
    form.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    request.header(CONTENT_TYPE, kind).body(form)
}

fn unsendable(error: &dyn std::error::Error) -> ModelError {
    ModelError::new(
        ErrorClass::Auth,
        format!("the request cannot be sent: {error}"),
    )
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
