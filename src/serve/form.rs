//! What the forms of the API have in common: a request becomes jobs for the model, each of whose answers becomes a choice.

use serde_json::Value;

use super::sampling::Delivery;
use crate::model::{Delta, Finish, TokenRequest, Written};

/// A form of the API: how its answers are written.
pub(super) trait Form: Send + Sync + 'static {
    /// What an answer's id begins with.
    fn prefix(&self) -> &'static str;

    /// `object` of an answer, whole or one of its parts.
    fn object(&self, delivery: Delivery) -> &'static str;

    /// A choice, but for its number.
    fn choice(&self, written: &Written) -> Value;

    /// A choice's first part, where it has one before any word.
    fn opening(&self) -> Option<Value>;

    /// A part of a choice, but for its number; none where nothing of it is shown.
    fn part(&self, delta: &Delta) -> Option<Value>;

    /// A choice's last part, but for its number.
    fn ending(&self, written: &Written) -> Value;
}

/// A request, read.
pub(super) struct Call {
    pub form: Box<dyn Form>,
    pub delivery: Delivery,
    /// One per choice, in the order of their numbers.
    pub jobs: Vec<Job>,
    /// Choices of each prompt.
    pub choices: usize,
}

/// What the model is asked for one choice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub request: TokenRequest,
    /// Whether the tokens must be seen, not the words alone.
    pub by_token: bool,
}

/// Why an answer ended, in the API's words.
pub(super) fn ending(finish: Finish) -> &'static str {
    match finish {
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        _ => "stop",
    }
}
