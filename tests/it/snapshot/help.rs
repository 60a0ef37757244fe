//! `--help` of every command.

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

#[test]
fn every_command_says_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let mut waiting = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let help = ran(terminal(home.path()).args(&path).arg("--help"))
            .exits_with(0)
            .stdout;
        waiting.extend(commands(&help).into_iter().map(|name| {
            let mut deeper: Vec<String> = path.clone();
            deeper.push(name);
            deeper
        }));
        let name: Vec<&str> = ["help"]
            .into_iter()
            .chain(path.iter().map(String::as_str))
            .collect();
        shows(&name.join("-"), &help);
        seen += 1;
    }
    assert!(seen > 25, "{seen} pages");
}
