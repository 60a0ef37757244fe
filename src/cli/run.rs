//! `candor run`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use jiff::Timestamp;

use super::dry_run::dry_run;
use super::exit::{Exit, Failure};
use super::filter::FilterArguments;
use super::interrupt::interrupts;
use super::output::score_table;
use super::progress::Progress;
use super::settings::Settings;
use super::terminal::say;
use crate::analysis::{Dataset, named_model, totals};
use crate::model::{BARE_KEY_ENV, ErrorClass, ModelSpec, Named, OpenOptions, data_directory};
use crate::report::{Report, ReportOptions};
use crate::run::{
    Earlier, Limits, LostJudge, Outcome, Plan, PlanError, PlanOptions, RunEvent, StopReason,
    execute,
};
use crate::store::{CompletionCache, Manifest, RunDirectory, RunStatus, Shard, StoreError};

#[derive(Args)]
pub(super) struct Arguments {
    /// Suites to run: a shipped name, a folder, or either with ?data=PATH.
    #[arg(short, long = "suite", value_name = "SUITE", num_args = 1..)]
    suites: Vec<String>,
    /// Models to ask: onnx:DIR, openai:NAME, <https://host/v1#NAME>, replay:FILE, demo:open …
    #[arg(short, long = "model", value_name = "MODEL", num_args = 1..)]
    models: Vec<String>,
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
    /// Ask only so many samples of each suite, drawn by the seed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Ask each sample so many times.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Decides order and draws [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Requests in flight at each model: a number, or auto [default: auto]
    #[arg(long, value_name = "N|auto", value_parser = parse_connections)]
    max_connections: Option<Connections>,
    /// Stop when so much is spent.
    #[arg(long, value_name = "USD", value_parser = parse_budget)]
    budget: Option<f64>,
    /// Do one part of the plan: I of N.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    shard: Option<Shard>,
    /// Fail rather than use the network.
    #[arg(long)]
    offline: bool,
    /// Go on with a run that was stopped or killed. Endpoints on other machines, and those that get a key, are named again with -m.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["suites", "output", "wanted", "per", "max_tokens", "limit", "epochs", "seed", "shard", "dry_run"])]
    resume: Option<PathBuf>,
    /// Say what would be asked and what it would cost; send nothing.
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: a gate file, for what it could tell of these suites [default: gate.toml, if there is one]
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    policy: Option<PathBuf>,
    /// Neither read nor write the completion cache.
    #[arg(long)]
    no_cache: bool,
    /// The model that others are compared with [default: of two models the first; of more, none]
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
}

/// How many requests may be in flight.
#[derive(Debug, Clone, Copy)]
enum Connections {
    Auto,
    Exactly(usize),
}

fn parse_connections(text: &str) -> Result<Connections, String> {
    match text {
        "auto" => Ok(Connections::Auto),
        _ => text
            .parse()
            .ok()
            .filter(|n| *n > 0)
            .map(Connections::Exactly)
            .ok_or_else(|| "write a whole number above 0, or auto".into()),
    }
}

