//! `candor run`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;

use super::asking::{default_directory, open_cache, parse_budget, tell_of_judges};
use super::dry_run::dry_run;
use super::exit::{Exit, Failure};
use super::filter::FilterArguments;
use super::interrupt::interrupts;
use super::number::{positive, whole};
use super::output::{Form, group_grid, print_findings, print_grid, print_summary, score_grid};
use super::progress::Progress;
use super::scheduler;
use super::settings::Settings;
use super::terminal::say;
use crate::analysis::{Dataset, FailedTrials, failed_trials, named_model, totals};
use crate::model::{ErrorClass, ModelSpec, OpenOptions};
use crate::report::{Report, ReportOptions, count};
use crate::run::{
    Limits, Outcome, Plan, PlanOptions, Resumed, Session, SessionOptions, StopReason,
};
use crate::store::{
    BATCHES, Output, Recording, RunDirectory, Shard, is_a_run, may_be_written, working_folder,
};
use crate::text::excerpt;

/// Maximum number of kinds of failure that are told at the end.
const MAX_FAILURES: usize = 6;
/// Maximum number of characters of their messages.
const MESSAGE_CHARACTERS: usize = 160;

#[derive(Args)]
#[command(allow_negative_numbers = true)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Arguments {
    /// Suites to run: a shipped suite's name, a folder, or either with ?data=PATH; all below a name (audit) or in a folder; lm-eval:DIR#NAME for lm-evaluation-harness tasks.
    #[arg(short, long = "suite", value_name = "SUITE", num_args = 1..)]
    suites: Vec<String>,
    /// Models to query: onnx:DIR, openai:NAME, `https://host/v1#NAME`, replay:FILE, demo:open …
    #[arg(short, long = "model", value_name = "MODEL", num_args = 1..)]
    models: Vec<String>,
    /// Approve a judge that a suite names by URL: `https://host/v1#NAME`, or with `?key_env=NAME`.
    #[arg(long = "judge", value_name = "MODEL")]
    judges: Vec<String>,
    /// Configuration file [default: candor.toml, if present]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run directory to create; `s3://BUCKET/PREFIX` on an S3-compatible store [default: runs/<time>-<id>]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    filter: FilterArguments,
    /// Maximum number of tokens per answer [default: each suite's]
    #[arg(long, value_name = "N", value_parser = positive::<u32>)]
    max_tokens: Option<u32>,
    /// Limit each suite to N samples, drawn with the seed.
    #[arg(long, value_name = "N", value_parser = positive::<u64>)]
    limit: Option<u64>,
    /// Repeat each sample K times [default: 1]
    #[arg(long, value_name = "K", value_parser = positive::<u32>)]
    epochs: Option<u32>,
    /// Seed for the order of samples and for every draw [default: 0]
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    seed: Option<u64>,
    /// Concurrent requests per model: a number, or auto [default: auto]
    #[arg(long, value_name = "N|auto", value_parser = parse_connections)]
    max_connections: Option<Connections>,
    /// Stop after spending this many US dollars.
    #[arg(long, value_name = "USD", value_parser = parse_budget)]
    budget: Option<f64>,
    /// Price table: rows as under `[[prices]]` in candor.toml, or the `model_prices_and_context_window.json` of `LiteLLM`.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Ask in batches, at the batch price: answers come within a day. Ctrl-C leaves them to the provider, --resume collects them.
    #[arg(long, conflicts_with = "max_connections")]
    batch: bool,
    /// Keep raw requests and replies in this file, without keys; replay:FILE answers from it.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    record: Option<PathBuf>,
    /// Run one part of the plan: part I of N [default: in a Slurm array or a Kubernetes Indexed Job, the task's own]
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    shard: Option<Shard>,
    /// Connect to no other machine: what needs the network fails.
    #[arg(long)]
    offline: bool,
    /// Run programs that models write without a sandbox, with all that you may do.
    #[arg(long)]
    unsafe_code: bool,
    /// Resume a run that was stopped or killed. Name endpoints on other machines, and those that get a key, again with -m.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["suites", "output", "wanted", "per", "max_tokens", "limit", "epochs", "seed", "shard", "dry_run", "continues"])]
    resume: Option<PathBuf>,
    /// Resume the run in the directory of -o where there is one of the same plan: for schedulers, which start a command again.
    #[arg(long = "continue", requires = "output", conflicts_with = "dry_run")]
    continues: bool,
    /// Print what would be asked and what it would cost; send nothing.
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: report this gate file's power on these suites [default: gate.toml, if present]
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    policy: Option<PathBuf>,
    /// Bypass the completion cache: neither read nor write it.
    #[arg(long)]
    no_cache: bool,
    /// Model to compare the others with [default: the first of two models; none with more]
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
    /// Output format of the result; progress and warnings go to stderr in either.
    #[arg(long, value_enum, default_value_t, conflicts_with = "dry_run")]
    format: Form,
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
    settings.price(arguments.prices.as_deref())?;
    settings.open.code.without_sandbox = arguments.unsafe_code;
    let resumed = resumed(&arguments)?;
    let (suites, models, options) = match &resumed {
        Some(run) if arguments.resume.is_some() => (
            run.suites(),
            run.models(&settings.open.named, &arguments.models)?,
            run.options(),
        ),
        _ => what_to_run(&arguments, &settings)?,
    };
    let limits = limits(&arguments, &settings);
    let path = match &arguments.resume {
        Some(path) => path.clone(),
        None => arguments.output.clone().unwrap_or_else(default_directory),
    };
    let ledger = working_folder(&path)?.join(BATCHES);
    // What was submitted is collected, whether the flag is given again or not.
    let in_batches = arguments.batch || resumed.is_some() && ledger.is_file();
    let open = OpenOptions {
        batches: in_batches.then_some(ledger),
        unasked: arguments.dry_run,
        max_connections: limits.max_connections,
        ..settings.open.clone()
    };
    let plan = Plan::new(&suites, &models, options, &settings.data, &open).await?;
    for (spec, error) in &plan.failed {
        say(&format!("{spec}: skipped. {error}"));
    }
    known_baseline(arguments.baseline.as_deref(), &plan)?;
    if arguments.dry_run {
        return dry_run(&plan, arguments.policy.as_deref()).await;
    }
    let options = SessionOptions {
        limits,
        cache: open_cache(arguments.no_cache),
        recording: recording(&arguments, resumed.is_some())?,
    };
    let plan = Arc::new(plan);
    let session = if let Some(resumed) = resumed {
        if arguments.continues {
            resumed.is_of(&plan)?;
        }
        Session::resume(plan, resumed, options)?
    } else {
        Session::start(plan, &path, options)?
    };
    if let Some(lost) = session.lost_lines() {
        say(&format!("warning: {lost}. They are asked again now"));
    }
    if in_batches {
        say(&format!(
            "Asking in batches, which take up to a day. Stop with Ctrl-C at any time; candor run {} collects the answers.",
            go_on(&session)
        ));
    }
    let report_options = ReportOptions {
        baseline: arguments.baseline.clone(),
        data_folders: settings.data.folders.clone(),
        contrasts: settings.configuration.contrasts.clone(),
        ..ReportOptions::default()
    };
    ask_and_report(session, &report_options, arguments.format).await
}

