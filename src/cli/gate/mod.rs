//! `candor gate`.

mod against;
mod outlets;
mod run;
mod self_check;

use clap::{Args, Subcommand};

use super::baseline::run_and_model;
use super::exit::{Exit, Failure};
use crate::gate::{GateFile, judge};
use crate::report::gate::influential_questions;
use against::Opened;
use outlets::Outlets;

pub(super) use against::{GateArguments, open_baseline};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    judge: JudgeArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Query a model only until the gate is decided.
    Run(run::Arguments),
}

#[derive(Args)]
struct JudgeArguments {
    #[command(flatten)]
    gate: GateArguments,
    /// Candidate run, with #MODEL if it has several models.
    #[arg(
        long,
        value_name = "RUN[#MODEL]",
        required_unless_present = "self_check"
    )]
    candidate: Option<String>,
    /// Estimate how often this gate would raise a false alarm, from a run's own epochs.
    #[arg(long, value_name = "RUN[#MODEL]", conflicts_with = "candidate")]
    self_check: Option<String>,
    #[command(flatten)]
    outlets: Outlets,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    if let Some(Command::Run(arguments)) = arguments.command {
        return run::run(arguments).await;
    }
    let JudgeArguments {
        gate: chosen,
        candidate,
        self_check,
        outlets,
    } = arguments.judge;
    let gate = GateFile::read(&chosen.policy)?;
    if let Some(run) = self_check {
        return self_check::run(&gate, &run);
    }
    let candidate = candidate.unwrap_or_default();
    outlets.check(&chosen, &gate, Some(&run_and_model(&candidate).0))?;
    let candidate = Opened::of(&candidate)?;
    let baseline = open_baseline(&gate, &chosen)?;
    let outcome = judge(
        &gate,
        candidate.side()?,
        baseline.as_ref().map(Opened::side).transpose()?,
        &chosen.allow_drift,
    )?;
    let influential = influential_questions(
        &outcome,
        &candidate.data,
        baseline.as_ref().map(|b| &b.data),
    )?;
    outlets.report(&outcome, &influential, &chosen.policy)
}
