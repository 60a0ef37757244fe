//! Where a gate's outcome goes: stdout, files, annotations, and the exit code.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::against::GateArguments;
use crate::cli::baseline::run_and_model;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{print_grid, print_note, to_json};
use crate::cli::terminal::say;
use crate::files::write_text;
use crate::gate::{GateFile, GateOutcome, Overall};
use crate::report::gate::{
    InfluentialQuestion, OnInconclusive, Platform, annotations, conclusion, junit, lines, markdown,
};
use crate::store::{BASELINES, Baselines, Output, may_be_written};

/// Where the outcome goes.
#[derive(Args)]
pub(super) struct Outlets {
    /// What an inconclusive gate counts as.
    #[arg(long, value_enum, default_value_t)]
    on_inconclusive: Inconclusive,
    /// Write JUnit XML, one test case per rule.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write Markdown for a job summary or a pull request.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the complete outcome as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print annotations for a CI platform [default: the one this runs on]
    #[arg(long, value_enum)]
    annotations: Option<Annotated>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Inconclusive {
    /// Passed (exit 0).
    Pass,
    /// Failed (exit 1).
    Fail,
    /// Inconclusive (exit 3).
    #[default]
    Exit3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Annotated {
    /// GitHub workflow commands on stdout.
    Github,
    /// GitLab code-quality report, as gl-code-quality-report.json.
    Gitlab,
    /// No annotations.
    None,
}

impl Outlets {
    /// Refuses output files that would overwrite what the gate reads: candidate, baseline, rules.
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

    /// Prints the outcome, writes the files requested, and returns the exit code.
    pub(super) fn report(
        &self,
        outcome: &GateOutcome,
        influential: &[InfluentialQuestion],
        policy: &Path,
    ) -> Result<Exit, Failure> {
        let on_inconclusive = match self.on_inconclusive {
            Inconclusive::Pass => OnInconclusive::Pass,
            Inconclusive::Fail => OnInconclusive::Fail,
            Inconclusive::Exit3 => OnInconclusive::Report,
        };
        let exit = match (outcome.overall, on_inconclusive) {
            (Overall::Pass, _) | (Overall::Inconclusive, OnInconclusive::Pass) => Exit::Done,
            (Overall::Fail, _) | (Overall::Inconclusive, OnInconclusive::Fail) => Exit::GateFailed,
            (Overall::Inconclusive, OnInconclusive::Report) => Exit::GateInconclusive,
        };
        // Files first: stdout can be closed already.
        let written = self.write_files(outcome, influential, policy, on_inconclusive);
        let mut shown = lines(outcome);
        shown.heads.iter_mut().for_each(String::clear);
        print_grid(&shown);
        let notes = outcome.notes.iter();
        notes.for_each(|note| print_note(&format!("{note}.")));
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

    /// Target CI platform.
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
    write_text(path, text).map_err(|e| {
        Failure::new(
            Exit::CouldNotRun,
            format!("cannot write {}: {e}", path.display()),
        )
    })?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}
