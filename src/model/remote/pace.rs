//! The pause that all requests to one account keep, and the chance by which they do not all come back at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::TryRng;
use rand::rngs::SysRng;

/// The pause that all requests to one account keep where its server asks for one.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pause: Mutex<Option<Pause>>,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Instant,
    /// Those who waited continue within so long after it.
    spread: Duration,
}

impl Pace {
    /// Ends when the pause is over; at once if there is none.
    pub(super) async fn ready(&self) {
        while let Some(pause) = self.current() {
            tokio::time::sleep_until(pause.until.into()).await;
            tokio::time::sleep(pause.spread.mul_f64(random())).await;
        }
    }

    fn current(&self) -> Option<Pause> {
        let pause = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.filter(|p| p.until > Instant::now())
    }

    pub(super) fn pause(&self, wait: Duration, spread: Duration) {
        let Some(until) = Instant::now().checked_add(wait) else {
            return;
        };
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.is_none_or(|p| p.until < until) {
            *pause = Some(Pause { until, spread });
        }
    }
}

/// A number from 0 to below 1.
pub(super) fn random() -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let share = |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64;
    SysRng.try_next_u64().map_or(0.5, share)
}
