//! How far each run is, and what it has come to so far.

use std::collections::BTreeMap;

use serde::Serialize;

use super::catalogue::Catalogue;
use crate::stats::wilson;
use crate::store::{Manifest, RunStatus};
use crate::text::visible;

/// What is known of a run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunProgress {
    /// Its directory's name.
    pub name: String,
    /// `running`, `stopped` where nobody writes it though it is not over, `interrupted`, `finished` or `finished_with_failures`.
    pub status: &'static str,
    /// When it began.
    pub created: String,
    /// Trials of its plan; none of a shard, which holds a part of one.
    pub planned: Option<u64>,
    /// Budget in US dollars.
    pub budget: Option<f64>,
}

impl RunProgress {
    pub(super) fn of(name: String, manifest: &Manifest, written: bool) -> Self {
        let open = manifest.models.iter().filter(|m| m.stopped.is_none());
        let models = open.count() as u64;
        let samples: u64 = manifest.suites.iter().map(|s| s.samples as u64).sum();
        let planned = samples * models * u64::from(manifest.epochs);
        Self {
            name,
            status: match manifest.status {
                RunStatus::Running if written => "running",
                RunStatus::Running => "stopped",
                RunStatus::Interrupted => "interrupted",
                RunStatus::Finished => "finished",
                RunStatus::FinishedWithFailures => "finished_with_failures",
            },
            created: manifest.created.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            planned: manifest.shard.is_none().then_some(planned),
            budget: manifest.budget,
        }
    }
}

/// A model on a suite, so far.
#[derive(Debug, Serialize)]
pub(super) struct SoFar {
    model: String,
    suite: String,
    trials: u64,
    /// Trials with a score.
    n: u64,
    /// Their mean; none without any.
    mean: Option<f64>,
    /// Wilson's interval of it (95 %), trials taken as independent: a look, not the report's inference.
    low: f64,
    high: f64,
    failed: u64,
}

/// One of the newest answers.
#[derive(Debug, Serialize)]
pub(super) struct Newest {
    question: String,
    model: String,
    verdict: &'static str,
    excerpt: String,
}

/// Every model on every suite.
#[allow(clippy::cast_precision_loss)]
pub(super) fn so_far(catalogue: &Catalogue) -> Vec<SoFar> {
    let mut sums: BTreeMap<(u16, u16), (u64, u64, f64, u64)> = BTreeMap::new();
    for trial in &catalogue.trials {
        let suite = catalogue.questions[trial.question as usize].suite;
        let own = sums.entry((suite, trial.model)).or_default();
        let outcome = &catalogue.outcomes.list[trial.outcome as usize];
        own.0 += 1;
        if let Some(value) = outcome.value {
            own.1 += 1;
            own.2 += value;
        }
        own.3 += u64::from(outcome.verdict.name() == "failed");
    }
    let row = |((suite, model), (trials, n, sum, failed)): ((u16, u16), (u64, u64, f64, u64))| {
        let interval = wilson(sum.clamp(0.0, n as f64), n as f64, crate::analysis::LEVEL).ok();
        SoFar {
            model: catalogue.models.get(model.into()).to_owned(),
            suite: catalogue.suite_names.get(suite.into()).to_owned(),
            trials,
            n,
            mean: (n > 0).then(|| sum / n as f64),
            low: interval.map_or(0.0, |i| i.low),
            high: interval.map_or(1.0, |i| i.high),
            failed,
        }
    };
    sums.into_iter().map(row).collect()
}

/// The newest answers, from the newest on.
pub(super) fn newest(catalogue: &Catalogue) -> Vec<Newest> {
    let row = |trial: &u32| {
        let own = &catalogue.trials[*trial as usize];
        let question = &catalogue.questions[own.question as usize];
        Newest {
            question: catalogue.name(question),
            model: catalogue.models.get(own.model.into()).to_owned(),
            verdict: catalogue.outcome(*trial).verdict.name(),
            excerpt: question.excerpt.to_string(),
        }
    };
    catalogue.newest.iter().map(row).collect()
}

/// A directory's name as the page shows it.
pub(super) fn name_of(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    visible(&name.to_string_lossy()).into_owned()
}
