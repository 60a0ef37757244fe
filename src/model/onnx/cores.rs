//! The machine's cores, shared by the embedded models of the process: no more compute threads are at work than there are cores.
//!
//! Two models of as many threads as cores, running at once, would each wait for the other at every barrier, several times slower
//! than one after the other; and the times measured would be those of the contention.

use std::sync::{Condvar, LazyLock, Mutex, PoisonError};

static FREE: LazyLock<(Mutex<usize>, Condvar)> =
    LazyLock::new(|| (Mutex::new(total()), Condvar::new()));

fn total() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Cores that are taken until this is dropped.
pub(super) struct Taken(usize);

/// Waits until this many cores are free (at most all there are), and takes them.
pub(super) fn take(threads: usize) -> Taken {
    let wanted = threads.clamp(1, total());
    let (free, changed) = &*FREE;
    let mut left = free.lock().unwrap_or_else(PoisonError::into_inner);
    while *left < wanted {
        left = changed.wait(left).unwrap_or_else(PoisonError::into_inner);
    }
    *left -= wanted;
    Taken(wanted)
}

impl Drop for Taken {
    fn drop(&mut self) {
        let (free, changed) = &*FREE;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += self.0;
        changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{take, total};

    #[test]
    fn no_more_is_taken_than_there_is() {
        let at_work = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for i in 0..12 {
                let at_work = &at_work;
                scope.spawn(move || {
                    let threads = i % 4 + 1;
                    let _taken = take(threads);
                    let now = threads.min(total());
                    assert!(at_work.fetch_add(now, Ordering::SeqCst) + now <= total());
                    std::thread::sleep(std::time::Duration::from_millis(2));
                    at_work.fetch_sub(now, Ordering::SeqCst);
                });
            }
        });
    }
}
