//! `candor init`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::{Exit, Failure};

#[derive(Args)]
pub(super) struct Arguments {
    /// Project folder.
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// CI platform to write a job for.
    #[arg(long, value_enum, default_value_t)]
    ci: Ci,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Ci {
    /// GitHub workflow.
    #[default]
    Github,
    /// GitLab job.
    Gitlab,
    /// No job.
    None,
}

const GATE: &str = include_str!("../../ci/gate.toml");
const WORKFLOW: &str = include_str!("../../ci/workflow.yml");
const GITLAB: &str = include_str!("../../ci/gitlab.yml");

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut files = vec![("gate.toml", GATE)];
    match arguments.ci {
        Ci::Github => files.push((".github/workflows/candor-gate.yml", WORKFLOW)),
        Ci::Gitlab => files.push(("candor-gate.gitlab-ci.yml", GITLAB)),
        Ci::None => {}
    }
    for (name, text) in files {
        write(&arguments.folder.join(name), text)?;
    }
    outln!(
        "Next: candor run … for a baseline, candor baseline set release RUN, candor plan-size -p gate.toml"
    );
    if arguments.ci == Ci::Gitlab {
        outln!(
            "Include candor-gate.gitlab-ci.yml in .gitlab-ci.yml with `include: {{ local: candor-gate.gitlab-ci.yml }}`."
        );
    }
    Ok(Exit::Done)
}

/// Creates the file; never overwrites.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if path.exists() {
        outln!("{} exists already; not changed", path.display());
        return Ok(());
    }
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text));
    written.map_err(|e| {
        Failure::new(
            Exit::CouldNotRun,
            format!("cannot write {}: {e}", path.display()),
        )
    })?;
    outln!("wrote {}", path.display());
    Ok(())
}
