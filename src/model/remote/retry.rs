//! When a request is sent again: after a failure that may pass, as its server asks, and never all requests of an account at once.

use std::time::Duration;

use super::account::Account;
use super::pace::random;
use super::timeouts::Timeouts;
use crate::model::{ErrorClass, ModelError};

/// The longest wait between tries that no server asked for.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// Most that is added to a wait that a server asked for, so that not all who wait come back at the same moment.
const MAX_SPREAD: Duration = Duration::from_secs(5);
/// A wait beyond which figures say nothing: a hundred years.
const LIFETIME: Duration = Duration::from_hours(100 * 365 * 24);
/// The tries of one request.
pub(super) struct Tries<'a> {
    timeouts: &'a Timeouts,
    account: &'a Account,
    failed: u32,
    silent: u32,
}

impl<'a> Tries<'a> {
    pub(super) fn new(timeouts: &'a Timeouts, account: &'a Account) -> Self {
        Self {
            timeouts,
            account,
            failed: 0,
            silent: 0,
        }
    }

    /// How long to wait until the request may be sent again. None, and in the failure why, where that does not pass, was met too often,
    /// or its server asks for a longer wait than is granted. A server that asks for a pause gets it of all requests to the account.
    pub(super) fn wait_after(&mut self, error: &mut ModelError) -> Option<Duration> {
        if !error.class.is_transient() {
            return None;
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
            return None;
        }
        if self.failed > self.timeouts.retries {
            if self.failed > 1 {
                error.message = format!("{} (tried {} times)", error.message, self.failed);
            }
            return None;
        }
        let backoff = if self.account.takes_retry() {
            self.backoff()
        } else {
            self.longest_backoff()
        };
        let Some(asked) = error.retry_after else {
            if error.class == ErrorClass::RateLimited && self.account.limit().is_none() {
                self.account.pace.pause(backoff, backoff.min(MAX_SPREAD));
            }
            // Full jitter: from nothing to the whole backoff.
            return Some(backoff.mul_f64(random()));
        };
        let spread = backoff.max(asked / 4).min(MAX_SPREAD);
        self.account.pace.pause(asked, spread);
        Some(asked + spread.mul_f64(random()))
    }

    /// How long to wait before an answer without a word is asked for again; none where it has been asked for often enough.
    pub(super) fn wait_after_silence(&mut self) -> Option<Duration> {
        self.silent += 1;
        let backoff = self.backoff();
        (self.silent <= self.timeouts.empty_retries).then(|| backoff + backoff.mul_f64(random()))
    }

    /// How often the answer came without a word.
    pub(super) fn silences(&self) -> u32 {
        self.silent
    }

    /// The most that is waited before the next try: doubled at each.
    fn backoff(&self) -> Duration {
        let doublings = (self.failed + self.silent).saturating_sub(1).min(16);
        let first = self.timeouts.backoff_seconds.duration();
        first.saturating_mul(1 << doublings).min(MAX_BACKOFF)
    }

    /// The same at the last of the tries.
    fn longest_backoff(&self) -> Duration {
        let first = self.timeouts.backoff_seconds.duration();
        first
            .saturating_mul(1 << self.timeouts.retries.min(16))
            .min(MAX_BACKOFF)
    }
}
