//! The first page of help: the subcommands in groups, in the order in which a user needs them, and where to start.

use std::fmt::Write;

/// Every subcommand in one group.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Ask models",
        &["demo", "run", "merge", "score", "import", "serve"],
    ),
    (
        "Read answers",
        &[
            "report",
            "view",
            "compare",
            "gap",
            "label",
            "calibrate",
            "export",
            "verify",
        ],
    ),
    ("Decide", &["gate", "plan-size", "baseline"]),
    (
        "Set up",
        &[
            "suites",
            "lm-eval",
            "models",
            "runtime",
            "init",
            "doctor",
            "completions",
        ],
    ),
];

const EXAMPLES: &str = "\
Start here:
  candor demo                                         audit two small models, in a minute
  candor run -s gsm8k -m openai:gpt-4o --dry-run      what a run would ask and cost
  candor run -s gsm8k -m openai:gpt-4o --limit 200    run it, and write the report
  candor gate --candidate NEW --baseline OLD          decide whether the new run can ship
";

/// The widest name of a subcommand, and the blanks around it.
const NAMES: usize = 15;
/// Where lines are wrapped, as clap does where it does not know the terminal.
const WIDTH: usize = 100;

/// A command whose help lists its subcommands in groups.
pub(super) fn grouped(command: clap::Command) -> clap::Command {
    let mut listed = String::new();
    for (group, names) in GROUPS {
        let _ = writeln!(listed, "{group}:");
        for name in names {
            let about = command.find_subcommand(name).and_then(|c| c.get_about());
            let about = about.map(ToString::to_string).unwrap_or_default();
            let head = format!("  {name:<width$}", width = NAMES - 2);
            let folds =
                textwrap::Options::new(super::terminal::width().unwrap_or(WIDTH).clamp(40, 110));
            let folds = folds.initial_indent(&head);
            let indent = " ".repeat(NAMES);
            for line in textwrap::wrap(&about, folds.subsequent_indent(&indent)) {
                let _ = writeln!(listed, "{line}");
            }
        }
        listed.push('\n');
    }
    command.help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{listed}Options:\n{{options}}\n\n{EXAMPLES}"
    ))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_subcommand_is_in_one_group() {
        let command = crate::cli::Cli::command();
        let mut all: Vec<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        let mut grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        all.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(all, grouped);
    }
}
