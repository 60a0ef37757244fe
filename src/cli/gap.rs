//! `candor gap`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Format, lines, print_json};
use crate::analysis::{Dataset, gap_table};
use crate::report::{gap_grid, gap_markdown, gap_notes};

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories; several are pooled.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Strata to break the gap down by, jointly. Without matched controls, the gap is between a stratum's values.
    #[arg(long, value_name = "STRATUM", num_args = 1.., value_delimiter = ',')]
    by: Vec<String>,
    /// Reference value that others are compared with, e.g. us; several strata are joined as "us · en".
    #[arg(long, value_name = "VALUE")]
    reference: Option<String>,
    /// Model whose gaps the others' are compared with, pair by pair.
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
    /// Only these models.
    #[arg(short, long = "model", value_name = "MODEL", num_args = 1..)]
    models: Vec<String>,
    /// Only these suites.
    #[arg(short, long = "suite", value_name = "SUITE", num_args = 1..)]
    suites: Vec<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let data = Dataset::open(&arguments.runs)?;
    let baseline = arguments
        .baseline
        .as_deref()
        .map(|m| data.model(m))
        .transpose()?;
    let mut asked = data.asked(&data.headlines_of(&arguments.suites)?)?;
    if !arguments.models.is_empty() {
        let mut wanted: Vec<&str> = arguments
            .models
            .iter()
            .map(|m| data.model(m))
            .collect::<Result<_, _>>()?;
        wanted.extend(baseline);
        asked.scored.retain(|q| wanted.contains(&&*q.model));
        asked.missing.retain(|q| wanted.contains(&&*q.model));
    }
    let table = gap_table(
        &data,
        &asked,
        &arguments.by,
        arguments.reference.as_deref(),
        baseline,
    )?;
    match arguments.format {
        Format::Table => {
            out!("{}\n", lines(&gap_grid(&table)));
            for note in gap_notes(&table) {
                outln!("{note}");
            }
        }
        Format::Markdown => out!("{}", gap_markdown(&table)),
        Format::Json => print_json(&table)?,
    }
    Ok(Exit::Done)
}
