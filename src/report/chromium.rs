//! A Chromium that is installed: headless, without a network, with a profile of its own that is thrown away. It prints what is for paper,
//! and draws charts as pixels.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Names of programs that do it, in the order tried.
const BROWSERS: [&str; 9] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];
/// The variable that names another.
const CHROMIUM: &str = "CANDOR_CHROMIUM";
/// How long it may take.
const MAX_DURATION: Duration = Duration::from_mins(3);

/// What Chromium may not do: reach a network, keep or fetch anything.
const ARGUMENTS: [&str; 12] = [
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
];

/// Has a browser do something with a page, and gives what it wrote to stdout. `is_done` says whether it has done it.
///
/// # Errors
/// Why it has not: there is no browser, it fails, or it does not end.
pub(super) fn run(
    page: &Path,
    arguments: &[OsString],
    is_done: &dyn Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, String> {
    let named = std::env::var_os(CHROMIUM).filter(|name| !name.is_empty());
    let candidates: Vec<PathBuf> = match named {
        Some(name) => vec![name.into()],
        None => BROWSERS.iter().map(PathBuf::from).collect(),
    };
    // Removed with the profile in it.
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let page = page.canonicalize().map_err(|e| e.to_string())?;
    for browser in &candidates {
        let cannot = |reason: String| format!("{}: {reason}", browser.display());
        let mut said = None;
        // As root, which containers are, Chromium has no sandbox of its own; the page is our own, and may load nothing.
        for sandbox in [&[][..], &["--no-sandbox"][..]] {
            let mut command = Command::new(browser);
            command.args(ARGUMENTS).args(sandbox).args(arguments);
            command.arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ));
            command.arg(format!("file://{}", page.display()));
            let Some(child) = start(command, folder.path()) else {
                break;
            };
            let ended = wait(child.map_err(|e| cannot(e.to_string()))?);
            let wrote = |name: &str| std::fs::read(folder.path().join(name)).unwrap_or_default();
            match ended {
                None => {
                    return Err(cannot(format!(
                        "did not end within {} s",
                        MAX_DURATION.as_secs()
                    )));
                }
                Some(status) => {
                    let made = wrote(STDOUT);
                    if status.success() && is_done(&made) {
                        return Ok(made);
                    }
                }
            }
            said = Some(String::from_utf8_lossy(&wrote(STDERR)).into_owned());
        }
        if let Some(said) = said {
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            return Err(cannot(last.unwrap_or("did nothing").to_owned()));
        }
    }
    Err(format!(
        "there is no Chromium or Chrome here; install one, or name it in {CHROMIUM}"
    ))
}

/// Files of what a browser writes: pipes that nobody empties would stop it.
const STDOUT: &str = "made";
const STDERR: &str = "said";

/// Starts a browser; none where there is no such program.
fn start(mut command: Command, folder: &Path) -> Option<std::io::Result<Child>> {
    let file = |name: &str| File::create(folder.join(name));
    let (made, said) = match (file(STDOUT), file(STDERR)) {
        (Ok(made), Ok(said)) => (made, said),
        (Err(error), _) | (_, Err(error)) => return Some(Err(error)),
    };
    command.stdin(Stdio::null()).stdout(made).stderr(said);
    match command.spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        started => Some(started),
    }
}

/// Waits for a browser, and ends it where it takes too long.
fn wait(mut child: Child) -> Option<ExitStatus> {
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if started.elapsed() < MAX_DURATION => {
                std::thread::sleep(Duration::from_millis(50));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
