//! `candor gate`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::baseline::run_and_model;
use super::exit::{Exit, Failure};
use super::output::{lines as table_lines, to_json};
use super::terminal::say;
use crate::analysis::Dataset;
use crate::files::write_output;
use crate::gate::{Drift, GateFile, GateOutcome, Overall, Side, judge};
use crate::report::gate::{
    InfluentialQuestion, OnInconclusive, Platform, annotations, conclusion, influential_questions,
    junit, lines, markdown,
};
use crate::store::{BASELINES, Baselines, Output, may_be_written};

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
    /// Ask a model until the gate is decided, and no longer.
    Run(super::gate_run::Arguments),
}

#[derive(Args)]
struct JudgeArguments {
    #[command(flatten)]
    gate: GateArguments,
    /// The run to be judged, and the model in it where it has several.
    #[arg(
        long,
        value_name = "RUN[#MODEL]",
        required_unless_present = "self_check"
    )]
    candidate: Option<String>,
    /// Tell how often this gate would raise a false alarm on a run's own repeats.
    #[arg(long, value_name = "RUN[#MODEL]", conflicts_with = "candidate")]
    self_check: Option<String>,
    #[command(flatten)]
    told: Told,
}

/// Which gate, against what.
#[derive(Args)]
pub(super) struct GateArguments {
    /// The rules.
    #[arg(
        short = 'p',
        long = "policy",
        value_name = "FILE",
        default_value = "gate.toml"
    )]
    pub(super) policy: PathBuf,
    /// The run to hold against, or a pinned baseline's name [default: what the gate file names]
    #[arg(long, value_name = "RUN[#MODEL]")]
    pub(super) baseline: Option<String>,
    /// Parts of a suite that may differ between candidate and baseline: items, subset, prompts, decoding, scorers.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub(super) allow_drift: Vec<Drift>,
}

/// Where the outcome goes.
#[derive(Args)]
pub(super) struct Told {
    /// What an undecided gate counts as.
    #[arg(long, value_enum, default_value_t)]
    on_inconclusive: Inconclusive,
    /// Write JUnit XML, a test case a rule.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write Markdown for a job summary or a pull request.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write everything as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print annotations for a CI platform [default: for the one this runs on]
    #[arg(long, value_enum)]
    annotations: Option<Annotated>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Inconclusive {
    /// As passed (exit 0).
    Pass,
    /// As failed (exit 1).
    Fail,
    /// As itself (exit 3).
    #[default]
    Exit3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Annotated {
    /// GitHub's workflow commands on stdout.
    Github,
    /// GitLab's code-quality report, as gl-code-quality-report.json.
    Gitlab,
    /// None.
    None,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    if let Some(Command::Run(arguments)) = arguments.command {
        return super::gate_run::run(arguments).await;
    }
    let JudgeArguments {
        gate: chosen,
        candidate,
        self_check,
        told,
    } = arguments.judge;
    let gate = GateFile::read(&chosen.policy)?;
    if let Some(run) = self_check {
        return super::self_check::run(&gate, &run);
    }
    let candidate = candidate.unwrap_or_default();
    told.check(&chosen, &gate, Some(&run_and_model(&candidate).0))?;
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
    told.tell(&outcome, &influential, &chosen.policy)
}

/// A run that is open, and which of its models is meant.
pub(super) struct Opened {
    pub(super) data: Dataset,
    model: Option<String>,
}

impl Opened {
    pub(super) fn of(text: &str) -> Result<Self, Failure> {
        let (path, model) = run_and_model(text);
        Ok(Self {
            data: Dataset::open(&[&path])?,
            model,
        })
    }

    pub(super) fn side(&self) -> Result<Side<'_>, Failure> {
        Ok(Side::of(&self.data, self.model.as_deref())?)
    }
}

/// The baseline that the flag or the gate file names: a pinned name, or a run. None where neither names one.
pub(super) fn open_baseline(
    gate: &GateFile,
    chosen: &GateArguments,
) -> Result<Option<Opened>, Failure> {
    let Some(name) = chosen.baseline.as_ref().or(gate.baseline.as_ref()) else {
        return Ok(None);
    };
    let folder = chosen.policy.parent().unwrap_or_else(|| Path::new(""));
    let store = folder.join(BASELINES);
    let baselines = Baselines::read(&store)?;
    if let Some(pinned) = baselines.get(name) {
        let run = baselines.open(name, pinned)?;
        return Ok(Some(Opened {
            data: Dataset::open(&[&run.path])?,
            model: Some(pinned.model.clone()),
        }));
    }
    if !run_and_model(name).0.exists() {
        let known: Vec<&str> = baselines.iter().map(|(name, _)| name.as_str()).collect();
        let known = if known.is_empty() {
            "nothing".into()
        } else {
            known.join(", ")
        };
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "the baseline '{name}' is neither pinned nor a run; {} has {known}. Pin one with: candor baseline set {name} RUN",
                store.display()
            ),
        ));
    }
    Opened::of(name).map(Some)
}

