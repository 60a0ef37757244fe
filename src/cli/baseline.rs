//! `candor baseline`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{add_row, table};
use crate::analysis::Dataset;
use crate::gate::Side;
use crate::store::{BASELINES, Baselines, Output, RunDirectory, may_be_written};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Pin a model of a run under a name, by the run's content hash.
    Set {
        /// Name for use in gate files.
        name: String,
        /// Run directory, with #MODEL if it has several models.
        #[arg(value_name = "RUN[#MODEL]")]
        run: String,
        /// File that holds the pins.
        #[arg(long, value_name = "FILE", default_value = BASELINES)]
        store: PathBuf,
    },
    /// List pinned baselines, and whether their runs are unchanged.
    Show {
        /// File that holds the pins.
        #[arg(long, value_name = "FILE", default_value = BASELINES)]
        store: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Set { name, run, store } => set(name, run, store),
        Command::Show { store } => show(store),
    }
}

/// A run's directory and the model behind its `#`.
pub(super) fn run_and_model(text: &str) -> (PathBuf, Option<String>) {
    if Path::new(text).is_dir() {
        return (PathBuf::from(text), None);
    }
    match text.split_once('#') {
        Some((run, model)) => (PathBuf::from(run), Some(model.to_owned())),
        None => (PathBuf::from(text), None),
    }
}

fn set(name: &str, text: &str, store: &Path) -> Result<Exit, Failure> {
    let (path, model) = run_and_model(text);
    may_be_written(store, Output::Other, &[&path])?;
    let data = Dataset::open(&[&path])?;
    let side = Side::of(&data, model.as_deref())?;
    let run = RunDirectory::open(&path)?;
    Baselines::read(store)?.pin(name, &run, side.model)?;
    outln!(
        "pinned {name}: {} of {}, in {}",
        side.model,
        path.display(),
        store.display()
    );
    Ok(Exit::Done)
}

fn show(store: &Path) -> Result<Exit, Failure> {
    let baselines = Baselines::read(store)?;
    let mut lines = table(&["name", "model", "run", "pinned", "suites", "state"]);
    let mut broken = false;
    for (name, baseline) in baselines.iter() {
        let state = match baselines.open(name, baseline) {
            Ok(_) => "unchanged".to_owned(),
            Err(error) => {
                broken = true;
                error.to_string()
            }
        };
        let suites: Vec<String> = baseline
            .suites
            .iter()
            .map(|(s, v)| format!("{s} {v}"))
            .collect();
        add_row(
            &mut lines,
            vec![
                name.clone(),
                baseline.model.clone(),
                baseline.run.display().to_string(),
                baseline.pinned.strftime("%Y-%m-%d").to_string(),
                suites.join(", "),
                state,
            ],
        );
    }
    if lines.is_empty() {
        outln!(
            "Nothing is pinned in {}. Pin a run with: candor baseline set NAME RUN",
            store.display()
        );
    } else {
        out!("{lines}\n");
    }
    Ok(if broken {
        Exit::CouldNotRun
    } else {
        Exit::Done
    })
}
