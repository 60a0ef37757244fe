//! `--help` of every command.

use std::fmt::Write as _;
use std::path::Path;

use super::{shows, terminal};
use crate::support::ran;

/// The commands that a help page lists, without `help` itself.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .take_while(|line| *line != "Options:" && *line != "Arguments:")
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The help of every command: its name without `candor`, and the page. A command comes before its subcommands.
fn pages() -> Vec<(Vec<String>, String)> {
    let home = tempfile::tempdir().unwrap();
    let mut waiting = vec![Vec::new()];
    let mut pages = Vec::new();
    while let Some(path) = waiting.pop() {
        let help = ran(terminal(home.path()).args(&path).arg("--help"))
            .exits_with(0)
            .stdout;
        waiting.extend(commands(&help).into_iter().rev().map(|name| {
            let mut deeper: Vec<String> = path.clone();
            deeper.push(name);
            deeper
        }));
        pages.push((path, help));
    }
    pages
}

#[test]
fn every_command_says_what_it_is() {
    let pages = pages();
    for (path, help) in &pages {
        shows(&[&["help".to_owned()], &path[..]].concat().join("-"), help);
    }
    assert!(pages.len() > 25, "{} pages", pages.len());
}

#[test]
fn the_reference_in_the_documentation_is_what_help_prints() {
    let mut reference = String::from(
        "# The command line\n\nWhat `--help` prints for every command. `candor completions SHELL` writes completions for a shell; the exit codes are\n\
         0 done or gate passed, 1 gate failed, 2 usage or configuration, 3 inconclusive, 4 finished with failed trials, 5 could not run,\n\
         130 interrupted.\n",
    );
    for (path, help) in pages() {
        let name = [&["candor".to_owned()], &path[..]].concat().join(" ");
        let help = help.trim_end();
        write!(reference, "\n## {name}\n\n```text\n{help}\n```\n").unwrap();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&file, &reference).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == reference,
        "docs/cli.md is not current; write it with INSTA_UPDATE=always cargo test --test it snapshot::help"
    );
}
