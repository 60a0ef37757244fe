//! One or more runs read together.

use std::collections::BTreeSet;
use std::path::Path;

use polars::prelude::*;

use super::AnalysisError;
use crate::store::{Manifest, ModelRecord, RunDirectory, StoreError, SuiteRecord, stratum_column};

/// Columns of the table of trials that every analysis may use.
const TRIAL_COLUMNS: &[&str] = &[
    "trial_key",
    "schedule_index",
    "model",
    "suite",
    "sample_id",
    "epoch",
    "pair",
    "role",
    "cluster",
    "status",
    "finish",
    "prompt",
    "target",
    "answer",
    "reasoning",
    "signals",
    "error_class",
    "error",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "queue_seconds",
    "first_token_seconds",
    "seconds",
    "origin",
];

/// The tables of runs, and what their manifests say.
pub struct Dataset {
    /// Suites, in the order first met.
    pub suites: Vec<SuiteRecord>,
    /// Models, in the order first met.
    pub models: Vec<ModelRecord>,
    /// The runs' manifests.
    pub manifests: Vec<Manifest>,
    /// Names of all strata.
    pub strata: Vec<String>,
    trials: LazyFrame,
    scores: LazyFrame,
}

impl Dataset {
    /// Opens run directories. Shards of one plan, and runs of other models on the same suites, are read together; the same
    /// model's name with another identity gets the run's directory behind it.
    ///
    /// # Errors
    /// [`AnalysisError::Mixed`] where two runs asked different contents under one suite name.
    pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Self, AnalysisError> {
        let runs: Vec<RunDirectory> = paths
            .iter()
            .map(|p| RunDirectory::open(p.as_ref()))
            .collect::<Result<_, _>>()?;
        let strata: BTreeSet<String> = runs
            .iter()
            .flat_map(|r| &r.manifest.suites)
            .flat_map(|s| s.strata.clone())
            .collect();
        let (mut suites, mut models): (Vec<SuiteRecord>, Vec<ModelRecord>) =
            (Vec::new(), Vec::new());
        let (mut trials, mut scores) = (Vec::new(), Vec::new());
        for run in &runs {
            for suite in &run.manifest.suites {
                match suites.iter_mut().find(|s| s.name == suite.name) {
                    None => suites.push(suite.clone()),
                    Some(known) if known.content_hash == suite.content_hash => {
                        known.samples = known.samples.max(suite.samples);
                    }
                    Some(known) => {
                        return Err(AnalysisError::Mixed(format!(
                            "the runs asked different contents under the suite name '{}' (versions {} and {}); answers to different questions are not put side by side",
                            suite.name, known.version, suite.version
                        )));
                    }
                }
            }
            let (mut run_trials, mut run_scores) =
                (with_strata(run.trials()?, run, &strata), run.scores()?);
            for model in &run.manifest.models {
                let mut model = model.clone();
                let taken = models
                    .iter()
                    .find(|m| m.identity.name == model.identity.name);
                if taken.is_some_and(|m| m.identity.fingerprint != model.identity.fingerprint) {
                    let place = run
                        .path
                        .file_name()
                        .and_then(|n| n.to_str())
                        .unwrap_or("other");
                    let renamed = format!("{} ({place})", model.identity.name);
                    run_trials = rename_model(run_trials, &model.identity.name, &renamed);
                    run_scores = rename_model(run_scores, &model.identity.name, &renamed);
                    model.identity.name = renamed;
                    models.push(model);
                } else if taken.is_none() {
                    models.push(model);
                }
            }
            trials.push(run_trials);
            scores.push(run_scores);
        }
        if trials.is_empty() {
            return Err(StoreError::NotARun {
                path: "(none)".into(),
                reason: "no run was given".into(),
            }
            .into());
        }
        // Runs that overlap (a run and its copy that went on elsewhere) count a trial once.
        let several = trials.len() > 1;
        let together = |frames: Vec<LazyFrame>, key: &[&str]| -> Result<LazyFrame, AnalysisError> {
            let all = concat(frames, UnionArgs::default())?;
            let key = key.iter().map(|name| col(*name)).collect();
            let once = |all: LazyFrame| all.unique_generic(Some(key), UniqueKeepStrategy::First);
            Ok(if several { once(all) } else { all })
        };
        Ok(Self {
            suites,
            models,
            manifests: runs.into_iter().map(|r| r.manifest).collect(),
            strata: strata.into_iter().collect(),
            trials: together(trials, &["trial_key"])?,
            scores: together(scores, &["trial_key", "scorer", "metric"])?,
        })
    }

    /// One row a trial.
    pub fn trials(&self) -> LazyFrame {
        self.trials.clone()
    }

    /// One row a score.
    pub fn scores(&self) -> LazyFrame {
        self.scores.clone()
    }

    /// The baseline: the model of that name, or the first.
    ///
    /// # Errors
    /// As for [`Dataset::model`].
    pub fn baseline(&self, name: Option<&str>) -> Result<&str, AnalysisError> {
        match name {
            None => Ok(self.names().next().unwrap_or_default()),
            Some(name) => self.model(name),
        }
    }

    /// The model of that name; what stands behind its last slash or colon is enough where it names one model only.
    ///
    /// # Errors
    /// [`AnalysisError::UnknownModel`] lists the models.
    pub fn model(&self, name: &str) -> Result<&str, AnalysisError> {
        let short = |m: &&str| {
            m.rsplit_once(['/', ':'])
                .is_some_and(|(_, short)| short == name)
        };
        let mut shorts = self.names().filter(short);
        self.names()
            .find(|m| *m == name)
            .or_else(|| shorts.next().filter(|_| shorts.next().is_none()))
            .ok_or_else(|| AnalysisError::UnknownModel {
                name: name.into(),
                known: self.names().collect::<Vec<_>>().join(", "),
            })
    }

    /// The suites that tell what was withheld.
    #[must_use]
    pub fn audits(&self) -> Vec<&str> {
        let audits = self.suites.iter().filter(|s| s.tells_what_is_withheld());
        audits.map(|s| s.name.as_str()).collect()
    }

    /// The models' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(|m| m.identity.name.as_str())
    }
}

/// The trial columns, then every stratum's, in one order for all runs.
fn with_strata(frame: LazyFrame, run: &RunDirectory, strata: &BTreeSet<String>) -> LazyFrame {
    let own: BTreeSet<&String> = run.manifest.suites.iter().flat_map(|s| &s.strata).collect();
    let mut columns: Vec<Expr> = TRIAL_COLUMNS.iter().map(|c| col(*c)).collect();
    columns.extend(strata.iter().map(|name| {
        let column = stratum_column(name);
        if own.contains(name) {
            col(column.as_str())
        } else {
            lit(NULL).cast(DataType::String).alias(column.as_str())
        }
    }));
    frame.select(columns)
}

fn rename_model(frame: LazyFrame, from: &str, to: &str) -> LazyFrame {
    frame.with_column(
        when(col("model").eq(lit(from.to_owned())))
            .then(lit(to.to_owned()))
            .otherwise(col("model"))
            .alias("model"),
    )
}
