//! An allowance per minute, of requests or of tokens, spent evenly.

use std::time::{Duration, Instant};

/// What may be spent at once after a pause, as a share of a minute.
const BURST: Duration = Duration::from_secs(6);

/// The allowance. Pure: the time comes from outside.
#[derive(Debug)]
pub(super) struct Bucket {
    per_minute: f64,
    /// When everything taken so far has been earned.
    earned: Option<Instant>,
}

impl Bucket {
    /// So many per minute, above 0.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn per_minute(amount: u64) -> Self {
        Self {
            per_minute: amount.max(1) as f64,
            earned: None,
        }
    }

    /// Takes an amount, and says how long to wait for it.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn take(&mut self, amount: u64, now: Instant) -> Duration {
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let from = self.earned.map_or(earliest, |at| at.max(earliest));
        let span = Duration::from_secs_f64(amount as f64 * 60.0 / self.per_minute);
        let earned = from + span;
        self.earned = Some(earned);
        earned.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_kept_over_any_minute_but_for_its_burst() {
        let (mut bucket, start) = (Bucket::per_minute(600), Instant::now());
        let mut now = start;
        let mut sent = 0;
        while now < start + Duration::from_mins(2) {
            now += bucket.take(1, now);
            sent += 1;
        }
        assert!((1200..=1262).contains(&sent), "{sent}");
    }

    #[test]
    fn what_is_taken_at_once_is_paid_for_by_those_that_follow() {
        let (mut bucket, now) = (Bucket::per_minute(1000), Instant::now());
        assert_eq!(bucket.take(100, now), Duration::ZERO);
        let wait = bucket.take(500, now).as_secs_f64();
        assert!((29.9..30.1).contains(&wait), "{wait}");
    }
}
