//! The command line: one file per subcommand — arguments in, one library call, printing out. stdout carries the answer, stderr
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
mod help;
mod import;
mod init;
mod interrupt;
mod label;
mod lm_eval;
mod merge;
mod models;
mod number;
mod output;
mod plan_size;
mod progress;
mod report;
mod run;
mod runtime;
mod scheduler;
mod score;
mod serve;
mod settings;
mod suites;
mod verify;
mod view;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::{Exit, Failure};

#[cfg(target_os = "linux")]
use crate::sandbox;
use crate::text::visible_line;

/// Evaluates and audits language models: in this process, over HTTP, or from recorded answers.
#[derive(Parser)]
#[command(
    name = "candor",
    version,
    max_term_width = 110,
    arg_required_else_help = true,
    subcommand_value_name = "COMMAND"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Increase log verbosity (repeat for more).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Run a complete audit of two small models in a minute, with nothing to set up.
    Demo(demo::Arguments),
    /// Run suites against models and write a report.
    Run(run::Arguments),
    /// Rescore a run's answers without querying its models again.
    Score(score::Arguments),
    /// Merge the shards of one plan into one run, after checking that none is missing and nothing in them.
    Merge(merge::Arguments),
    /// Write the report on one or more runs.
    Report(report::Arguments),
    /// Serve the report to this machine's browser: of runs of any size, while they are running, or of a folder of runs.
    View(view::Arguments),
    /// Compare models with a baseline on shared questions, and group those that do not differ significantly.
    Compare(compare::Arguments),
    /// Measure how much more is withheld on sensitive questions than on their controls, per jurisdiction, language or any stratum.
    Gap(gap::Arguments),
    /// Serve a page for labelling a sample of a run's answers by keyboard, blind to the models' names.
    Label(label::Arguments),
    /// Measure agreement of labels with human or judge labels, and compute error-corrected rates.
    Calibrate(calibrate::Arguments),
    /// Decide whether a version can ship: rules over a run and a pinned baseline (exit 0 pass, 1 fail, 3 inconclusive).
    Gate(Box<gate::Arguments>),
    /// Compute how many questions and epochs a gate needs, and what they cost, before spending anything.
    PlanSize(plan_size::Arguments),
    /// Pin the baselines that gates compare runs with.
    Baseline(baseline::Arguments),
    /// List, show and lint suites.
    Suites(suites::Arguments),
    /// Check a folder of lm-evaluation-harness task files, which `run -s lm-eval:DIR#NAME` runs.
    LmEval(lm_eval::Arguments),
    /// Check that a model loads and answers.
    Models(models::Arguments),
    /// Serve a model through OpenAI's API, for other programs to chat with and to score text with.
    Serve(serve::Arguments),
    /// Install ONNX Runtime, or show which one is used.
    Runtime(runtime::Arguments),
    /// Turn answers recorded by other tools into a run.
    Import(import::Arguments),
    /// Write a run as a table for other tools, or as evidence.
    Export(export::Arguments),
    /// Verify a zip of evidence: check its hashes and recompute its figures.
    Verify(verify::Arguments),
    /// Write a gate file and a CI job into a project.
    Init(init::Arguments),
    /// Check this machine's setup.
    Doctor(doctor::Arguments),
    /// Print shell completions.
    Completions(completions::Arguments),
}

/// Prints a usage error. The error repeats arguments, which can hold foreign text: it is rebuilt from arguments with every character
/// made visible, and so keeps clap's colours.
fn usage(error: &clap::Error) -> ExitCode {
    let visible = std::env::args_os().map(|a| visible_line(&a.to_string_lossy()).into_owned());
    match parse(visible) {
        Err(again) if again.kind() == error.kind() => drop(again.print()),
        _ => terminal::show(&crate::text::visible(&error.render().to_string())),
    }
    Exit::Usage.into()
}

/// The command line, with its own page of help.
fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Cli, clap::Error> {
    let command = help::grouped(Cli::command());
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

/// Runs the command line and turns its result into an exit code.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything starts a thread: a sandbox is entered with one.
    #[cfg(target_os = "linux")]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|a| a == sandbox::NAME)
    {
        return sandbox::main();
    }
    let cli = match parse(std::env::args_os()) {
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
                format!("cannot start the asynchronous runtime: {error}"),
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
            Command::Merge(arguments) => merge::run(&arguments),
            Command::Report(arguments) => report::run(&arguments),
            Command::View(arguments) => view::run(&arguments).await,
            Command::Compare(arguments) => compare::run(&arguments),
            Command::Gap(arguments) => gap::run(&arguments),
            Command::Label(arguments) => label::run(&arguments).await,
            Command::Calibrate(arguments) => calibrate::run(&arguments),
            Command::Gate(arguments) => gate::run(*arguments).await,
            Command::PlanSize(arguments) => plan_size::run(&arguments),
            Command::Baseline(arguments) => baseline::run(&arguments),
            Command::Suites(arguments) => suites::run(arguments).await,
            Command::LmEval(arguments) => lm_eval::run(arguments),
            Command::Models(arguments) => models::run(arguments).await,
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Runtime(arguments) => runtime::run(&arguments),
            Command::Import(arguments) => import::run(&arguments),
            Command::Export(arguments) => export::run(&arguments),
            Command::Verify(arguments) => verify::run(&arguments),
            Command::Init(arguments) => init::run(&arguments),
            Command::Doctor(arguments) => doctor::run(&arguments),
            Command::Completions(arguments) => Ok(completions::run(&arguments)),
        }
    });
    // A task that is still running (an abandoned request) must not keep the process alive.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => failure.show(),
    }
}