impl Told {
    /// Refuses files that would be written over what the gate reads: the run that is judged, the baseline, the rules.
    pub(super) fn check(
        &self,
        chosen: &GateArguments,
        gate: &GateFile,
        candidate: Option<&Path>,
    ) -> Result<(), Failure> {
        let folder = chosen.policy.parent().unwrap_or_else(|| Path::new(""));
        let pins = folder.join(BASELINES);
        let baseline = chosen.baseline.as_ref().or(gate.baseline.as_ref());
        let baseline = baseline.map(|name| match Baselines::read(&pins) {
            Ok(known) if known.get(name).is_some() => {
                known.get(name).map(|pinned| known.run_of(pinned))
            }
            _ => Some(run_and_model(name).0),
        });
        let baseline = baseline.flatten();
        let mut read = vec![chosen.policy.as_path(), &pins];
        read.extend(candidate);
        read.extend(baseline.as_deref());
        let gitlab = matches!(self.platform(), Annotated::Gitlab).then_some(Path::new(GITLAB));
        let named = [&self.junit, &self.markdown, &self.json];
        for path in named
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .chain(gitlab)
        {
            may_be_written(path, Output::Other, &read)?;
        }
        Ok(())
    }

    /// Prints the outcome, writes what was asked for, and gives the exit code.
    pub(super) fn tell(
        &self,
        outcome: &GateOutcome,
        influential: &[InfluentialQuestion],
        policy: &Path,
    ) -> Result<Exit, Failure> {
        let on_inconclusive = match self.on_inconclusive {
            Inconclusive::Pass => OnInconclusive::Pass,
            Inconclusive::Fail => OnInconclusive::Fail,
            Inconclusive::Exit3 => OnInconclusive::Tell,
        };
        let exit = match (outcome.overall, on_inconclusive) {
            (Overall::Pass, _) | (Overall::Inconclusive, OnInconclusive::Pass) => Exit::Done,
            (Overall::Fail, _) | (Overall::Inconclusive, OnInconclusive::Fail) => Exit::GateFailed,
            (Overall::Inconclusive, OnInconclusive::Tell) => Exit::GateInconclusive,
        };
        // Files first: whoever reads stdout may have gone.
        let written = self.write_files(outcome, influential, policy, on_inconclusive);
        let mut shown = table_lines(&lines(outcome));
        shown.set_header(Vec::<String>::new());
        out!("{shown}\n");
        outcome.notes.iter().for_each(|note| outln!("{note}."));
        for w in influential {
            outln!();
            outln!("{} · {} / {}", w.rule, w.suite, w.sample);
            for (name, words) in w.excerpts(100) {
                outln!("  {name:<9}  {words}");
            }
        }
        if !influential.is_empty() {
            outln!();
        }
        outln!("{}  (exit {})", conclusion(outcome), exit as u8);
        if matches!(self.platform(), Annotated::Github) {
            let policy = policy.display().to_string();
            out!("{}", annotations(outcome, &policy, Platform::GitHub));
        }
        written?;
        Ok(exit)
    }

    fn write_files(
        &self,
        outcome: &GateOutcome,
        influential: &[InfluentialQuestion],
        policy: &Path,
        on_inconclusive: OnInconclusive,
    ) -> Result<(), Failure> {
        if let Some(path) = &self.junit {
            write(path, &junit(outcome, influential, on_inconclusive)?)?;
        }
        if let Some(path) = &self.markdown {
            write(path, &markdown(outcome, influential))?;
        }
        if let Some(path) = &self.json {
            write(path, &(to_json(outcome)? + "\n"))?;
        }
        if matches!(self.platform(), Annotated::Gitlab) {
            let policy = policy.display().to_string();
            write(
                Path::new(GITLAB),
                &annotations(outcome, &policy, Platform::GitLab),
            )?;
        }
        Ok(())
    }

    /// Whose annotations are wanted.
    fn platform(&self) -> Annotated {
        self.annotations.unwrap_or_else(platform)
    }
}

/// Where GitLab looks for a code-quality report.
const GITLAB: &str = "gl-code-quality-report.json";

/// The platform this runs on.
fn platform() -> Annotated {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    if set("GITHUB_ACTIONS") {
        Annotated::Github
    } else {
        Annotated::None
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |e: std::io::Error| {
        Failure::new(
            Exit::CouldNotRun,
            format!("cannot write {}: {e}", path.display()),
        )
    };
    write_output(path, failed, |mut file| {
        file.write_all(text.as_bytes()).map_err(failed)
    })?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}
