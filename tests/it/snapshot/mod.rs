//! What candor prints, kept word for word: a change shows in `tests/snapshots` and is reviewed like code.
//!
//! After a change that is meant: `INSTA_UPDATE=always cargo test --test it snapshot`, and look at the difference.

mod errors;
mod figures;
mod gate_forms;
mod help;
pub mod report;
mod worlds;

use std::path::Path;
use std::sync::LazyLock;

use assert_cmd::Command;
use fancy_regex::Regex;

use crate::support::{candor, ran};

/// What differs from run to run, and what stands for it.
static REDACTED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b[0-9a-f]{64}\b", "[HASH]"),
        (
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|Z)?",
            "[TIME]",
        ),
        (r"\bin \d+(\.\d+)? (ms|s|min)\b", "in [SECONDS]"),
        (r"ONNX Runtime \d+\.\d+\.\d+", "ONNX Runtime [VERSION]"),
    ]
    .map(|(pattern, instead)| (Regex::new(pattern).expect("a pattern"), instead))
    .into()
});

/// Holds a text against its snapshot, without what differs from run to run.
pub fn shows(name: &str, text: &str) {
    let mut text = text.replace(
        concat!("candor ", env!("CARGO_PKG_VERSION")),
        "candor [VERSION]",
    );
    for (pattern, instead) in REDACTED.iter() {
        text = pattern.replace_all(&text, *instead).into_owned();
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The binary as a person at a terminal of 100 columns has it.
fn terminal(home: &Path) -> Command {
    let mut command = candor(home);
    command.env("COLUMNS", "100");
    command
}

/// A command line with its exit code and what it prints, as it would stand in a page of documentation.
fn transcript(home: &Path, arguments: &[&str]) -> String {
    transcript_at(100, home, arguments)
}

/// The same at a terminal of so many columns.
fn transcript_at(columns: usize, home: &Path, arguments: &[&str]) -> String {
    let mut command = terminal(home);
    let ran = ran(command.args(arguments).env("COLUMNS", columns.to_string()));
    let words = arguments.iter().map(|word| {
        if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "'\"*?&".contains(c)) {
            format!("'{word}'")
        } else {
            (*word).to_owned()
        }
    });
    let line = words.collect::<Vec<_>>().join(" ");
    format!(
        "$ candor {line}\nexit code {}\n{}{}",
        ran.code, ran.stdout, ran.stderr
    )
}
