//! `run.json`: what was run, exactly enough to resume it or to compare it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rescored::RescoredSuite;
use crate::hub::HubPin;
use crate::model::{Capabilities, Identity, SharedTokens};
use crate::score::{Tells, tells_of};
use crate::suite::{Artefacts, Filter, Kind, PublishedAs, SuiteParts, TaskGroup};

/// Whether a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunStatus {
    /// It was begun and has not ended (or was killed).
    Running,
    /// Stopped by hand or by a budget; it can continue.
    Interrupted,
    /// Every trial ended, some without an answer.
    FinishedWithFailures,
    /// Every trial has an answer.
    Finished,
}

/// One part of a plan that several machines share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 1.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

/// A suite as it was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SuiteRecord {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Benchmark, audit or bias.
    pub kind: Kind,
    /// One line on it.
    pub title: String,
    /// The specification it was loaded from.
    pub spec: String,
    /// BLAKE3 of its content.
    pub content_hash: String,
    /// The same, per part; none for imported answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parts: Option<SuiteParts>,
    /// The suite's primary metric: its scorer and metric.
    pub headline: (String, String),
    /// What that metric tells; none in runs written before it was recorded, where the names decide.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tells: Option<Tells>,
    /// Its name in lists of published figures.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published_as: Option<PublishedAs>,
    /// Names of related benchmarks there.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub related_to: Vec<String>,
    /// Names of its strata.
    pub strata: Vec<String>,
    /// Samples asked.
    pub samples: usize,
    /// Samples it has.
    pub available: usize,
    /// Which of its samples were to be asked.
    #[serde(skip_serializing_if = "Filter::is_everything", default)]
    pub filter: Filter,
    /// Tokens an answer could have at most, where it is not what the suite says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_tokens: Option<u32>,
    /// What its choices give away by form alone, if it has choices.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub artefacts: Option<Artefacts>,
    /// Licence of its items.
    pub licence: String,
    /// Where its items come from.
    pub source: String,
}

impl SuiteRecord {
    /// Whether its headline says what was answered and what was withheld.
    #[must_use]
    pub fn tells_what_is_withheld(&self) -> bool {
        let (scorer, metric) = &self.headline;
        let tells = self.tells.unwrap_or_else(|| tells_of(scorer, metric));
        self.kind == Kind::Audit && tells == Tells::Withheld
    }
}

/// One of the routes to a model that several upstreams serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteOf {
    /// The model, whoever serves it.
    pub model: String,
    /// The upstream.
    pub route: String,
}

/// A model as it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelRecord {
    /// Who it is.
    #[serde(flatten)]
    pub identity: Identity,
    /// Its capabilities; none for imported answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capabilities: Option<Capabilities>,
    /// Why it was given up or could not be opened (then its fingerprint is empty).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped: Option<String>,
    /// The route that all its answers came by, where one was chosen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub route: Option<RouteOf>,
    /// What it was spared in the last start of the run because prompts begin alike, where it keeps count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shared_tokens: Option<SharedTokens>,
}

impl ModelRecord {
    /// Whether its weights ran in candor's own process, with no platform between.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        let scheme = self.identity.spec.split(':').next().unwrap_or_default();
        ["onnx", "demo"].contains(&scheme)
    }
}

/// Answers that the completion cache gave: a model was asked for them before the run, and may have been another then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CachedAnswers {
    /// How many.
    pub answers: u64,
    /// When the first of them was given.
    pub oldest: Timestamp,
    /// When the last of them was given.
    pub newest: Timestamp,
}

impl CachedAnswers {
    /// With one more answer, given at `time`.
    #[must_use]
    pub fn and(so_far: Option<Self>, time: Timestamp) -> Self {
        let so_far = so_far.unwrap_or(Self {
            answers: 0,
            oldest: time,
            newest: time,
        });
        Self {
            answers: so_far.answers + 1,
            oldest: so_far.oldest.min(time),
            newest: so_far.newest.max(time),
        }
    }
}

