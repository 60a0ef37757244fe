//! The command line: one file a subcommand — arguments in, one library call, printing out. stdout carries the answer, stderr
//! the progress and the log.

#[macro_use]
mod terminal;

mod asking;
mod baseline;
mod calibrate;
mod compare;
mod completions;
mod demo;
mod doctor;
mod dry_run;
mod exit;
mod export;
mod filter;
mod gap;
mod gate;
mod import;
mod init;
mod interrupt;
mod label;
mod models;
mod output;
mod plan_size;
mod progress;
mod report;
mod run;
mod runtime;
mod score;
mod settings;
mod suites;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::{Exit, Failure};

use crate::text::visible_line;

/// Evaluates and audits language models: in this process, over HTTP, or from recorded answers.
#[derive(Parser)]
#[command(
    name = "candor",
    version,
    propagate_version = true,
    max_term_width = 110,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say more on stderr; twice for still more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Two small models, four suites, one report: a whole audit in a minute, with nothing to set up.
    Demo(demo::Arguments),
    /// Put suites to models, and write a run with its report.
    Run(run::Arguments),
    /// Score a run's answers again, without asking any model again.
    Score(score::Arguments),
    /// Write the report of one or more runs.
    Report(report::Arguments),
    /// Models beside a baseline on shared questions, and which cannot be told apart.
    Compare(compare::Arguments),
    /// What is withheld on sensitive questions beyond their controls, by jurisdiction, language or any stratum, and how models differ.
    Gap(gap::Arguments),
    /// A page on which a person labels a sample of a run's answers, by keyboard and without the models' names.
    Label(label::Arguments),
    /// How a run's labels hold against a person's or another judge's, and rates with their errors taken out.
    Calibrate(calibrate::Arguments),
    /// May this version ship? Rules over a run and a pinned baseline; exit 0 pass, 1 fail, 3 cannot tell.
    Gate(Box<gate::Arguments>),
    /// How many questions and repeats a gate needs, and what they cost, before anything is spent.
    PlanSize(plan_size::Arguments),
    /// Pinned baselines that gates hold runs against.
    Baseline(baseline::Arguments),
    /// The suites there are, and whether yours are well written.
    Suites(suites::Arguments),
    /// Whether a model can be loaded and asked.
    Models(models::Arguments),
    /// ONNX Runtime on this machine.
    Runtime(runtime::Arguments),
    /// Turn other tools' recorded answers into a run.
    Import(import::Arguments),
    /// Write a run as a table for other tools.
    Export(export::Arguments),
    /// Whether a zip of evidence is what was written: its hashes, and the figures computed again.
    Verify(verify::Arguments),
    /// Write a gate and a CI job into a project.
    Init(init::Arguments),
    /// Check what this machine has of what candor uses.
    Doctor(doctor::Arguments),
    /// Completions for a shell.
    Completions(completions::Arguments),
}

/// Prints a usage error. It repeats arguments, and those may be somebody else's words: it is made again of arguments in which everything is
/// visible, and so keeps clap's colours.
fn usage(error: &clap::Error) -> ExitCode {
    let visible = std::env::args_os().map(|a| visible_line(&a.to_string_lossy()).into_owned());
    match Cli::try_parse_from(visible) {
        Err(again) if again.kind() == error.kind() => drop(again.print()),
        _ => terminal::show(&crate::text::visible(&error.render().to_string())),
    }
    Exit::Usage.into()
}

/// Runs the command line and turns its result into an exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap prints help and version to stdout with 0, usage errors to stderr with 2.
        Err(error) if error.use_stderr() => return usage(&error),
        Err(error) => {
            let _ = error.print();
            return Exit::Done.into();
        }
    };
    terminal::set_up(cli.verbose);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::new(
                Exit::CouldNotRun,
                format!("the asynchronous runtime does not start: {error}"),
            )
            .show();
        }
    };
    let result = runtime.block_on(async {
        interrupt::ignore_file_size_signal();
        match cli.command {
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Run(arguments) => run::run(arguments).await,
            Command::Score(arguments) => score::run(arguments).await,
            Command::Report(arguments) => report::run(&arguments),
            Command::Compare(arguments) => compare::run(&arguments),
            Command::Gap(arguments) => gap::run(&arguments),
            Command::Label(arguments) => label::run(&arguments).await,
            Command::Calibrate(arguments) => calibrate::run(&arguments),
            Command::Gate(arguments) => gate::run(*arguments).await,
            Command::PlanSize(arguments) => plan_size::run(&arguments),
            Command::Baseline(arguments) => baseline::run(&arguments),
            Command::Suites(arguments) => suites::run(arguments).await,
            Command::Models(arguments) => models::run(arguments).await,
            Command::Runtime(arguments) => runtime::run(&arguments),
            Command::Import(arguments) => import::run(&arguments),
            Command::Export(arguments) => export::run(&arguments),
            Command::Verify(arguments) => verify::run(&arguments),
            Command::Init(arguments) => init::run(&arguments),
            Command::Doctor(arguments) => doctor::run(&arguments),
            Command::Completions(arguments) => Ok(completions::run(&arguments)),
        }
    });
    // A task that still runs (a request that was given up) must not hold the process.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => failure.show(),
    }
}
