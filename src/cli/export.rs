//! `candor export`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::analysis::Dataset;
use crate::report::export::{export, formats};

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories; several are read together.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The table's format.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(formats()))]
    format: String,
    /// Where it goes.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// With prompt, answer and reasoning.
    #[arg(long)]
    transcripts: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    export(
        &Dataset::open(&arguments.runs)?,
        &arguments.format,
        arguments.transcripts,
        &arguments.output,
    )?;
    println!("{}", arguments.output.display());
    Ok(Exit::Done)
}
