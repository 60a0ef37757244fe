//! How fast a model in this process works, told once a second while it is asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::event::RunEvent;
use crate::model::{Activity, Model};

/// Time between two readings.
const EVERY: Duration = Duration::from_secs(1);

/// Reads what a model is at.
pub(super) struct Meter {
    model: Arc<dyn Model>,
    /// Its place in the plan.
    number: usize,
    last: Option<(Instant, Activity)>,
}

impl Meter {
    pub(super) fn new(model: &Arc<dyn Model>, number: usize) -> Self {
        let model = Arc::clone(model);
        let last = model.activity().map(|activity| (Instant::now(), activity));
        Self {
            model,
            number,
            last,
        }
    }

    /// Whether there is something to be read.
    pub(super) fn is_there(&self) -> bool {
        self.last.is_some()
    }

    /// When it is next to be read.
    pub(super) async fn due(&self) {
        let due = self.last.map_or_else(Instant::now, |(at, _)| at + EVERY);
        tokio::time::sleep_until(due.into()).await;
    }

    /// What happened since the last reading.
    pub(super) fn read(&mut self) -> Option<RunEvent> {
        let (before, then) = self.last?;
        let (at, now) = (Instant::now(), self.model.activity()?);
        self.last = Some((at, now));
        let tokens = now.read.saturating_sub(then.read);
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let rate = tokens as f64 / at.duration_since(before).as_secs_f64().max(1e-3);
        Some(RunEvent::Working {
            model: self.number,
            activity: now,
            tokens_per_second: rate,
        })
    }
}
