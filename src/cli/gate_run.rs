//! `candor gate run`: asks a model until the gate is decided, and no longer.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use tokio::sync::watch;

use super::exit::{Exit, Failure};
use super::filter::FilterArguments;
use super::gate::{GateArguments, Told, open_baseline};
use super::interrupt::interrupts;
use super::progress::Progress;
use super::run::{can_keep, default_directory, finish, open_cache, parse_budget, tell_of_judges};
use super::settings::Settings;
use super::terminal::say;
use crate::analysis::Dataset;
use crate::gate::{
    GateFile, INTERIM_ALPHA_SHARE, LiveGate, Overall, Scheduled, Side, TrialScores, judge,
};
use crate::model::ModelSpec;
use crate::report::gate::influential_questions;
use crate::run::{
    Earlier, Limits, Order, Outcome, Plan, PlanOptions, RunEvent, StopReason, execute,
};
use crate::store::{RunDirectory, TrialStatus};
use crate::suite::PairRole;

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
    let names: BTreeSet<&String> = gate.rules.iter().flat_map(|r| &r.suites).collect();
    let suites: Vec<String> = names
        .into_iter()
        .map(|name| gate.suites.get(name).unwrap_or(name).clone())
        .collect();
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
    let plan = Plan::new(&suites, &[model], options, &settings.data, &settings.open).await?;
    let name = plan.models[0].model.identity().name.clone();
    let side = baseline
        .as_ref()
        .map(super::gate::Opened::side)
        .transpose()?;
    let live = LiveGate::new(
        &gate,
        &name,
        side,
        plan.manifest().suites,
        schedule(&plan),
        plan.options.epochs as usize,
        &arguments.gate.allow_drift,
    )?;
    let live = Mutex::new(live);
    let directory = arguments.output.clone().unwrap_or_else(default_directory);
    let (directory, asked) = ask(plan, &arguments, &settings, &directory, &live, &name).await?;
    let live = live.into_inner().unwrap_or_else(PoisonError::into_inner);
    let data = Dataset::open(&[&directory.path])?;
    let fixed = if live.complete() {
        let mut rest = gate.clone();
        rest.alpha = gate.alpha * (1.0 - INTERIM_ALPHA_SHARE);
        Some(judge(
            &rest,
            Side::of(&data, Some(&name))?,
            side,
            &arguments.gate.allow_drift,
        )?)
    } else {
        None
    };
    let outcome = live.outcome(fixed);
    if outcome.overall == Overall::Inconclusive
        && let Some(exit) =
            without_a_verdict(&asked, &gate, Side::of(&data, Some(&name))?, &directory)?
    {
        return Ok(exit);
    }
    let influential = influential_questions(&outcome, &data, baseline.as_ref().map(|b| &b.data))?;
    outln!("Run: {}", directory.path.display());
    if asked.stopped == Some(StopReason::Budget) && outcome.overall == Overall::Inconclusive {
        say("Stopped before the gate was decided; what had been asked is kept.");
    }
    arguments
        .told
        .tell(&outcome, &influential, &arguments.gate.policy)
}

/// How the process ends where an undecided gate says nothing of the model: somebody stopped it, or too much could not be asked.
///
/// # Errors
/// As for a finished run of which too much has no answer.
fn without_a_verdict(
    asked: &Outcome,
    gate: &GateFile,
    candidate: Side<'_>,
    directory: &RunDirectory,
) -> Result<Option<Exit>, Failure> {
    if asked.stopped == Some(StopReason::Interrupted) {
        say(&format!(
            "Interrupted before the gate was decided; what had been asked is kept in {}.",
            directory.path.display()
        ));
        return Ok(Some(Exit::Interrupted));
    }
    if let Some((_, reason)) = asked.given_up.first() {
        return Err(Failure::new(
            Exit::CouldNotRun,
            format!("no verdict: the candidate was given up: {reason}"),
        ));
    }
    let suites: Vec<&str> = gate.suite_names().collect();
    candidate.check_failures("the candidate", &suites, gate.max_failures)?;
    Ok(None)
}

/// Runs the plan until it ends, the gate is decided, or somebody stops it.
async fn ask(
    plan: Plan,
    arguments: &Arguments,
    settings: &Settings,
    path: &std::path::Path,
    live: &Mutex<LiveGate<'_>>,
    name: &str,
) -> Result<(RunDirectory, Outcome), Failure> {
    let written = &settings.configuration.run;
    let budget = arguments.budget.or(written.budget);
    can_keep(budget, &plan)?;
    let cache = open_cache(arguments.no_cache);
    let mut directory = RunDirectory::create(path, plan.manifest())?;
    let journal = directory.append_to_journal()?;
    let limits = Limits {
        max_connections: arguments
            .max_connections
            .and_then(|n| usize::try_from(n).ok()),
        budget,
    };
    let names = vec![name.to_owned()];
    let progress = Progress::new(&names);
    let plan = Arc::new(plan);
    let (stop, stopped) = watch::channel(false);
    let (events, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let running = execute(
        Arc::clone(&plan),
        journal,
        cache,
        Earlier::default(),
        limits,
        move |event| {
            progress.on(&event);
            let _ = events.send(event);
        },
        stopped,
    );
    let mut decided = false;
    let mut interrupted = interrupts();
    let listening = async {
        loop {
            let event = tokio::select! {
                event = arrivals.recv() => event,
                _ = interrupted.wait_for(|stop| *stop) => {
                    let _ = stop.send(true);
                    break;
                }
            };
            let Some(event) = event else { break };
            let RunEvent::Finished {
                suite,
                sample,
                scores,
                status,
                ..
            } = event
            else {
                continue;
            };
            let planned = &plan.suites[suite].suite;
            let trial = TrialScores {
                suite: &planned.file.name,
                sample: &planned.samples[sample].id,
                scores: &scores,
                blocked: status == TrialStatus::BlockedUpstream,
            };
            let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
            if live.record(trial).is_some() && !live.complete() {
                decided = true;
                let _ = stop.send(true);
                break;
            }
        }
    };
    let (outcome, ()) = tokio::join!(running, listening);
    let mut outcome = outcome?;
    if decided {
        outcome.stopped = Some(StopReason::Decided);
    }
    finish(&mut directory, &outcome, &names)?;
    tell_of_judges(&outcome, &directory);
    Ok((directory, outcome))
}

/// The plan's questions in the order drawn.
fn schedule(plan: &Plan) -> Vec<Scheduled> {
    plan.trials()
        .filter(|t| t.epoch == 0)
        .map(|trial| {
            let suite = &plan.suites[trial.suite].suite;
            let sample = &suite.samples[trial.sample];
            Scheduled {
                suite: suite.file.name.clone(),
                sample: sample.id.clone(),
                unit: sample.unit().to_owned(),
                pair: sample.pairing.pair.clone(),
                sensitive: sample.pairing.role.map(|r| r == PairRole::Sensitive),
                strata: sample.strata.clone(),
            }
        })
        .collect()
}
