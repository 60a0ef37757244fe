//! `candor demo`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;

use super::exit::{Exit, Failure};
use super::interrupt::interrupts;
use super::settings::Settings;
use super::terminal::say;
use crate::analysis::Dataset;
use crate::model::onnx::runtime;
use crate::model::{DEMO_MODELS, ModelSpec};
use crate::report::{Report, ReportOptions};
use crate::run::{Plan, PlanOptions, RunEvent, Session, SessionError, SessionOptions};
use crate::store::StoreError;
use crate::suite::Kind;

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directory to create; never overwritten [default: candor-demo, or candor-demo-2 … if taken]
    #[arg(short, long, alias = "out", value_name = "DIR")]
    output: Option<PathBuf>,
    /// Fail instead of downloading ONNX Runtime if this machine has none.
    #[arg(long)]
    offline: bool,
}

const SUITES: &[&str] = &["arithmetic", "facts", "sensitive-demo", "control-demo"];

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut settings = Settings::read(None, arguments.offline)?;
    settings.open.offline = arguments.offline;
    let usable = || {
        runtime::discover(false)
            .into_iter()
            .find(runtime::Found::is_new_enough)
    };
    let found = match usable() {
        Some(found) => found,
        None if arguments.offline => {
            return Err(Failure::new(
                Exit::CouldNotRun,
                "this machine has no ONNX Runtime, and --offline forbids downloading it; run `candor runtime install` first",
            ));
        }
        None => runtime::install(false, &mut |line| say(&format!("first start: {line}")))?,
    };
    let suites: Vec<String> = SUITES.iter().map(|s| (*s).to_owned()).collect();
    let models: Vec<ModelSpec> = DEMO_MODELS
        .iter()
        .map(|name| demo_spec(name).parse())
        .collect::<Result<_, _>>()
        .map_err(|e: crate::model::SpecError| Failure::new(Exit::Usage, e))?;
    let plan = Arc::new(
        Plan::new(
            &suites,
            &models,
            PlanOptions::default(),
            &settings.data,
            &settings.open,
        )
        .await?,
    );
    let questions: usize = plan.suites.iter().map(|s| s.order.len()).sum();
    outln!(
        "candor {} · two small models in this process (ONNX Runtime {}, CPU), {} suites, {questions} questions; nothing leaves this machine",
        env!("CARGO_PKG_VERSION"),
        found.version.as_deref().unwrap_or("of unknown version"),
        plan.suites.len()
    );
    let tally = Tally::new(&plan);
    let session = begin(arguments.output.as_deref(), &plan)?;
    let (directory, outcome) = session
        .run(move |event| tally.on(&event), interrupts())
        .await?;
    if outcome.stopped.is_some() {
        return Ok(Exit::Interrupted);
    }
    let report = Report::new(
        Dataset::open(&[&directory.path])?,
        &ReportOptions {
            title: Some("The demo: two small models, one of them guarded".into()),
            ..ReportOptions::default()
        },
    )?;
    let path = directory.path.join("report.html");
    report.write(&path)?;
    directory.publish()?;
    outln!();
    for sentence in report.headlines() {
        outln!("  {sentence}");
    }
    outln!();
    outln!(
        "Report: {}",
        directory.place().join("report.html").display()
    );
    Ok(if outcome.failed == 0 {
        Exit::Done
    } else {
        Exit::FailedTrials
    })
}

/// Begins in the folder named, or in the first of the usual names that no other run has.
fn begin(named: Option<&Path>, plan: &Arc<Plan>) -> Result<Session, SessionError> {
    const DEFAULT_NAME: &str = "candor-demo";
    let start = |path: &Path| Session::start(Arc::clone(plan), path, SessionOptions::default());
    if let Some(folder) = named {
        return start(folder);
    }
    let mut number = 1;
    loop {
        let name = match number {
            1 => DEFAULT_NAME.to_owned(),
            n => format!("{DEFAULT_NAME}-{n}"),
        };
        match start(Path::new(&name)) {
            Err(SessionError::Store(StoreError::Occupied { .. } | StoreError::Locked { .. })) => {
                number += 1;
            }
            begun => return begun,
        }
    }
}

/// A demo model's specification.
fn demo_spec(name: &str) -> String {
    format!("demo:{name}?name={name}")
}

/// Prints each suite's line when both models have finished it.
struct Tally {
    suites: Vec<Mutex<SuiteTally>>,
    models: Vec<String>,
}

struct SuiteTally {
    name: String,
    asked: u64,
    audit: bool,
    /// Answers and the sum of their scores, per model.
    done: Vec<(u64, f64)>,
}

impl Tally {
    fn new(plan: &Plan) -> Self {
        let models: Vec<String> = plan
            .models
            .iter()
            .map(|m| m.model.identity().name.clone())
            .collect();
        let suites = plan
            .suites
            .iter()
            .map(|s| {
                Mutex::new(SuiteTally {
                    name: s.suite.file.name.clone(),
                    asked: s.order.len() as u64,
                    audit: s.suite.file.kind == Kind::Audit,
                    done: vec![(0, 0.0); models.len()],
                })
            })
            .collect();
        Self { suites, models }
    }

    #[allow(clippy::cast_precision_loss)]
    fn on(&self, event: &RunEvent) {
        let RunEvent::Finished {
            model,
            suite,
            headline,
            ..
        } = event
        else {
            return;
        };
        let mut tally = self.suites[*suite]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        tally.done[*model].0 += 1;
        tally.done[*model].1 += headline.unwrap_or(0.0);
        if tally.done.iter().all(|(n, _)| *n == tally.asked) {
            let word = if tally.audit { "answers " } else { "" };
            let shares: Vec<String> = self
                .models
                .iter()
                .zip(&tally.done)
                .map(|(model, (n, sum))| format!("{model} {word}{:.0} %", sum / *n as f64 * 100.0))
                .collect();
            outln!(
                "  {:16} {}  {}/{}   {}",
                tally.name,
                "█".repeat(20),
                tally.asked,
                tally.asked,
                shares.join("   ")
            );
        }
    }
}
