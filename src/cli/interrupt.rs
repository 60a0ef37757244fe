//! Ctrl-C, SIGTERM and SIGHUP.

use tokio::sync::watch;

use super::exit::Exit;
use super::terminal::{interactive, say};

/// Turns true at the first Ctrl-C, SIGTERM or SIGHUP; a second one ends the process.
pub(super) fn interrupts() -> watch::Receiver<bool> {
    interrupts_saying("Stopping; all answers so far are kept. Press Ctrl-C again to quit at once.")
}

/// The same, with what is said at a terminal.
pub(super) fn interrupts_saying(what: &'static str) -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        wait_for_signal().await;
        if interactive() {
            say(what);
        }
        let _ = stop.send(true);
        wait_for_signal().await;
        std::process::exit(Exit::Interrupted as i32);
    });
    stopped
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    async fn received(signal: std::io::Result<Signal>) {
        match signal {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    }
    let hangup = async {
        if hangup_is_ignored() {
            std::future::pending::<()>().await;
        } else {
            received(signal(SignalKind::hangup())).await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = received(signal(SignalKind::terminate())) => {}
        () = hangup => {}
    }
}

/// Makes a write beyond the file size that the system allows this process (`ulimit -f`) fail like one to a full disk, instead of ending the
/// process. A signal with a listener does not end it, and tokio listens until the process ends.
pub(super) fn ignore_file_size_signal() {
    #[cfg(all(
        any(target_os = "linux", target_vendor = "apple", target_os = "freebsd"),
        not(any(target_arch = "mips", target_arch = "mips64"))
    ))]
    {
        use tokio::signal::unix::{SignalKind, signal};
        const SIGXFSZ: i32 = 25;
        if let Err(e) = signal(SignalKind::from_raw(SIGXFSZ)) {
            tracing::debug!("SIGXFSZ cannot be listened for: {e}");
        }
    }
}

/// Whether this process is meant to outlive its terminal, as with `nohup`. Where the system does not say, a stderr that is not a terminal
/// counts as such.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    use std::io::IsTerminal;
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    match ignored.map(|mask| u64::from_str_radix(mask.trim(), 16)) {
        Some(Ok(mask)) => mask & HANGUP != 0,
        _ => !std::io::stderr().is_terminal(),
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
