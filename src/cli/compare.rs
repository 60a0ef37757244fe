//! `candor compare`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Format, print_grid, print_json, print_note};
use crate::analysis::{Dataset, Estimand, Measure, routes};
use crate::report::Comparisons;

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories; several are pooled.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Model to compare the others with [default: the first of two models; none with more]
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
    /// Compare only on these suites.
    #[arg(short, long = "suite", value_name = "SUITE", num_args = 1..)]
    suites: Vec<String>,
    /// Estimand: what the figures generalise to (population, suite or run).
    #[arg(long, alias = "target", value_name = "ESTIMAND", default_value_t)]
    estimand: Estimand,
    /// Cluster questions by this stratum instead of by the suite's clusters.
    #[arg(long, value_name = "STRATUM")]
    cluster_by: Option<String>,
    /// Output format.
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
    let mut comparisons = Comparisons::of(&asked, &suites, &models, baseline, arguments.estimand);
    comparisons.routes = routes(&data, &asked, &suites, arguments.estimand)?;
    match arguments.format {
        Format::Table => {
            if comparisons.baseline.is_some() {
                print_grid(&comparisons.grid());
                outln!();
            }
            if let Some(routes) = comparisons.routes_grid() {
                print_grid(&routes);
                outln!();
            }
            comparisons.notes().iter().for_each(|n| print_note(n));
            data.subsets().iter().for_each(|n| print_note(n));
        }
        Format::Markdown => out!("{}", comparisons.to_markdown()),
        Format::Json => print_json(&comparisons)?,
    }
    Ok(Exit::Done)
}