pub(super) fn parse_budget(text: &str) -> Result<f64, String> {
    text.trim_start_matches('$')
        .parse()
        .ok()
        .filter(|b: &f64| b.is_finite() && *b > 0.0)
        .ok_or_else(|| "write an amount in US dollars above 0".into())
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let parts = text
        .split_once('/')
        .and_then(|(i, n)| Some((i.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
    parts
        .filter(|(i, n)| *i >= 1 && i <= n)
        .map(|(index, count)| Shard { index, count })
        .ok_or_else(|| "write I/N with I from 1 to N, for instance 1/4".into())
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut settings = Settings::read(arguments.config.as_deref(), arguments.offline)?;
    settings.name(&arguments.models)?;
    settings.name(&arguments.judges)?;
    let resumed = arguments
        .resume
        .as_deref()
        .map(RunDirectory::open_to_write)
        .transpose()?;
    let (suites, models, options) = what_to_run(&arguments, &settings, resumed.as_ref())?;
    let open = OpenOptions {
        unasked: arguments.dry_run,
        ..settings.open.clone()
    };
    let plan = Plan::new(&suites, &models, options, &settings.data, &open).await?;
    for (spec, error) in &plan.failed {
        say(&format!("{spec}: left out. {error}"));
    }
    known_baseline(arguments.baseline.as_deref(), &plan)?;
    if arguments.dry_run {
        return dry_run(&plan, arguments.policy.as_deref()).await;
    }
    let stands = resumed.as_ref().and_then(|run| run.manifest.budget);
    let limits = Limits {
        max_connections: match arguments.max_connections {
            Some(Connections::Exactly(n)) => Some(n),
            Some(Connections::Auto) => None,
            None => settings.configuration.run.max_connections,
        },
        budget: arguments
            .budget
            .or(settings.configuration.run.budget)
            .or(stands),
    };
    can_keep(limits.budget, &plan)?;
    // Whatever can go wrong before the first request goes wrong before there is a run directory.
    let cache = open_cache(arguments.no_cache);
    let (mut directory, earlier) = if let Some(directory) = resumed {
        same_plan(&plan, &directory)?;
        tell_of_lost_lines(&directory)?;
        let earlier = Earlier::read(&directory)?;
        (directory, earlier)
    } else {
        let path = arguments.output.clone().unwrap_or_else(default_directory);
        let directory = RunDirectory::create(&path, plan.manifest())?;
        (directory, Earlier::default())
    };
    directory.manifest.budget = limits.budget;
    let report_options = ReportOptions {
        baseline: arguments.baseline.clone(),
        data_folders: settings.data.folders.clone(),
        ..ReportOptions::default()
    };
    execute_and_report(plan, directory, earlier, cache, limits, &report_options).await
}

fn what_to_run(
    arguments: &Arguments,
    settings: &Settings,
    resumed: Option<&RunDirectory>,
) -> Result<(Vec<String>, Vec<ModelSpec>, PlanOptions), Failure> {
    let file = &settings.configuration.run;
    if let Some(run) = resumed {
        let manifest = &run.manifest;
        if manifest.imported_from.is_some() {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "{} holds imported answers; there is nothing to go on with",
                    run.path.display()
                ),
            ));
        }
        let models = resumed_models(manifest, arguments, settings)?;
        let first = manifest.suites.first();
        let options = PlanOptions {
            filter: first.map(|s| s.filter.clone()).unwrap_or_default(),
            max_tokens: first.and_then(|s| s.max_tokens),
            limit: manifest.limit,
            epochs: manifest.epochs,
            seed: manifest.seed,
            shard: manifest.shard,
            ..PlanOptions::default()
        };
        return Ok((
            manifest.suites.iter().map(|s| s.spec.clone()).collect(),
            models,
            options,
        ));
    }
    let suites = if arguments.suites.is_empty() {
        file.suites.clone()
    } else {
        arguments.suites.clone()
    };
    let models = if arguments.models.is_empty() {
        file.models.clone()
    } else {
        arguments.models.clone()
    };
    if suites.is_empty() || models.is_empty() {
        let missing = if suites.is_empty() {
            "no suite: name one with -s, for instance -s gsm8k (`candor suites list`)"
        } else {
            "no model: name one with -m, for instance -m demo:open or -m openai:gpt-4o"
        };
        return Err(Failure::new(Exit::Usage, missing));
    }
    let models = models
        .iter()
        .map(|m| m.parse())
        .collect::<Result<_, _>>()
        .map_err(|e: crate::model::SpecError| Failure::new(Exit::Usage, e))?;
    let options = PlanOptions {
        filter: arguments.filter.filter(),
        max_tokens: arguments.max_tokens,
        limit: arguments.limit.and_then(|n| usize::try_from(n).ok()),
        epochs: arguments.epochs.or(file.epochs).unwrap_or(1).max(1),
        seed: arguments.seed.or(file.seed).unwrap_or(0),
        shard: arguments.shard,
        ..PlanOptions::default()
    };
    Ok((suites, models, options))
}

/// The models of a run that is gone on with. Those that only a person may name must be named again.
fn resumed_models(
    manifest: &Manifest,
    arguments: &Arguments,
    settings: &Settings,
) -> Result<Vec<ModelSpec>, Failure> {
    let wrong = |e: crate::model::SpecError| Failure::new(Exit::Usage, e);
    let key_is_set = bare_key_is_set();
    let mut models = Vec::with_capacity(manifest.models.len());
    for model in &manifest.models {
        let written: ModelSpec = model.identity.spec.parse().map_err(wrong)?;
        let named = settings.open.named.resumed(&written, key_is_set);
        models.push(named.map_err(|e| Failure::from(PlanError::from(e)))?);
    }
    for named in &arguments.models {
        let spec: ModelSpec = named.parse().map_err(wrong)?;
        if !models.iter().any(|model| model.is_same(&spec)) {
            let why = format!(
                "'{named}' is not a model of the run; a run that is gone on with keeps its models"
            );
            return Err(Failure::new(Exit::Usage, why));
        }
    }
    Ok(models)
}

