//! PDF through a Chromium that is installed: headless, without a network, with a profile of its own that is thrown away.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::ReportError;

/// Names of programs that print, in the order tried.
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
pub const CHROMIUM: &str = "CANDOR_CHROMIUM";
/// How long a print may take.
const MOST: Duration = Duration::from_mins(3);

/// What Chromium may not do: reach a network, keep or fetch anything.
const ARGUMENTS: [&str; 13] = [
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
    "--no-pdf-header-footer",
];

/// Prints an HTML file to a PDF file.
///
/// # Errors
/// [`ReportError::File`] where there is no Chromium, or it does not print.
pub fn print(page: &Path, pdf: &Path) -> Result<(), ReportError> {
    let cannot = |reason: String| ReportError::file("cannot print", pdf, &reason);
    let named = std::env::var_os(CHROMIUM).filter(|name| !name.is_empty());
    let candidates: Vec<PathBuf> = match named {
        Some(name) => vec![name.into()],
        None => BROWSERS.iter().map(PathBuf::from).collect(),
    };
    // Removed with the profile in it; a file of an earlier print must not be taken for this one's.
    let folder = tempfile::tempdir().map_err(|e| cannot(e.to_string()))?;
    let printed = folder.path().join("report.pdf");
    let page = page.canonicalize().map_err(|e| cannot(e.to_string()))?;
    for browser in &candidates {
        let mut said = String::new();
        // As root, which containers are, Chromium has no sandbox of its own; the page has no script and may load nothing.
        for sandbox in [&[][..], &["--no-sandbox"][..]] {
            let Some(child) = start(browser, sandbox, folder.path(), &printed, &page) else {
                break;
            };
            let child = child.map_err(|e| cannot(format!("{}: {e}", browser.display())))?;
            let (ended, words) = wait(child, &folder.path().join("said"));
            said = words;
            match ended {
                None => {
                    let seconds = MOST.as_secs();
                    return Err(cannot(format!(
                        "{} did not end within {seconds} s",
                        browser.display()
                    )));
                }
                Some(status) if status.success() && printed.is_file() => {
                    return std::fs::copy(&printed, pdf)
                        .map(drop)
                        .map_err(|e| cannot(e.to_string()));
                }
                Some(_) => {}
            }
        }
        if !said.is_empty() {
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            return Err(cannot(format!(
                "{} did not print: {}",
                browser.display(),
                last.unwrap_or_default()
            )));
        }
    }
    Err(cannot(format!(
        "there is no Chromium or Chrome here; install one, or name it in {CHROMIUM}. `candor report --print` writes the same pages as HTML, which any browser prints"
    )))
}

/// Starts a browser; none where there is no such program.
fn start(
    browser: &Path,
    sandbox: &[&str],
    folder: &Path,
    pdf: &Path,
    page: &Path,
) -> Option<std::io::Result<Child>> {
    let said = match std::fs::File::create(folder.join("said")) {
        Ok(file) => file,
        Err(error) => return Some(Err(error)),
    };
    let mut command = Command::new(browser);
    command.args(ARGUMENTS).args(sandbox);
    command.arg(format!(
        "--user-data-dir={}",
        folder.join("profile").display()
    ));
    command.arg(format!("--print-to-pdf={}", pdf.display()));
    command.arg(format!("file://{}", page.display()));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said);
    match command.spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        started => Some(started),
    }
}

/// Waits for a browser, and ends it where it takes too long; with what it said.
fn wait(mut child: Child, said: &Path) -> (Option<ExitStatus>, String) {
    let started = Instant::now();
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if started.elapsed() < MOST => std::thread::sleep(Duration::from_millis(50)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    let said = std::fs::read(said).unwrap_or_default();
    (ended, String::from_utf8_lossy(&said).into_owned())
}