/// The manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the run directory's format: 1.
    pub format: u32,
    /// The candor that wrote it.
    pub candor_version: String,
    /// When it began.
    pub created: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished: Option<Timestamp>,
    /// Whether it is over.
    pub status: RunStatus,
    /// What was asked.
    pub suites: Vec<SuiteRecord>,
    /// Groups of tasks among the suites, with the figures that sum them up.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<TaskGroup>,
    /// The commits of datasets of the hub that the suites' rows were read from.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub hub: Vec<HubPin>,
    /// Who was asked.
    pub models: Vec<ModelRecord>,
    /// Epochs of each sample.
    pub epochs: u32,
    /// Maximum number of samples per suite.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<usize>,
    /// Seed of order and draws.
    pub seed: u64,
    /// The part of the plan, if it is sharded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shard: Option<Shard>,
    /// Where the answers came from, for imported runs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub imported_from: Option<String>,
    /// Answers that came from the completion cache, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cached: Option<CachedAnswers>,
    /// Budget in US dollars, if one was set; it applies until another is named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub budget: Option<f64>,
    /// Where prompts went: scheme, host and port of every server that was sent any, judges included; while a run continues, and of one that was
    /// killed, of every server that it was to send any.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub prompts_sent_to: Vec<String>,
    /// When `candor score` gave the scores that count, where it did; they are in `rescored.jsonl`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rescored: Option<Timestamp>,
    /// Operating system, architecture and cores.
    pub host: String,
}

impl Manifest {
    /// A manifest of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            format: 1,
            candor_version: env!("CARGO_PKG_VERSION").into(),
            created: Timestamp::now(),
            finished: None,
            status: RunStatus::Running,
            suites: Vec::new(),
            groups: Vec::new(),
            hub: Vec::new(),
            models: Vec::new(),
            epochs: 1,
            limit: None,
            seed: 0,
            shard: None,
            imported_from: None,
            cached: None,
            budget: None,
            prompts_sent_to: Vec::new(),
            rescored: None,
            host: format!(
                "{} {}, {cores} cores",
                std::env::consts::OS,
                std::env::consts::ARCH
            ),
        }
    }
}

impl Manifest {
    /// Takes over what rescoring changed of a suite.
    pub(super) fn rescore(&mut self, suite: &str, now: RescoredSuite) {
        if let Some(record) = self.suites.iter_mut().find(|s| s.name == suite) {
            record.headline = now.headline;
            record.tells = now.tells;
            if let (Some(parts), Some(scorers)) = (&mut record.parts, now.scorers) {
                parts.scorers = scorers;
            }
        }
    }

    /// Takes over what a further shard of the same plan knows.
    pub(super) fn take_from_shard(&mut self, shard: &Self) {
        for (known, now) in self.models.iter_mut().zip(&shard.models) {
            if known.identity.fingerprint.is_empty() {
                *known = now.clone();
            } else if known.stopped.is_none() {
                known.stopped.clone_from(&now.stopped);
            }
        }
        self.send_to(shard.prompts_sent_to.iter().cloned());
        for suite in &shard.suites {
            suite
                .strata
                .iter()
                .for_each(|s| self.add_stratum_to(&suite.name, s));
        }
        self.cached = match (self.cached, shard.cached) {
            (Some(a), Some(b)) => Some(CachedAnswers {
                answers: a.answers + b.answers,
                oldest: a.oldest.min(b.oldest),
                newest: a.newest.max(b.newest),
            }),
            (a, b) => a.or(b),
        };
    }

    fn add_stratum_to(&mut self, suite: &str, stratum: &str) {
        let own = self.suites.iter_mut().find(|s| s.name == suite);
        if let Some(suite) = own.filter(|s| !s.strata.iter().any(|s| s == stratum)) {
            suite.strata.push(stratum.to_owned());
            suite.strata.sort();
        }
    }

    /// Adds hosts that prompts are sent to.
    pub fn send_to(&mut self, hosts: impl IntoIterator<Item = String>) {
        self.prompts_sent_to.extend(hosts);
        self.prompts_sent_to.sort();
        self.prompts_sent_to.dedup();
    }

    /// Adds a stratum that answers have, whatever their suite.
    pub fn add_stratum(&mut self, name: &str) {
        for suite in &mut self.suites {
            if !suite.strata.iter().any(|s| s == name) {
                suite.strata.push(name.to_owned());
                suite.strata.sort();
            }
        }
    }

    /// Takes over what a new start knows of the models: one that opens now is as it is now, one that does not keeps what was
    /// known of it, with the reason.
    pub fn update_models(&mut self, now: Vec<ModelRecord>) {
        for record in now {
            let known = self
                .models
                .iter_mut()
                .find(|m| m.identity.spec == record.identity.spec);
            match known {
                Some(known) if record.identity.fingerprint.is_empty() => {
                    known.stopped = record.stopped;
                }
                Some(known) => *known = record,
                None => self.models.push(record),
            }
        }
    }
}

impl Default for Manifest {
    fn default() -> Self {
        Self::new()
    }
}
