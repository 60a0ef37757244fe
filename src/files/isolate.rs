//! Isolated work on foreign data: on a thread with a deep stack, whose panics become errors.
//!
//! Formats nest, and libraries follow them by recursion; what is built by a million nestings is also dropped by recursion. Some decoders
//! assert where they might return errors. Neither shall end the process.

use std::sync::Once;

/// Stack of the thread. Only what is used of it takes memory.
const STACK_BYTES: usize = 256 << 20;

const NAME: &str = "candor-isolated";

/// The work panicked, or no thread could be had for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not well-formed")]
pub struct Panicked;

/// Does the work on its own thread, and waits for it. It costs about 50 µs.
///
/// # Errors
/// [`Panicked`] if it panics; nothing is printed of it.
pub fn isolate<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Panicked> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() != Some(NAME) {
                usual(panic);
            }
        }));
    });
    let thread = std::thread::Builder::new()
        .name(NAME.into())
        .stack_size(STACK_BYTES);
    std::thread::scope(|scope| {
        let running = thread.spawn_scoped(scope, work).map_err(|_| Panicked)?;
        running.join().map_err(|_| Panicked)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_has_room_and_a_panic_is_an_error() {
        fn depth(n: u64) -> u64 {
            if n == 0 {
                0
            } else {
                1 + std::hint::black_box(depth(n - 1))
            }
        }
        assert_eq!(isolate(|| depth(500_000)), Ok(500_000));
        assert_eq!(isolate(|| -> u8 { panic!("no") }), Err(Panicked));
    }
}
