//! When a request is sent again: after a failure that may pass, as its server asks, and never all requests of a model at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::TryRng;
use rand::rngs::SysRng;

use super::timeouts::Timeouts;
use crate::model::{ErrorClass, ModelError};

/// The longest wait between tries that no server asked for.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// Most that is added to a wait that a server asked for, so that not all who wait come back at the same moment.
const MAX_SPREAD: Duration = Duration::from_secs(5);
/// A wait beyond which figures say nothing: a hundred years.
const LIFETIME: Duration = Duration::from_hours(100 * 365 * 24);
/// How often an answer without a word is asked for again.
const SILENCES: u32 = 2;

/// The pause that all requests to one model keep once its server said that there are too many.
#[derive(Default)]
pub(super) struct Pace {
    pause: Mutex<Option<Pause>>,
}

#[derive(Clone, Copy)]
struct Pause {
    until: Instant,
    /// Those who waited go on within so long after it.
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

    fn pause(&self, wait: Duration, spread: Duration) {
        let Some(until) = Instant::now().checked_add(wait) else {
            return;
        };
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.is_none_or(|p| p.until < until) {
            *pause = Some(Pause { until, spread });
        }
    }
}

/// The tries of one request.
pub(super) struct Tries<'a> {
    timeouts: &'a Timeouts,
    pace: &'a Pace,
    failed: u32,
    silent: u32,
}

impl<'a> Tries<'a> {
    pub(super) fn new(timeouts: &'a Timeouts, pace: &'a Pace) -> Self {
        Self {
            timeouts,
            pace,
            failed: 0,
            silent: 0,
        }
    }

    /// Waits until the request may be sent again. Says no, and in the failure why, where that does not pass, was met too often, or its
    /// server asks for a longer wait than is granted.
    pub(super) async fn again_after(&mut self, error: &mut ModelError) -> bool {
        if !error.class.is_transient() {
            return false;
        }
        self.failed += 1;
        let longest = self.timeouts.longest_wait_seconds;
        if let Some(asked) = error.retry_after.filter(|a| *a > longest.duration()) {
            let asked = if asked > LIFETIME {
                "longer than a lifetime".to_owned()
            } else {
                format!("{} s", asked.as_secs())
            };
            error.message = format!(
                "{}. It asks to wait {asked}; candor waits at most {longest} s (longest_wait_seconds under [http] in candor.toml)",
                error.message
            );
            return false;
        }
        if self.failed > self.timeouts.retries {
            if self.failed > 1 {
                error.message = format!("{} (tried {} times)", error.message, self.failed);
            }
            return false;
        }
        let backoff = self.backoff();
        let spread = backoff
            .max(error.retry_after.unwrap_or_default() / 4)
            .min(MAX_SPREAD);
        let wait = error.retry_after.unwrap_or(Duration::ZERO).max(backoff);
        if error.class == ErrorClass::RateLimited || error.retry_after.is_some() {
            self.pace.pause(wait, spread);
        }
        tokio::time::sleep(wait + spread.mul_f64(random())).await;
        true
    }

    /// Waits before an answer without a word is asked for again; says no where it has been asked for often enough.
    pub(super) async fn again_after_silence(&mut self) -> bool {
        self.silent += 1;
        let again = self.silent <= SILENCES.min(self.timeouts.retries);
        if again {
            let backoff = self.backoff();
            tokio::time::sleep(backoff + backoff.mul_f64(random())).await;
        }
        again
    }

    /// The wait before the next try: doubled at each.
    fn backoff(&self) -> Duration {
        let doublings = (self.failed + self.silent).saturating_sub(1).min(16);
        let first = self.timeouts.backoff_seconds.duration();
        first.saturating_mul(1 << doublings).min(MAX_BACKOFF)
    }
}

/// A number from 0 to below 1.
fn random() -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let share = |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64;
    SysRng.try_next_u64().map_or(0.5, share)
}