/// Suites, models and the rest of a new run, from flags and configuration.
fn what_to_run(
    arguments: &Arguments,
    settings: &Settings,
) -> Result<(Vec<String>, Vec<ModelSpec>, PlanOptions), Failure> {
    let file = &settings.configuration.run;
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
            "no suite given: name one with -s, for instance -s gsm8k (`candor suites list` lists them)"
        } else {
            "no model given: name one with -m, for instance -m demo:open or -m openai:gpt-4o"
        };
        return Err(Failure::new(Exit::Usage, missing));
    }
    let models = models
        .iter()
        .map(|m| m.parse())
        .collect::<Result<_, _>>()
        .map_err(|e: crate::model::SpecError| Failure::new(Exit::Usage, e))?;
    let shard = match arguments.shard {
        Some(shard) => Some(shard),
        None => scheduler::shard(|name| std::env::var(name).ok())
            .map_err(|e| Failure::new(Exit::Usage, e))?
            .map(|task| {
                say(&task.to_string());
                task.shard
            }),
    };
    let options = PlanOptions {
        filter: arguments.filter.filter(),
        max_tokens: arguments.max_tokens,
        limit: arguments.limit.and_then(|n| usize::try_from(n).ok()),
        epochs: arguments.epochs.or(file.epochs).unwrap_or(1).max(1),
        seed: arguments.seed.or(file.seed).unwrap_or(0),
        shard,
        ..PlanOptions::default()
    };
    Ok((suites, models, options))
}

