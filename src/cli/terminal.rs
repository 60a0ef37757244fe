//! The terminal: the one place that prints. What it prints can be foreign — an answer, a server's error, a suite's title — so whatever a
//! terminal would act on is made visible. A closed pipe, a full disk or a closed stderr ends the printing, and nothing else.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{MultiProgress, ProgressDrawTarget};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::text::{visible, visible_line};

pub(super) static BARS: LazyLock<MultiProgress> = LazyLock::new(|| {
    if interactive() {
        MultiProgress::new()
    } else {
        MultiProgress::with_draw_target(ProgressDrawTarget::hidden())
    }
});

/// Prints text of several lines to stdout: tables, JSON, Markdown; see [`print`].
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::terminal::print(&format!($($text)*)) };
}

/// Prints exactly one line to stdout, whatever it contains: a foreign name cannot start a line of its own, which a CI system could
/// read as a command.
macro_rules! outln {
    () => { $crate::cli::terminal::print("\n") };
    ($($text:tt)*) => {
        $crate::cli::terminal::print(&$crate::cli::terminal::line(&format!($($text)*)))
    };
}

/// A text as one line.
pub(super) fn line(text: &str) -> String {
    format!("{}\n", visible_line(text))
}

/// Writes text to stdout, with what a terminal would act on made visible. When stdout fails, printing ends, and the command continues to its
/// files and its exit code: quietly if the reader closed the pipe (`candor … | head`), else with a line on stderr.
pub(super) fn print(text: &str) {
    static GONE: AtomicBool = AtomicBool::new(false);
    if GONE.load(Ordering::Relaxed) {
        return;
    }
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(visible(text).as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(e) = written {
        GONE.store(true, Ordering::Relaxed);
        if e.kind() != std::io::ErrorKind::BrokenPipe {
            say(&format!(
                "cannot write to stdout ({e}); the rest is not printed"
            ));
        }
    }
}

/// Writes log lines to stderr without tearing the bars.
#[derive(Default)]
struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // The log's own colours are the only escape sequences left: tracing escapes those in messages.
        let text = String::from_utf8_lossy(bytes);
        let lines = text.trim_end().split("\u{1b}[");
        let shown: Vec<_> = lines.map(visible_line).collect();
        show(&format!("{}\n", shown.join("\u{1b}[")));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A line on stderr, above the bars, with what a terminal would act on made visible.
pub(super) fn say(text: &str) {
    show(&line(text));
}

/// Text on stderr, above the bars; its control characters are the caller's own.
pub(super) fn show(text: &str) {
    // A closed or full stderr does not stop the command.
    BARS.suspend(|| {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    });
}

/// Sets up log and error style, from verbosity and the usual variables.
pub(super) fn set_up(verbose: u8) {
    let level = match verbose {
        0 => "warn,ort=error",
        1 => "info,ort=warn",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("CANDOR_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LogWriter::default)
        .with_target(false)
        .without_time()
        .with_ansi(colour())
        .try_init();
}

/// An error for people. In colour, unless it contains something that a terminal would act on.
pub(super) fn render(error: &miette::Report) -> String {
    let plain = graphical(error, GraphicalTheme::unicode_nocolor());
    match visible(&plain) {
        Cow::Borrowed(_) if colour() => graphical(error, GraphicalTheme::unicode()),
        shown => shown.into_owned(),
    }
}

fn graphical(error: &miette::Report, theme: GraphicalTheme) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100);
    match handler.render_report(&mut text, error.as_ref()) {
        Ok(()) => text,
        Err(_) => format!("{error}\n"),
    }
}

/// Whether stderr takes colour.
pub(super) fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// How many columns stdout has: those of `COLUMNS` where it is set, else of the terminal; none in a file or a pipe.
pub(super) fn width() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    set.or_else(|| terminal_size::terminal_size_of(std::io::stdout()).map(|(w, _)| w.0.into()))
}

/// Whether stderr is a terminal that a bar may move on.
pub(super) fn interactive() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("CI").is_none_or(|v| v.is_empty())
}
