//! Which gate, and the runs that it compares.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::analysis::Dataset;
use crate::cli::baseline::run_and_model;
use crate::cli::exit::{Exit, Failure};
use crate::gate::{Drift, GateFile, Side};
use crate::store::{BASELINES, Baselines};

/// Which gate, with which baseline.
#[derive(Args)]
pub(in crate::cli) struct GateArguments {
    /// Gate file with the rules.
    #[arg(
        short = 'p',
        long = "policy",
        value_name = "FILE",
        default_value = "gate.toml"
    )]
    pub(in crate::cli) policy: PathBuf,
    /// Baseline run to compare with, or a pinned baseline's name [default: the gate file's]
    #[arg(long, value_name = "RUN[#MODEL]")]
    pub(in crate::cli) baseline: Option<String>,
    /// Parts of a suite that can differ between candidate and baseline: items, subset, prompts, decoding, scorers.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub(in crate::cli) allow_drift: Vec<Drift>,
}

/// An open run, and the model chosen from it.
pub(in crate::cli) struct Opened {
    pub(in crate::cli) data: Dataset,
    model: Option<String>,
}

impl Opened {
    pub(in crate::cli) fn of(text: &str) -> Result<Self, Failure> {
        let (path, model) = run_and_model(text);
        let data = Dataset::open(&[&path])?;
        if let Some(missing) = data.missing_shards().first() {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "{}: {missing}, and a gate is decided on whole runs. Name the folder that holds all shards, or merge them with: candor merge RUN… -o RUN",
                    path.display()
                ),
            ));
        }
        Ok(Self { data, model })
    }

    pub(in crate::cli) fn side(&self) -> Result<Side<'_>, Failure> {
        Ok(Side::of(&self.data, self.model.as_deref())?)
    }
}

/// The baseline that the flag or the gate file names: a pinned name or a run; none if neither names one.
pub(in crate::cli) fn open_baseline(
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
                "the baseline '{name}' is neither pinned nor a run directory; {} pins {known}. Pin one with: candor baseline set {name} RUN",
                store.display()
            ),
        ));
    }
    Opened::of(name).map(Some)
}
