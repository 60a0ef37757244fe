//! `candor compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::{Exit, Failure};
use super::output::lines;
use crate::analysis::{Dataset, Target};
use crate::report::Comparisons;

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories; several are read together.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The model that others are compared with [default: the first]
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
    /// Compare on these suites only.
    #[arg(short, long = "suite", value_name = "SUITE", num_args = 1..)]
    suites: Vec<String>,
    /// What the figures are about: population, suite or run.
    #[arg(long, default_value_t)]
    target: Target,
    /// Take questions of one value of this stratum as dependent, instead of the suite's clusters.
    #[arg(long, value_name = "STRATUM")]
    cluster_by: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a table is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// Columns for a terminal.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For pull requests and notes.
    Markdown,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let data = Dataset::open(&arguments.runs)?;
    let baseline = data.baseline(arguments.baseline.as_deref())?.to_owned();
    let mut metrics = data.headlines();
    if let Some(unknown) = arguments
        .suites
        .iter()
        .find(|s| metrics.iter().all(|m| m.suite != **s))
    {
        let known: Vec<&str> = data.suites.iter().map(|s| s.name.as_str()).collect();
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "there is no suite '{unknown}' in the run; its suites: {}",
                known.join(", ")
            ),
        ));
    }
    if !arguments.suites.is_empty() {
        metrics.retain(|m| arguments.suites.contains(&m.suite));
    }
    let mut asked = data.asked(&metrics)?;
    if let Some(stratum) = &arguments.cluster_by {
        data.cluster_by(&mut asked, stratum)?;
    }
    let suites: Vec<&str> = metrics.iter().map(|m| m.suite.as_str()).collect();
    let models: Vec<&str> = data
        .models
        .iter()
        .map(|m| m.identity.name.as_str())
        .collect();
    let comparisons = Comparisons::of(&asked, &suites, &models, &baseline, arguments.target);
    match arguments.format {
        Format::Table => {
            println!("{}", lines(&comparisons.grid()));
            println!();
            comparisons
                .notes()
                .iter()
                .for_each(|note| println!("{note}"));
        }
        Format::Markdown => print!("{}", comparisons.to_markdown()),
        Format::Json => print_json(&comparisons)?,
    }
    Ok(Exit::Done)
}

/// Prints a value as JSON.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::new(Exit::CouldNotRun, format!("cannot write JSON: {e}")))?;
    println!("{text}");
    Ok(())
}
