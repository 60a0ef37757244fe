//! The logs of a run.

use std::sync::Arc;

use crate::store::{Recording, TrafficLog};

/// Where what happens on the way to answers is kept, besides the journal.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    /// Retries and changes of limits.
    pub traffic: Option<Arc<TrafficLog>>,
    /// Raw exchanges.
    pub recording: Option<Arc<Recording>>,
}
