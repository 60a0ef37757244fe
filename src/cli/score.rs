//! `candor score`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::settings::Settings;
use crate::run::rescore;
use crate::store::RunDirectory;

#[derive(Args)]
pub(super) struct Arguments {
    /// The run's directory.
    run: PathBuf,
    /// Scorers to use instead of the suites' own.
    #[arg(short, long = "scorer", value_name = "SCORER", num_args = 1..)]
    scorers: Vec<String>,
    /// Settings [default: candor.toml, if there is one]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let settings = Settings::read(arguments.config.as_deref(), true)?;
    let mut run = RunDirectory::open(&arguments.run)?;
    let scored = rescore(&mut run, &arguments.scorers, &settings.data).await?;
    println!(
        "{scored} answers scored again; no model was asked. {} is written anew.",
        run.table(crate::store::SCORES).display()
    );
    Ok(Exit::Done)
}
