//! Places for the requests that are being answered or wait: no more are let in than there are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest wait that a client is asked for.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// Weight of the newest request in the mean duration.
const NEWEST: f64 = 0.2;

/// The places of a server.
pub(super) struct Queue {
    places: usize,
    free: Arc<Semaphore>,
    refused: AtomicU64,
    /// Mean time that a request keeps its place, in seconds; none before the first has left.
    mean: Mutex<Option<f64>>,
}

/// A place that is taken until this is dropped.
pub(super) struct Place {
    queue: Arc<Queue>,
    since: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Queue {
    pub(super) fn new(places: usize) -> Self {
        Self {
            places,
            free: Arc::new(Semaphore::new(places)),
            refused: AtomicU64::new(0),
            mean: Mutex::new(None),
        }
    }

    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// Requests that have a place.
    pub(super) fn taken(&self) -> usize {
        self.places.saturating_sub(self.free.available_permits())
    }

    /// Requests that got none.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Takes a place.
    ///
    /// # Errors
    /// How long it takes until one is free, as far as the requests so far tell, in whole seconds.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Place, Duration> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            Ok(Place {
                queue: Arc::clone(self),
                since: Instant::now(),
                _permit: permit,
            })
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            Err(self.wait())
        }
    }

    /// Of this many requests that stay a while each, one leaves every so-many-th part of that while.
    fn wait(&self) -> Duration {
        let mean = *self.mean.lock().unwrap_or_else(PoisonError::into_inner);
        #[allow(clippy::cast_precision_loss)] // a few thousand at most
        let seconds = mean.unwrap_or(1.0) / self.places.max(1) as f64;
        let seconds = seconds.ceil().clamp(1.0, MAX_WAIT.as_secs_f64());
        Duration::from_secs_f64(seconds)
    }

    fn left_after(&self, seconds: f64) {
        let mut mean = self.mean.lock().unwrap_or_else(PoisonError::into_inner);
        *mean = Some(mean.map_or(seconds, |mean| mean + NEWEST * (seconds - mean)));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.left_after(self.since.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_says_when_a_place_will_be_free() {
        let queue = Arc::new(Queue::new(2));
        let first = queue.enter();
        let second = queue.enter();
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(queue.taken(), 2);
        assert_eq!(queue.enter().err(), Some(Duration::from_secs(1)));
        assert_eq!(queue.refused(), 1);
        drop(first);
        assert!(queue.enter().is_ok());
        // Two requests of a minute each: one leaves every half minute.
        let slow = Arc::new(Queue::new(2));
        slow.left_after(60.0);
        let _places = (slow.enter(), slow.enter());
        assert_eq!(slow.enter().err(), Some(Duration::from_secs(30)));
    }
}
