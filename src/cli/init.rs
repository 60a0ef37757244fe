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
    /// CI platform to write a job for [default: github, unless a scheduler is named]
    #[arg(long, value_enum)]
    ci: Option<Ci>,
    /// Write a Slurm array that runs a plan in parts.
    #[arg(long)]
    slurm: bool,
    /// Write a Kubernetes Indexed Job that does.
    #[arg(long)]
    kubernetes: bool,
    /// Write a Ray script that does.
    #[arg(long)]
    ray: bool,
}

impl Arguments {
    /// The schedulers' files that are wanted, each with what starts it.
    fn scheduled(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        let all = [
            (self.slurm, "candor.sbatch", SLURM, "sbatch candor.sbatch"),
            (
                self.kubernetes,
                "candor-job.yaml",
                KUBERNETES,
                "kubectl apply -f candor-job.yaml",
            ),
            (self.ray, "candor_ray.py", RAY, "python candor_ray.py"),
        ];
        let wanted = all.into_iter().filter(|(wanted, ..)| *wanted);
        wanted.map(|(_, name, text, start)| (name, text, start))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ci {
    /// GitHub workflow.
    Github,
    /// GitLab job.
    Gitlab,
    /// No job.
    None,
}

const GATE: &str = include_str!("../../ci/gate.toml");
const WORKFLOW: &str = include_str!("../../ci/workflow.yml");
const GITLAB: &str = include_str!("../../ci/gitlab.yml");
const SLURM: &str = include_str!("../../ci/slurm.sbatch");
const KUBERNETES: &str = include_str!("../../ci/kubernetes.yaml");
const RAY: &str = include_str!("../../ci/ray.py");

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    for (name, text, start) in arguments.scheduled() {
        write(&arguments.folder.join(name), text)?;
        outln!("Name suites, models and the number of parts in {name}, then: {start}");
    }
    let ci = match arguments.ci {
        Some(ci) => ci,
        None if arguments.scheduled().next().is_some() => return Ok(Exit::Done),
        None => Ci::Github,
    };
    let mut files = vec![("gate.toml", GATE)];
    match ci {
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
    if ci == Ci::Gitlab {
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
