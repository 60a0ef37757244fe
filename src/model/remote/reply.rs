//! What a server's reply means: an answer, a filter's verdict, or a failure of a class.

use std::time::Duration;

use serde_json::Value;

use super::body::Body;
use super::chat;
use super::fault::Fault;
use crate::model::{Completion, ErrorClass, Finish, ModelError};

/// A reply, whole and without secrets.
pub(super) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// How long its headers ask to wait.
    pub retry_after: Option<Duration>,
    /// Where it sends those who follow redirects.
    pub location: Option<String>,
    pub body: Body,
}

/// A reply without an answer.
pub(super) struct Failure {
    pub error: ModelError,
    /// The server's own account of it.
    pub fault: Option<Box<Fault>>,
}

impl Reply {
    /// The completion in it. `url` names the server in messages.
    pub(super) fn read(self, url: &str) -> Result<Completion, Failure> {
        if !(200..300).contains(&self.status) {
            let fault = self.error_fault();
            return match chat::blocked(&fault) {
                Some(completion) => Ok(completion),
                None => Err(self.failed(url, fault)),
            };
        }
        let passing = |class, message: String| {
            let error = ModelError::new(class, message);
            Err(Failure { error, fault: None })
        };
        let (body, first_token) = match self.body {
            Body::Json(ref body, first_token) => (body, first_token),
            Body::Text(text) if text.trim().is_empty() => {
                return passing(
                    ErrorClass::Server,
                    format!("{url} answered {} with nothing", self.status),
                );
            }
            Body::Text(text) => {
                return passing(
                    ErrorClass::Protocol,
                    format!(
                        "{url} answered with something that is not JSON: {}",
                        excerpt(&text)
                    ),
                );
            }
        };
        match chat::read_chat_completion(body) {
            None if has_no_choice(body) => passing(
                ErrorClass::Server,
                format!(
                    "{url} answered without a choice: {}",
                    excerpt(&body.to_string())
                ),
            ),
            None => passing(
                ErrorClass::Protocol,
                format!(
                    "{url} answered with JSON that is not a chat completion: {}",
                    excerpt(&body.to_string())
                ),
            ),
            Some(completion) if completion.finish == Finish::Error => match chat::fault(body) {
                Some(fault) => Err(self.failed(url, fault)),
                None => passing(
                    ErrorClass::Server,
                    format!(
                        "{url} says that the answer ended in an error ({})",
                        excerpt(&body["choices"][0]["finish_reason"].to_string())
                    ),
                ),
            },
            Some(mut completion) => {
                completion.timing.first_token = first_token;
                completion.raw = Some(body.clone());
                Ok(completion)
            }
        }
    }

    fn error_fault(&self) -> Fault {
        match &self.body {
            Body::Json(body, _) => Fault::of_status(self.status, body),
            // The page of a firewall or a proxy speaks of everything; what counts is its status.
            Body::Text(page) if page.trim_start().starts_with('<') => {
                Fault::of_status(self.status, &Value::Null)
            }
            Body::Text(text) => Fault::of_status(self.status, &Value::from(text.as_str())),
        }
    }

    fn failed(&self, url: &str, fault: Fault) -> Failure {
        let class = fault.class();
        let said = fault.message().unwrap_or_else(|| match &self.body {
            Body::Json(body, _) => body.to_string(),
            Body::Text(text) => text.clone(),
        });
        let said = excerpt(&said);
        let status = match fault.status() {
            Some(status) => status_line(status),
            None => "with an error".to_owned(),
        };
        let message = match class {
            _ if (300..400).contains(&self.status) => format!(
                "{url} sends requests on to {} ({status}), which candor does not follow with a key: name that address",
                self.location.as_deref().unwrap_or("another address")
            ),
            ErrorClass::Auth => format!("{status}: {said}"),
            ErrorClass::Quota => {
                format!("{url} says that no money or quota is left ({status}): {said}")
            }
            ErrorClass::Forbidden => format!("{url} turned this request away ({status}): {said}"),
            ErrorClass::NotFound => format!(
                "{url} knows no such model or path (an address ends where /chat/completions follows, mostly in /v1) — {status}: {said}"
            ),
            _ => format!("{url} answered {status}: {said}"),
        };
        let retry_after = self.retry_after.or(fault.wait);
        Failure {
            error: ModelError {
                class,
                message,
                retry_after,
            },
            fault: Some(Box::new(fault)),
        }
    }
}

/// A chat completion in which nothing is chosen: what overloaded servers send.
fn has_no_choice(body: &Value) -> bool {
    match body.get("choices") {
        Some(choices) => choices.is_null() || choices.as_array().is_some_and(Vec::is_empty),
        None => body.as_object().is_some_and(serde_json::Map::is_empty) || body.is_null(),
    }
}

/// `429 Too Many Requests`.
fn status_line(status: u16) -> String {
    let known = reqwest::StatusCode::from_u16(status).ok();
    match known.and_then(|s| s.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// Most characters of what a server says that are kept in a failure.
const EXCERPT: usize = 2_000;

/// The beginning of what a server says, on one line, and nothing in it that a terminal obeys.
pub(super) fn excerpt(text: &str) -> String {
    let line = crate::text::excerpt(text, EXCERPT);
    match crate::text::visible_line(&line) {
        line if line.is_empty() => "(empty)".to_owned(),
        line => line.into_owned(),
    }
}
