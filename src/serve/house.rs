//! What every request shares: the model, who may ask, the places, the limits, and what is counted.

use std::sync::Arc;
use std::time::Duration;

use super::guard::Access;
use super::metrics::Metrics;
use super::queue::Queue;
use crate::model::Model;

/// What a server takes on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests that are answered or wait at once; one more is told to come again.
    pub queue: usize,
    /// Bytes of a request.
    pub body: usize,
    /// How long an answer may take, waiting included.
    pub timeout: Duration,
    /// How long answers may continue after the server was told to stop.
    pub grace: Duration,
    /// Tokens of a chat's answer where the request names no number.
    pub default_tokens: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 64,
            body: 16 << 20,
            timeout: Duration::from_mins(10),
            grace: Duration::from_secs(30),
            default_tokens: 4096,
        }
    }
}

pub(super) struct House {
    pub model: Arc<dyn Model>,
    pub access: Access,
    pub limits: Limits,
    pub queue: Arc<Queue>,
    pub metrics: Metrics,
    /// When the server began, in seconds since 1970.
    pub since: i64,
}

impl House {
    pub(super) fn new(model: Arc<dyn Model>, access: Access, limits: Limits) -> Self {
        Self {
            model,
            access,
            queue: Arc::new(Queue::new(limits.queue)),
            limits,
            metrics: Metrics::default(),
            since: jiff::Timestamp::now().as_second(),
        }
    }

    /// The name that requests call the model by.
    pub(super) fn name(&self) -> &str {
        &self.model.identity().name
    }

    /// What represents the model's identity in answers.
    pub(super) fn fingerprint(&self) -> String {
        let fingerprint = &self.model.identity().fingerprint;
        format!("fp_{}", fingerprint.get(..16).unwrap_or(fingerprint))
    }
}