/// Refuses to go on with a run whose suites or models are not what they were.
fn same_plan(plan: &Plan, directory: &RunDirectory) -> Result<(), Failure> {
    let now = plan.manifest();
    for then in &directory.manifest.suites {
        if now
            .suites
            .iter()
            .all(|s| s.name != then.name || s.content_hash != then.content_hash)
        {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "the suite '{}' has changed since the run was begun; start a new run, or put the suite back as it was",
                    then.name
                ),
            ));
        }
    }
    for then in directory
        .manifest
        .models
        .iter()
        .filter(|m| !m.identity.fingerprint.is_empty())
    {
        let failed = plan
            .failed
            .iter()
            .any(|(spec, _)| spec.to_string() == then.identity.spec);
        if !failed
            && now
                .models
                .iter()
                .all(|m| m.identity.fingerprint != then.identity.fingerprint)
        {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "the model '{}' is not the one the run was begun with (its files or its endpoint have changed); start a new run",
                    then.identity.name
                ),
            ));
        }
    }
    Ok(())
}

/// Says what the journal has lost: going on asks it again, and pays for it again.
fn tell_of_lost_lines(directory: &RunDirectory) -> Result<(), Failure> {
    match directory.journal_is_whole() {
        Err(lost @ StoreError::Lost { .. }) => {
            say(&format!("warning: {lost}. They are asked again now"));
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Refuses a baseline that is not among the models, before anything is asked.
fn known_baseline(baseline: Option<&str>, plan: &Plan) -> Result<(), Failure> {
    let names = plan.models.iter().map(|m| m.model.identity().name.as_str());
    match baseline {
        Some(wanted) if !plan.models.is_empty() => {
            named_model(names, wanted)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Refuses a budget that nobody could keep, because what requests cost is not known.
pub(super) fn can_keep(budget: Option<f64>, plan: &Plan) -> Result<(), Failure> {
    let unpriced = plan.unpriced();
    let (Some(_), Some(spec)) = (budget, unpriced.first()) else {
        return Ok(());
    };
    let provider = spec.split(':').next().unwrap_or_default();
    Err(Failure::new(
        Exit::Usage,
        format!(
            "a budget needs prices, and none is known for {}: set price = {{ input = …, output = … }} (US dollars per million tokens) under [providers.{provider}] in candor.toml, or leave the budget out",
            unpriced.join(", ")
        ),
    ))
}

/// The user's completion cache, unless it is to be bypassed or cannot be used: a run does without it.
pub(super) fn open_cache(bypassed: bool) -> Option<Arc<CompletionCache>> {
    if bypassed {
        return None;
    }
    let path = data_directory().join("completions.sqlite");
    match CompletionCache::open(&path) {
        Ok(cache) => Some(Arc::new(cache)),
        Err(error) => {
            say(&format!(
                "warning: {error}; the run goes on without it. Remove the file, or use --no-cache, if this stays"
            ));
            None
        }
    }
}

/// Says how many answers came from the cache, and from when.
fn tell_of_cache(outcome: &Outcome) {
    let Some(cached) = outcome.cached else { return };
    let day = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let when = match (day(cached.oldest), day(cached.newest)) {
        (oldest, newest) if oldest == newest => format!("on {newest}"),
        (oldest, newest) => format!("between {oldest} and {newest}"),
    };
    say(&format!(
        "{} of {} answers came from the completion cache, given {when}. Ask the models themselves with --no-cache",
        cached.answers, outcome.answered
    ));
}

/// Says which judges could not be asked, and how to go on.
pub(super) fn tell_of_judges(outcome: &Outcome, directory: &RunDirectory) {
    for LostJudge {
        name,
        questions,
        reason,
    } in &outcome.lost_judges
    {
        say(&format!(
            "the judge {name} could not be asked {questions} times; the last time: {reason}"
        ));
    }
    if outcome.unjudged > 0 {
        let run = directory.path.display();
        say(&format!(
            "{} answers are kept, but lack a judge's word. Ask the judge again with: candor run --resume {run}. Or score the answers some other way with: candor score {run} -s SCORER",
            outcome.unjudged
        ));
    }
}

pub(super) fn default_directory() -> PathBuf {
    let now = Timestamp::now();
    let id = blake3::hash(format!("{now}{}", std::process::id()).as_bytes()).to_hex();
    Path::new("runs").join(format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), &id[..6]))
}

/// The flags that go on with a run: its directory, and those of its models that must be named again.
fn go_on(plan: &Plan, directory: &RunDirectory) -> String {
    let key_is_set = bare_key_is_set();
    let opened = plan.models.iter().map(|m| &m.model.identity().spec);
    let opened = opened.filter_map(|spec| spec.parse::<ModelSpec>().ok());
    let mut flags = format!("--resume {}", directory.path.display());
    for spec in opened.chain(plan.failed.iter().map(|(spec, _)| spec.clone())) {
        if Named::default().resumed(&spec, key_is_set).is_err() {
            let _ = write!(flags, " -m '{spec}'");
        }
    }
    flags
}

/// Whether there is a key that would be sent to a bare endpoint.
fn bare_key_is_set() -> bool {
    std::env::var_os(BARE_KEY_ENV).is_some_and(|key| !key.is_empty())
}

/// Runs a plan into a directory, then writes tables and report and prints the outcome.
async fn execute_and_report(
    plan: Plan,
    mut directory: RunDirectory,
    earlier: Earlier,
    cache: Option<Arc<CompletionCache>>,
    limits: Limits,
    options: &ReportOptions,
) -> Result<Exit, Failure> {
    let left_out = plan.failed.len();
    let names: Vec<String> = plan
        .models
        .iter()
        .map(|m| m.model.identity().name.clone())
        .collect();
    let go_on = go_on(&plan, &directory);
    let plan = Arc::new(plan);
    directory.manifest.update_models(plan.manifest().models);
    directory.manifest.status = RunStatus::Running;
    directory.save_manifest()?;
    let journal = directory.append_to_journal()?;
    let progress = Progress::new(&names);
    let not_recorded = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&not_recorded);
    let outcome = execute(
        plan,
        journal,
        cache,
        earlier,
        limits,
        move |event| {
            if let RunEvent::Finished {
                error: Some(ErrorClass::NotRecorded),
                ..
            } = event
            {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            progress.on(&event);
        },
        interrupts(),
    )
    .await?;
    finish(&mut directory, &outcome, &names)?;
    tell_of_cache(&outcome);
    if outcome.stopped == Some(StopReason::Interrupted) {
        let all = outcome.answered + outcome.failed + outcome.not_asked;
        say(&format!(
            "Stopped. {} of {all} finished and kept. Go on with: candor run {go_on}",
            outcome.answered,
        ));
        return Ok(Exit::Interrupted);
    }
    let data = Dataset::open(&[&directory.path])?;
    let sums = totals(&data)?;
    let report = Report::new(data, options)?;
    let path = directory.path.join("report.html");
    report.write(&path)?;
    out!("{}\n", score_table(&report, &sums));
    for sentence in report.headlines() {
        outln!("{sentence}");
    }
    if outcome.stopped == Some(StopReason::Budget) {
        say(&format!(
            "The budget is spent; {} trials were not asked. Go on with: candor run --budget USD {go_on}",
            outcome.not_asked,
        ));
    }
    let not_recorded = not_recorded.load(Ordering::Relaxed);
    if not_recorded > 0 {
        say(&format!(
            "{not_recorded} questions are not in the recording; the others are scored."
        ));
    }
    let is_over = outcome.stopped == Some(StopReason::Budget);
    if !is_over && (outcome.failed + outcome.not_asked > not_recorded || left_out > 0) {
        say(&format!(
            "{} trials have no answer, {} were not asked. The answers there are have been kept; ask the others again with: candor run {go_on}",
            outcome.failed - not_recorded,
            outcome.not_asked,
        ));
    }
    tell_of_judges(&outcome, &directory);
    let unlabelled: u64 = report.cells().iter().map(|c| c.unlabelled).sum();
    if unlabelled > outcome.unjudged {
        say(&format!(
            "{} answers got no label (no_label in the tables) or could not be scored; a gate counts them as failures.",
            unlabelled - outcome.unjudged
        ));
    }
    outln!("Report: {}", path.display());
    Ok(
        match (
            outcome.answered,
            outcome.failed + outcome.not_asked,
            left_out as u64 + outcome.unjudged,
        ) {
            (0, missing, _) if missing > 0 => Exit::CouldNotRun,
            (_, 0, 0) => Exit::Done,
            _ => Exit::FailedTrials,
        },
    )
}

/// Writes down how a run ended, and its tables. `names` are the models' in the plan's order.
pub(super) fn finish(
    directory: &mut RunDirectory,
    outcome: &Outcome,
    names: &[String],
) -> Result<(), Failure> {
    let missing = outcome.failed + outcome.not_asked + outcome.unjudged;
    directory.manifest.status = match (outcome.stopped, missing) {
        (Some(_), _) => RunStatus::Interrupted,
        (None, 0) => RunStatus::Finished,
        (None, _) => RunStatus::FinishedWithFailures,
    };
    directory.manifest.cached = outcome.cached;
    directory.manifest.finished = outcome.stopped.is_none().then(Timestamp::now);
    for (model, reason) in &outcome.given_up {
        let given_up = directory
            .manifest
            .models
            .iter_mut()
            .find(|m| names.get(*model) == Some(&m.identity.name));
        if let Some(record) = given_up {
            record.stopped = Some(reason.clone());
        }
    }
    directory.save_manifest()?;
    Ok(directory.write_tables()?)
}
