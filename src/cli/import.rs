//! `candor import`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::run::import::{formats, import};

#[derive(Args)]
pub(super) struct Arguments {
    /// Format of the recordings.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(formats()))]
    format: String,
    /// Files or folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run directory to create.
    #[arg(short, long, value_name = "RUN")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (run, imported) = import(&arguments.format, &arguments.paths, &arguments.output)?;
    outln!(
        "imported {} answers by {} models on {} suites into {}",
        imported.trials,
        imported.models,
        imported.suites,
        run.path.display()
    );
    Ok(Exit::Done)
}
