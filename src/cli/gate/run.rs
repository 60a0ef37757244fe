//! `candor gate run`: asks a model until the gate is decided, and no longer.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::against::{GateArguments, Opened, open_baseline};
use super::outlets::Told;
use crate::analysis::Dataset;
use crate::cli::asking::{default_directory, open_cache, parse_budget, tell_of_judges};
use crate::cli::exit::{Exit, Failure};
use crate::cli::filter::FilterArguments;
use crate::cli::interrupt::interrupts;
use crate::cli::progress::Progress;
use crate::cli::settings::Settings;
use crate::cli::terminal::say;
use crate::gate::{AdaptiveGate, GateFile, Overall};
use crate::model::ModelSpec;
use crate::report::gate::influential_questions;
use crate::run::{Limits, Order, Plan, PlanOptions, Session, SessionOptions, StopReason};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
    /// The model to be judged.
    #[arg(short, long, value_name = "MODEL")]
    model: String,
    /// Judges that you agree to, where a suite names one by its URL: <https://host/v1#NAME>, or with `?key_env=NAME`.
    #[arg(long = "judge", value_name = "MODEL")]
    judges: Vec<String>,
    /// Settings [default: candor.toml, if there is one]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The run's directory [default: runs/<time>-<id>]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    filter: FilterArguments,
    /// Tokens an answer may have at most [default: what each suite says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    /// Ask only so many samples of each suite at most, drawn by the seed [default: the gate file's]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Ask each sample so many times [default: the gate file's, else 1]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    repeats: Option<u32>,
    /// Decides order and draws [default: the gate file's, else 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Requests in flight.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_connections: Option<u64>,
    /// Stop when so much is spent.
    #[arg(long, value_name = "USD", value_parser = parse_budget)]
    budget: Option<f64>,
    /// Fail rather than use the network.
    #[arg(long)]
    offline: bool,
    /// Neither read nor write the completion cache.
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    told: Told,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut settings = Settings::read(arguments.config.as_deref(), arguments.offline)?;
    settings.name(std::slice::from_ref(&arguments.model))?;
    settings.name(&arguments.judges)?;
    let gate = GateFile::read(&arguments.gate.policy)?;
    arguments.told.check(&arguments.gate, &gate, None)?;
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
            "Interrupted before the gate was decided; what had been asked is kept in {}.",
            asked.directory.path.display()
        ));
        return Ok(Exit::Interrupted);
    };
    let influential = influential_questions(&outcome, &data, baseline.as_ref().map(|b| &b.data))?;
    outln!("Run: {}", asked.directory.path.display());
    if asked.run.stopped == Some(StopReason::Budget) && outcome.overall == Overall::Inconclusive {
        say("Stopped before the gate was decided; what had been asked is kept.");
    }
    arguments
        .told
        .tell(&outcome, &influential, &arguments.gate.policy)
}

/// What is asked at most.
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
        epochs: arguments.repeats.or(gate.repeats).unwrap_or(1),
        seed: arguments.seed.or(gate.seed).unwrap_or(0),
        order: Order::ClusterMajor,
        ..PlanOptions::default()
    };
    let suites = gate.suites_to_load();
    Ok(Plan::new(&suites, &[model], options, &settings.data, &settings.open).await?)
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
    };
    let path = arguments.output.clone().unwrap_or_else(default_directory);
    Ok(Session::start(plan, &path, options)?)
}
