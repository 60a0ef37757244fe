//! `candor lm-eval`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::output::{Format, print_json};
use crate::files::PlainPath;
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
        /// Write the made-up rows as documents, DIR/TASK/SPLIT.jsonl, to try a run out without the tasks' datasets.
        #[arg(long, value_name = "DIR")]
        write_rows: Option<PathBuf>,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Command::Check {
        folder,
        tasks,
        write_rows,
        format,
    } = arguments.command;
    let checked = check_tasks(&folder, tasks.as_deref()).map_err(crate::suite::SuiteError::from)?;
    if let Some(folder) = &write_rows {
        write_documents(&checked, folder)?;
    }
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

/// Writes the made-up documents of every task that can be used.
fn write_documents(checked: &Checked, folder: &Path) -> Result<(), Failure> {
    for usable in &checked.usable {
        for (split, rows) in usable.documents() {
            let place: PlainPath = format!("{}/{split}.jsonl", usable.task)
                .parse()
                .map_err(|e| Failure::new(Exit::Usage, format!("{}: {e}", usable.task)))?;
            let path = place.below(folder);
            let lines = rows.into_iter().map(|row| Value::Object(row).to_string());
            let text: String = lines.map(|line| line + "\n").collect();
            let made = std::fs::create_dir_all(path.parent().unwrap_or(folder));
            made.and_then(|()| std::fs::write(&path, text))
                .map_err(|e| {
                    let why = format!("cannot write {}: {e}", path.display());
                    Failure::new(Exit::CouldNotRun, why)
                })?;
        }
    }
    Ok(())
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
    let usable = checked
        .usable
        .iter()
        .map(|u| json!({"task": u.task, "file": u.file, "output_type": u.output.name()}));
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
