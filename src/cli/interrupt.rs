//! Ctrl-C and SIGTERM.

use tokio::sync::watch;

use super::exit::Exit;
use super::terminal::{interactive, say};

/// Turns true at the first Ctrl-C or SIGTERM; a second Ctrl-C ends the process.
pub(super) fn interrupts() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        wait_for_signal().await;
        if interactive() {
            say("Stopping: what has been answered is being kept. Ctrl-C again to leave at once.");
        }
        let _ = stop.send(true);
        wait_for_signal().await;
        std::process::exit(Exit::Interrupted as i32);
    });
    stopped
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminate.recv() => {} }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
