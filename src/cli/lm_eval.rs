//! `candor lm-eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Format, print_json};
use crate::suite::{Checked, check_tasks};
use crate::text::visible_line;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load every task of a folder of task files, render each on a made-up row, and list those that cannot be used.
    Check {
        /// Folder of task files, such as `lm_eval/tasks`.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Only tasks whose names match: a name, or a pattern such as 'mmlu_*'
        #[arg(long, value_name = "GLOB")]
        tasks: Option<String>,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Command::Check {
        folder,
        tasks,
        format,
    } = arguments.command;
    let checked = check_tasks(&folder, tasks.as_deref()).map_err(crate::suite::SuiteError::from)?;
    match format {
        Format::Json => print_json(&as_json(&checked))?,
        Format::Table | Format::Markdown => print(&checked),
    }
    let wrong = checked
        .refused
        .iter()
        .any(|(_, error)| !error.is_unsupported());
    let well = checked.unreadable.is_empty() && !wrong && !checked.usable.is_empty();
    Ok(if well { Exit::Done } else { Exit::Usage })
}

fn print(checked: &Checked) {
    for (name, error) in &checked.refused {
        outln!(
            "{}: {}",
            visible_line(name),
            visible_line(&error.to_string())
        );
    }
    for error in &checked.unreadable {
        outln!("{}", visible_line(&error.to_string()));
    }
    let tasks = checked.usable.len() + checked.refused.len();
    let unsupported = checked
        .refused
        .iter()
        .filter(|(_, e)| e.is_unsupported())
        .count();
    outln!(
        "{} of {tasks} tasks load and render ({} files read); {unsupported} ask for what candor does not have, {} are wrong, {} files cannot be read.",
        checked.usable.len(),
        checked.files,
        checked.refused.len() - unsupported,
        checked.unreadable.len()
    );
}

fn as_json(checked: &Checked) -> serde_json::Value {
    let usable = checked.usable.iter().map(
        |(name, file, output)| json!({"task": name, "file": file, "output_type": output.name()}),
    );
    let refused = checked.refused.iter().map(|(name, error)| {
        json!({"task": name, "reason": error.to_string(), "unsupported": error.is_unsupported()})
    });
    let unreadable = checked.unreadable.iter().map(ToString::to_string);
    json!({
        "files": checked.files,
        "usable": usable.collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
        "unreadable": unreadable.collect::<Vec<_>>(),
    })
}
