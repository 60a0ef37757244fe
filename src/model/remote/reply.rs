//! What a server's reply means: an answer, a filter's verdict, or a failure of a class.

use std::time::Duration;

use serde_json::Value;

use super::answer::blocked;
use super::body::Body;
use super::dialect::{CHAT, Dialect};
use super::excerpt::excerpt;
use super::fault::Fault;
use super::served::served;
use crate::model::{Completion, ErrorClass, Finish, ModelError, Usage};

/// A reply, whole and without secrets.
pub(super) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// How long its headers ask to wait.
    pub retry_after: Option<Duration>,
    /// The upstream that its headers name.
    pub route: Option<String>,
    /// Where it sends those who follow redirects.
    pub location: Option<String>,
    pub body: Body,
}

/// A request without an answer.
pub(super) struct Failure {
    pub error: ModelError,
    /// The server's own account of it.
    pub fault: Option<Box<Fault>>,
    /// What it took.
    pub usage: Usage,
}

impl Failure {
    /// One of which no server gave an account: it may have been billed.
    pub(super) fn unread(error: ModelError) -> Self {
        Self {
            error,
            fault: None,
            usage: Usage::default(),
        }
    }
}

impl Reply {
    /// One that came among the results of a batch.
    pub(super) fn of_batch(status: u16, body: Value) -> Self {
        Self {
            status,
            retry_after: None,
            route: None,
            location: None,
            body: Body::Json(body, None),
        }
    }

    /// The completion in it, in its server's terms. `url` names the server in messages.
    pub(super) fn read(self, dialect: &dyn Dialect, url: &str) -> Result<Completion, Box<Failure>> {
        if !(200..300).contains(&self.status) {
            let fault = self.error_fault();
            return match blocked(&fault) {
                Some(mut completion) => {
                    completion.usage = self.billed_of_a_block(dialect);
                    Ok(completion)
                }
                None => Err(Box::new(self.failure(dialect, url, fault, false))),
            };
        }
        let (body, first_token) = match &self.body {
            Body::Json(body, first_token) => (body, *first_token),
            Body::Text(text) => return Err(Box::new(self.unread(url, text))),
        };
        let passing = |class, message: String| {
            Err(Box::new(Failure {
                usage: dialect.usage(body),
                ..Failure::unread(ModelError::new(class, message))
            }))
        };
        match dialect.read(body).or_else(|| in_openais_shape(body)) {
            None if dialect.is_hollow(body) => passing(
                ErrorClass::Server,
                format!(
                    "{url} answered without a choice: {}",
                    excerpt(&body.to_string())
                ),
            ),
            None => passing(
                ErrorClass::Protocol,
                format!(
                    "{url} answered with JSON that is not {}: {}",
                    dialect.answers_with(),
                    excerpt(&body.to_string())
                ),
            ),
            Some(completion) if completion.finish == Finish::Error => match dialect.fault(body) {
                Some(fault) => Err(Box::new(self.failure(
                    dialect,
                    url,
                    fault,
                    completion.has_words(),
                ))),
                None => passing(
                    ErrorClass::Server,
                    format!(
                        "{url} reports that the answer ended in an error ({})",
                        excerpt(
                            &body
                                .pointer(dialect.reason_at())
                                .unwrap_or(&Value::Null)
                                .to_string()
                        )
                    ),
                ),
            },
            Some(mut completion) => {
                completion.timing.first_token = first_token;
                completion.served = served(body, self.route);
                completion.raw = Some(body.clone());
                Ok(completion)
            }
        }
    }

