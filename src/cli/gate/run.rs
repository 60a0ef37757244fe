//! `candor gate run`: queries a model only until the gate is decided.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::against::{GateArguments, Opened, open_baseline};
use super::outlets::Outlets;
use crate::analysis::Dataset;
use crate::cli::asking::{default_directory, open_cache, parse_budget, tell_of_judges};
use crate::cli::exit::{Exit, Failure};
use crate::cli::filter::FilterArguments;
use crate::cli::interrupt::interrupts;
use crate::cli::number::{positive, whole};
use crate::cli::progress::Progress;
use crate::cli::settings::Settings;
use crate::cli::terminal::say;
use crate::gate::{AdaptiveGate, GateFile, Overall};
use crate::model::{ModelSpec, OpenOptions};
use crate::report::gate::influential_questions;
use crate::run::{Limits, Order, Plan, PlanOptions, Session, SessionOptions, StopReason};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
    /// Candidate model.
    #[arg(short, long, value_name = "MODEL")]
    model: String,
    /// Approve a judge that a suite names by URL: `https://host/v1#NAME`, or with `?key_env=NAME`.
    #[arg(long = "judge", value_name = "MODEL")]
    judges: Vec<String>,
    /// Configuration file [default: candor.toml, if present]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run directory to create [default: runs/<time>-<id>]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    filter: FilterArguments,
    /// Maximum number of tokens per answer [default: each suite's]
    #[arg(long, value_name = "N", value_parser = positive::<u32>)]
    max_tokens: Option<u32>,
    /// Limit each suite to N samples, drawn with the seed [default: the gate file's]
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    limit: Option<usize>,
    /// Repeat each sample K times [default: the gate file's, else 1]
    #[arg(long, alias = "repeats", value_name = "K", value_parser = positive::<u32>)]
    epochs: Option<u32>,
    /// Seed for the order of samples and for every draw [default: the gate file's, else 0]
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    seed: Option<u64>,
    /// Concurrent requests.
    #[arg(long, value_name = "N", value_parser = positive::<u64>)]
    max_connections: Option<u64>,
    /// Stop after spending this many US dollars.
    #[arg(long, value_name = "USD", value_parser = parse_budget)]
    budget: Option<f64>,
    /// Price table: rows as under `[[prices]]` in candor.toml, or the `model_prices_and_context_window.json` of `LiteLLM`.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Connect to no other machine: what needs the network fails.
    #[arg(long)]
    offline: bool,
    /// Run programs that models write without a sandbox, with all that you may do.
    #[arg(long)]
    unsafe_code: bool,
    /// Bypass the completion cache: neither read nor write it.
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    outlets: Outlets,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut settings = Settings::read(arguments.config.as_deref(), arguments.offline)?;
    settings.name(std::slice::from_ref(&arguments.model))?;
    settings.name(&arguments.judges)?;
    settings.price(arguments.prices.as_deref())?;
    settings.open.code.without_sandbox = arguments.unsafe_code;
    let gate = GateFile::read(&arguments.gate.policy)?;
    arguments.outlets.check(&arguments.gate, &gate, None)?;
    let baseline = open_baseline(&gate, &arguments.gate)?;
    let side = baseline.as_ref().map(Opened::side).transpose()?;
    let plan = Arc::new(plan(&arguments, &settings, &gate).await?);
    let adaptive = AdaptiveGate::new(&gate, &plan, side, &arguments.gate.allow_drift)?;
    let session = session(plan, &arguments, &settings)?;
    let progress = Progress::new(session.plan());
    let asked = adaptive
        .ask(session, move |event| progress.on(event), interrupts())
        .await?;
    tell_of_judges(&asked.run, &asked.directory);
    let data = Dataset::open(&[&asked.directory.path])?;
    let Some(outcome) = asked.verdict(&data)? else {
        say(&format!(
            "Interrupted before the gate was decided; all answers so far were kept in {}.",
            asked.directory.place().display()
        ));
        return Ok(Exit::Interrupted);
    };
    let influential = influential_questions(&outcome, &data, baseline.as_ref().map(|b| &b.data))?;
    outln!("Run: {}", asked.directory.place().display());
    if asked.run.stopped == Some(StopReason::Budget) && outcome.overall == Overall::Inconclusive {
        say("Stopped before the gate was decided; all answers so far were kept.");
    }
    arguments
        .outlets
        .report(&outcome, &influential, &arguments.gate.policy)
}

/// The plan: everything that can be asked.
async fn plan(
    arguments: &Arguments,
    settings: &Settings,
    gate: &GateFile,
) -> Result<Plan, Failure> {
    let model: ModelSpec = arguments
        .model
        .parse()
        .map_err(|e| Failure::new(Exit::Usage, e))?;
    let options = PlanOptions {
        filter: arguments.filter.filter(),
        max_tokens: arguments.max_tokens,
        limit: arguments.limit.or(gate.limit),
        epochs: arguments.epochs.or(gate.epochs).unwrap_or(1),
        seed: arguments.seed.or(gate.seed).unwrap_or(0),
        order: Order::ClusterMajor,
        ..PlanOptions::default()
    };
    let suites = gate.suites_to_load();
    let connections = arguments.max_connections;
    let open = OpenOptions {
        max_connections: connections
            .and_then(|n| usize::try_from(n).ok())
            .or(settings.open.max_connections),
        ..settings.open.clone()
    };
    Ok(Plan::new(&suites, &[model], options, &settings.data, &open).await?)
}

fn session(
    plan: Arc<Plan>,
    arguments: &Arguments,
    settings: &Settings,
) -> Result<Session, Failure> {
    let connections = arguments.max_connections;
    let options = SessionOptions {
        limits: Limits {
            max_connections: connections.and_then(|n| usize::try_from(n).ok()),
            budget: arguments.budget.or(settings.configuration.run.budget),
        },
        cache: open_cache(arguments.no_cache),
        recording: None,
    };
    let path = arguments.output.clone().unwrap_or_else(default_directory);
    Ok(Session::start(plan, &path, options)?)
}
