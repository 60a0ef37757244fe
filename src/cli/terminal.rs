//! The terminal: what it can show, the log, and the bars that the log must not tear.

use std::io::{IsTerminal, Write};
use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressDrawTarget};

pub(super) static BARS: LazyLock<MultiProgress> = LazyLock::new(|| {
    if interactive() {
        MultiProgress::new()
    } else {
        MultiProgress::with_draw_target(ProgressDrawTarget::hidden())
    }
});

/// Writes log lines to stderr without tearing the bars.
#[derive(Default)]
struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        BARS.suspend(|| std::io::stderr().write_all(bytes))
            .map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// A line on stderr, above the bars.
pub(super) fn say(line: &str) {
    BARS.suspend(|| eprintln!("{line}"));
}

/// Ends quietly where the reader of stdout has gone (`candor … | head`), instead of as a defect.
fn end_with_the_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

/// Sets up log and error style, from verbosity and the usual variables.
pub(super) fn set_up(verbose: u8) {
    end_with_the_reader();
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
    let _ = miette::set_hook(Box::new(|_| {
        Box::new(
            miette::MietteHandlerOpts::new()
                .color(colour())
                .unicode(true)
                .width(100)
                .terminal_links(false)
                .build(),
        )
    }));
}

/// Whether stderr takes colour.
pub(super) fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Whether stderr is a terminal that a bar may move on.
pub(super) fn interactive() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("CI").is_none_or(|v| v.is_empty())
}