    /// The score in it of a continuation that follows a context.
    pub(super) fn read_score(
        self,
        dialect: &dyn Dialect,
        url: &str,
        (context, continuation): (&str, &str),
    ) -> Result<Completion, Box<Failure>> {
        let unsupported = |why: String| ModelError::new(ErrorClass::Unsupported, why);
        let (Some(likelihood), true) = (dialect.likelihood(), (200..300).contains(&self.status))
        else {
            let why = format!("{url} blocked a text that was to be scored");
            let blocked = ModelError::new(ErrorClass::BadRequest, why);
            let blocked = Box::new(Failure::unread(blocked));
            return Err(self.read(dialect, url).err().unwrap_or(blocked));
        };
        let body = match &self.body {
            Body::Json(body, _) => body,
            Body::Text(text) => return Err(Box::new(self.unread(url, text))),
        };
        if let Some(fault) = dialect.fault(body) {
            return Err(Box::new(self.failure(dialect, url, fault, false)));
        }
        let usage = dialect.usage(body);
        match likelihood.score(body, context, continuation) {
            Ok(score) => {
                let mut completion = Completion::text("");
                completion.usage = usage;
                completion.continuations.push(score);
                Ok(completion)
            }
            Err(why) => Err(Box::new(Failure {
                usage,
                ..Failure::unread(unsupported(format!("{url} did not score the text: {why}")))
            })),
        }
    }

    /// A success that is not JSON.
    fn unread(&self, url: &str, text: &str) -> Failure {
        let error = if text.trim().is_empty() {
            let message = format!("{url} answered {} with an empty body", self.status);
            ModelError::new(ErrorClass::Server, message)
        } else {
            let message = format!(
                "{url} answered with something that is not JSON: {}",
                excerpt(text)
            );
            ModelError::new(ErrorClass::Protocol, message)
        };
        Failure::unread(error)
    }

    /// What a body counts, whatever else it says.
    fn usage(&self, dialect: &dyn Dialect) -> Usage {
        match &self.body {
            Body::Json(body, _) => dialect.usage(body),
            Body::Text(_) => Usage::default(),
        }
    }

    /// What a filter's verdict with an error status took. Nothing was written; that the prompt was read is billed by some (Azure).
    fn billed_of_a_block(&self, dialect: &dyn Dialect) -> Usage {
        let counted = self.usage(dialect);
        Usage {
            completion_tokens: counted.completion_tokens.or(Some(0)),
            ..counted
        }
    }

    /// What a failure took: what its server counts, or nothing if the request was turned away before a word was written. Where a
    /// gateway ran out of time, its provider may have gone on.
    fn billed(&self, dialect: &dyn Dialect, fault: &Fault, has_words: bool) -> Usage {
        let counted = self.usage(dialect);
        let ran_out_of_time = matches!(fault.status(), None | Some(408 | 499 | 504 | 522 | 524));
        if counted == Usage::default() && !has_words && !ran_out_of_time {
            Usage::nothing()
        } else {
            counted
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

    fn failure(&self, dialect: &dyn Dialect, url: &str, fault: Fault, has_words: bool) -> Failure {
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
                "{url} redirects to {} ({status}), which candor does not follow with a key: name that address instead",
                self.location.as_deref().unwrap_or("another address")
            ),
            ErrorClass::Auth => format!("{status}: {said}"),
            ErrorClass::Quota => {
                format!("{url} reports that no credit or quota is left ({status}): {said}")
            }
            ErrorClass::Forbidden => format!("{url} rejected this request ({status}): {said}"),
            ErrorClass::NotFound => format!(
                "{url} does not know this model or path (an address ends before {}): {status}: {said}",
                dialect.ends_before()
            ),
            _ => format!("{url} answered {status}: {said}"),
        };
        let retry_after = self.retry_after.or(fault.wait);
        Failure {
            usage: self.billed(dialect, &fault, has_words),
            error: ModelError {
                retry_after,
                ..ModelError::new(class, message)
            },
            fault: Some(Box::new(fault)),
        }
    }
}

/// The answer of a gateway that replies as OpenAI does, whatever it was asked through.
fn in_openais_shape(body: &Value) -> Option<Completion> {
    let has_choice = body.pointer("/choices/0").is_some_and(Value::is_object);
    has_choice.then(|| CHAT.read(body)).flatten()
}

/// `429 Too Many Requests`.
fn status_line(status: u16) -> String {
    let known = reqwest::StatusCode::from_u16(status).ok();
    match known.and_then(|s| s.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}
