//! `candor baseline`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{Format, print_as, print_json};
use crate::analysis::Dataset;
use crate::gate::Side;
use crate::report::Grid;
use crate::store::{BASELINES, Baseline, Baselines, Output, RunDirectory, may_be_written};

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
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// A pinned baseline, and whether its run is what was pinned.
#[derive(Serialize)]
struct Pinned<'a> {
    name: &'a str,
    #[serde(flatten)]
    baseline: &'a Baseline,
    /// Why it cannot be used; none where the run is unchanged.
    problem: Option<String>,
}

impl Pinned<'_> {
    fn row(&self) -> Vec<String> {
        let suites = self.baseline.suites.iter();
        let suites: Vec<String> = suites.map(|(s, v)| format!("{s} {v}")).collect();
        vec![
            self.name.to_owned(),
            self.baseline.model.clone(),
            self.baseline.run.display().to_string(),
            self.baseline.pinned.strftime("%Y-%m-%d").to_string(),
            suites.join(", "),
            self.problem.clone().unwrap_or_else(|| "unchanged".into()),
        ]
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Set { name, run, store } => set(name, run, store),
        Command::Show { store, format } => show(store, *format),
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

fn show(store: &Path, format: Format) -> Result<Exit, Failure> {
    let baselines = Baselines::read(store)?;
    let pinned = baselines.iter().map(|(name, baseline)| Pinned {
        name,
        baseline,
        problem: baselines.open(name, baseline).err().map(|e| e.to_string()),
    });
    let pinned: Vec<Pinned> = pinned.collect();
    if format == Format::Json {
        print_json(&pinned)?;
    } else if pinned.is_empty() {
        outln!(
            "Nothing is pinned in {}. Pin a run with: candor baseline set NAME RUN",
            store.display()
        );
    } else {
        let heads = ["name", "model", "run", "pinned", "suites", "state"];
        let mut grid = Grid::new(&heads, &[]).spare(&["pinned", "suites"]);
        grid.rows.extend(pinned.iter().map(Pinned::row));
        print_as(&grid, format);
    }
    Ok(if pinned.iter().any(|p| p.problem.is_some()) {
        Exit::CouldNotRun
    } else {
        Exit::Done
    })
}