/// The run to resume: the one named, or the one that is already where a run is to start, if that is wanted.
fn resumed(arguments: &Arguments) -> Result<Option<Resumed>, Failure> {
    let begun = match (&arguments.resume, &arguments.output) {
        (Some(run), _) => Some(run),
        (None, Some(output)) if arguments.continues && is_a_run(output)? => Some(output),
        _ => None,
    };
    Ok(begun.map(|run| Resumed::open(run)).transpose()?)
}

/// The file that raw exchanges are kept in, if one is named. A run that is resumed continues with it.
fn recording(arguments: &Arguments, resumes: bool) -> Result<Option<Arc<Recording>>, Failure> {
    let Some(path) = &arguments.record else {
        return Ok(None);
    };
    let run = arguments.resume.as_deref();
    may_be_written(path, Output::Other, run.as_slice())?;
    Ok(Some(Arc::new(Recording::open(path, resumes)?)))
}

fn limits(arguments: &Arguments, settings: &Settings) -> Limits {
    let file = &settings.configuration.run;
    Limits {
        max_connections: match arguments.max_connections {
            Some(Connections::Exactly(n)) => Some(n),
            Some(Connections::Auto) => None,
            None => file.max_connections,
        },
        budget: arguments.budget.or(file.budget),
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

/// Reports how many answers came from the cache, and from when.
fn tell_of_cache(outcome: &Outcome) {
    let Some(cached) = outcome.cached else { return };
    let day = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let when = match (day(cached.oldest), day(cached.newest)) {
        (oldest, newest) if oldest == newest => format!("on {newest}"),
        (oldest, newest) => format!("between {oldest} and {newest}"),
    };
    say(&format!(
        "{} of {} answers came from the completion cache, recorded {when}. Use --no-cache to query the models instead",
        cached.answers, outcome.answered
    ));
}

/// Reports what models in this process were spared because prompts begin alike.
fn tell_of_sharing(directory: &RunDirectory) {
    for model in &directory.manifest.models {
        let Some(read) = model.shared_tokens.filter(|read| read.shared > 0) else {
            continue;
        };
        say(&format!(
            "{}: {:.0} % of {} prompt tokens were shared with earlier prompts and not read again",
            model.identity.name,
            read.share().unwrap_or(0.0) * 100.0,
            read.tokens
        ));
    }
}

/// The flags that resume a run: its directory, and those of its models that must be named again.
fn go_on(session: &Session) -> String {
    let mut flags = format!("--resume {}", session.place().display());
    for spec in session.to_be_named_again() {
        let _ = write!(flags, " -m '{spec}'");
    }
    flags
}

/// Asks, then writes the report and prints the outcome.
async fn ask_and_report(
    session: Session,
    options: &ReportOptions,
    format: Form,
) -> Result<Exit, Failure> {
    let left_out = session.plan().failed.len() as u64;
    let go_on = go_on(&session);
    let progress = Progress::new(session.plan());
    let (directory, outcome) = session
        .run(move |event| progress.on(&event), interrupts())
        .await?;
    tell_of_cache(&outcome);
    tell_of_sharing(&directory);
    if outcome.stopped == Some(StopReason::Interrupted) {
        let all = outcome.answered + outcome.failed + outcome.not_asked;
        say(&format!(
            "Stopped. {} of {all} trials finished and were kept. Resume with: candor run {go_on}",
            outcome.answered,
        ));
        return Ok(Exit::Interrupted);
    }
    let data = Dataset::open(&[&directory.path])?;
    let sums = totals(&data)?;
    let failed = failed_trials(&data)?;
    let report = Report::new(data, options)?;
    let path = directory.path.join("report.html");
    report.write(&path)?;
    directory.publish()?;
    let path = directory.place().join("report.html");
    match format {
        Form::Json => print_summary(&report, &sums, &path)?,
        Form::Text => {
            print_grid(&score_grid(&report, &sums));
            if let Some(groups) = group_grid(&report) {
                outln!();
                print_grid(&groups);
            }
            print_findings(&report);
        }
    }
    tell_of_failures(failed);
    tell_of_gaps(&outcome, left_out, &go_on);
    tell_of_judges(&outcome, &directory);
    let unlabelled: u64 = report.cells().iter().map(|c| c.unlabelled).sum();
    if unlabelled > outcome.unjudged {
        say(&format!(
            "{} answers have no label (no_label in the tables) or could not be scored; a gate counts them as failures.",
            unlabelled - outcome.unjudged
        ));
    }
    if format == Form::Text {
        outln!("Report: {}", path.display());
    }
    Ok(exit(&outcome, left_out))
}

/// Says why trials have no answer: each kind of error once, with its first message.
fn tell_of_failures(mut kinds: Vec<FailedTrials>) {
    // Of what a recording lacks only the number is of interest.
    kinds.retain(|kind| kind.class != ErrorClass::NotRecorded.name());
    for kind in kinds.iter().take(MAX_FAILURES) {
        say(&format!(
            "{}, {}: {} failed ({}): {}",
            kind.model,
            kind.suite,
            count(kind.trials, "trial"),
            kind.class.replace('_', " "),
            excerpt(&kind.message, MESSAGE_CHARACTERS),
        ));
    }
    if let Some(rest @ 1..) = kinds.len().checked_sub(MAX_FAILURES) {
        say(&format!("{rest} more kinds of failure are in the report."));
    }
}

/// Says which answers are not there, and how to get them.
fn tell_of_gaps(outcome: &Outcome, left_out: u64, go_on: &str) {
    let is_over = outcome.stopped == Some(StopReason::Budget);
    if is_over {
        say(&format!(
            "The budget is spent; {} not asked. Resume with: candor run --budget USD {go_on}",
            count(outcome.not_asked, "trial"),
        ));
    }
    if outcome.not_recorded > 0 {
        say(&format!(
            "{} questions are not in the recording; the others are scored.",
            outcome.not_recorded
        ));
    }
    let failed = outcome.failed - outcome.not_recorded;
    if !is_over && failed + outcome.not_asked + left_out > 0 {
        say(&format!(
            "{} without an answer, {} not asked. All answers were kept; ask the rest again with: candor run {go_on}",
            count(failed, "trial"),
            outcome.not_asked,
        ));
    }
}

/// How the process ends after a run that nobody stopped.
fn exit(outcome: &Outcome, left_out: u64) -> Exit {
    let missing = outcome.failed + outcome.not_asked;
    match (outcome.answered, missing, left_out + outcome.unjudged) {
        (0, 1.., _) => Exit::CouldNotRun,
        (_, 0, 0) => Exit::Done,
        _ => Exit::FailedTrials,
    }
}
