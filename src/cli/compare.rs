//! `candor compare`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Format, lines, print_json};
use crate::analysis::{Dataset, Measure, Target};
use crate::report::Comparisons;

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories; several are read together.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The model that others are compared with [default: of two models the first; of more, none]
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

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let data = Dataset::open(&arguments.runs)?;
    let baseline = data.baseline(arguments.baseline.as_deref())?;
    let metrics = data.headlines_of(&arguments.suites)?;
    let mut asked = data.asked(&metrics)?;
    if let Some(stratum) = &arguments.cluster_by {
        data.cluster_by(&mut asked, stratum)?;
    }
    let suites: Vec<(&str, Measure)> = metrics
        .iter()
        .map(|m| (m.suite.as_str(), data.measure(&m.suite)))
        .collect();
    let models: Vec<&str> = data.names().collect();
    let comparisons = Comparisons::of(&asked, &suites, &models, baseline, arguments.target);
    match arguments.format {
        Format::Table => {
            if comparisons.baseline.is_some() {
                out!("{}\n\n", lines(&comparisons.grid()));
            }
            comparisons.notes().iter().for_each(|note| outln!("{note}"));
            data.subsets().iter().for_each(|note| outln!("{note}"));
        }
        Format::Markdown => out!("{}", comparisons.to_markdown()),
        Format::Json => print_json(&comparisons)?,
    }
    Ok(Exit::Done)
}
