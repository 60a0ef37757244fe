//! The plan: which trials there are, in which order. The same inputs give the same plan on every machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::PlanError;
use super::panel::Panel;
use super::scoring::Scorers;
use crate::model::{
    self, Capabilities, Identity, Model, ModelError, ModelSpec, OpenOptions, Request, RequestKey,
};
use crate::score::{self, Judge};
use crate::store::{Manifest, ModelRecord, RouteOf, RunStatus, Shard, SuiteRecord, TrialKey};
use crate::suite::{
    self, Artefacts, DataOptions, Filter, Sample, Samples, SamplesReader, Suite, SuiteError,
    TaskGroup, artefacts,
};

/// What decides a plan besides suites and models.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOptions {
    /// Which samples of each suite.
    pub filter: Filter,
    /// Tokens an answer may have at most, where it is not what the suites say.
    pub max_tokens: Option<u32>,
    /// Maximum samples per suite.
    pub limit: Option<usize>,
    /// Epochs of each sample, at least 1.
    pub epochs: u32,
    /// Decides order and draws.
    pub seed: u64,
    /// The part of the plan to do.
    pub shard: Option<Shard>,
    /// What is asked first.
    pub order: Order,
}

/// In which order a plan goes through suites, samples and epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Every sample of every suite once, suite by suite, then all again for the next epoch.
    #[default]
    EpochMajor,
    /// Every cluster, of whichever suites, with all its epochs before the next one: a prefix is a random draw of complete clusters.
    ClusterMajor,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            max_tokens: None,
            limit: None,
            epochs: 1,
            seed: 0,
            shard: None,
            order: Order::EpochMajor,
        }
    }
}

/// A suite with its scorers and the order of its samples.
#[non_exhaustive]
pub struct PlannedSuite {
    /// The suite.
    pub suite: Suite,
    /// The specification it was loaded from.
    pub spec: String,
    /// Its scorers, in its order.
    pub scorers: Scorers,
    /// Indices of the samples to ask, in the order drawn.
    pub order: Vec<usize>,
}

impl PlannedSuite {
    /// The scorer and metric that represent the suite.
    #[must_use]
    pub fn headline(&self) -> (String, String) {
        let scorer = &self.scorers[0];
        (
            scorer.name().to_owned(),
            scorer.metrics()[0].name.to_owned(),
        )
    }
}

impl PlannedSuite {
    /// What the choices of the samples asked give away.
    fn artefacts(&self) -> Option<Artefacts> {
        let samples = &self.suite.samples;
        let mut is_asked = vec![false; samples.len()];
        for at in &self.order {
            is_asked[*at] = true;
        }
        let asked = samples.iter().zip(is_asked).filter(|(_, asked)| *asked);
        let with_choices = asked.map(|(s, _)| s).filter(|s| !s.choices.is_empty());
        let question = |sample: &Sample| self.suite.prompts.question(sample).unwrap_or_default();
        artefacts(with_choices.map(|s| {
            let question = question(&s);
            (s, question)
        }))
    }
}

/// A model in a plan.
pub struct PlannedModel {
    /// The model.
    pub model: Arc<dyn Model>,
    /// What it can do, asked once.
    pub capabilities: Capabilities,
}

/// Suites and models, and every trial between them.
pub struct Plan {
    /// What is asked.
    pub suites: Vec<PlannedSuite>,
    /// The groups of tasks among the suites.
    pub groups: Vec<TaskGroup>,
    /// Who is asked.
    pub models: Vec<PlannedModel>,
    /// Models that could not be opened, and why: the others continue without them.
    pub failed: Vec<(ModelSpec, ModelError)>,
    /// The judges that the suites' scorers ask.
    pub panel: Arc<Panel>,
    /// What else decides it.
    pub options: PlanOptions,
}

/// Looks at the samples of many trials from one thread.
pub(super) struct PlanReader<'a> {
    suites: Vec<SamplesReader<'a>>,
}

impl PlanReader<'_> {
    pub(super) fn sample(&mut self, trial: Trial) -> Sample {
        self.suites[trial.suite].at(trial.sample)
    }
}

/// One question of the plan, before it is rendered for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// Its place in the order drawn, the same for every model.
    pub schedule_index: u64,
    /// Which suite.
    pub suite: usize,
    /// Which of the suite's samples.
    pub sample: usize,
    /// Which epoch.
    pub epoch: u32,
}

/// Holds what suites set of decoding against what a model has.
///
/// # Errors
/// [`PlanError::Control`] names the first control that it does not have.
pub(super) fn must_have_controls(
    suites: &[PlannedSuite],
    model: &dyn Model,
) -> Result<(), PlanError> {
    let known = model.controls();
    for planned in suites {
        let file = &planned.suite.file;
        let mut set = file.parameters.controls();
        if let Some(control) = set.find(|control| !known.contains(control)) {
            return Err(PlanError::Control {
                suite: file.name.clone(),
                control,
                model: model.identity().name.clone(),
            });
        }
    }
    Ok(())
}

impl Plan {
    /// Loads suites and opens models.
    ///
    /// # Errors
    /// [`PlanError`] if a suite is wrong. A model that cannot be opened is skipped and told in `failed`, unless none is left.
    pub async fn new(
        suites: &[String],
        models: &[ModelSpec],
        options: PlanOptions,
        data: &DataOptions,
        open: &OpenOptions,
    ) -> Result<Self, PlanError> {
        let mut planned: Vec<PlannedSuite> = Vec::new();
        let (mut loaded, mut groups) = (Vec::new(), Vec::<TaskGroup>::new());
        for spec in suites {
            let named = suite::load_all(spec, data).await?;
            loaded.extend(named.suites);
            groups.extend(named.groups);
        }
        for (spec, mut suite) in loaded {
            if let Some(most) = options.max_tokens {
                suite.set_max_tokens(most);
            }
            if let Some((control, range)) = suite.file.parameters.control_out_of_range() {
                return Err(PlanError::OutOfRange {
                    suite: suite.file.name,
                    control,
                    range,
                });
            }
            let scorers = suite
                .file
                .scorers
                .iter()
                .map(|spec| score::build(spec).map(Arc::from))
                .collect::<Result<Scorers, _>>()
                .map_err(|error| PlanError::Scorer {
                    suite: suite.file.name.clone(),
                    error,
                })?;
            let mut judges = scorers.iter().filter_map(|scorer| scorer.as_judge());
            if judges.any(Judge::reads_other_side) {
                return Err(PlanError::BothSides(suite.file.name));
            }
            if planned.iter().any(|p| p.suite.file.name == suite.file.name) {
                return Err(PlanError::Twice {
                    what: "suites",
                    name: suite.file.name,
                    help: "rename one of them in its suite.yaml",
                });
            }
            let drawn = |sample: &Sample| place(sample, options.seed);
            let (filter, samples) = (&options.filter, &suite.samples);
            let chosen = filter.choose(&suite.file.name, samples, drawn)?;
            let order = draw_order(samples, chosen, options.seed, options.limit);
            planned.push(PlannedSuite {
                suite,
                spec,
                scorers,
                order,
            });
        }
        let wants_gpu = |spec: &ModelSpec| spec.options.get("device").is_some_and(|d| d != "cpu");
        let open = OpenOptions {
            prefer_gpu: models.iter().any(wants_gpu),
            ..open.clone()
        };
        let (mut opened, mut failed): (Vec<PlannedModel>, Vec<_>) = (Vec::new(), Vec::new());
        for spec in models {
            match model::open(spec, &open).await {
                Ok(model)
                    if opened
                        .iter()
                        .any(|o| o.model.identity().name == model.identity().name) =>
                {
                    return Err(PlanError::Twice {
                        what: "models",
                        name: model.identity().name.clone(),
                        help: "rename one of them with ?name=NAME",
                    });
                }
                Ok(model) => {
                    must_have_controls(&planned, model.as_ref())?;
                    opened.push(PlannedModel {
                        capabilities: model.capabilities(),
                        model,
                    });
                }
                Err(error) => failed.push((spec.clone(), error)),
            }
        }
        if opened.is_empty() {
            if let Some((_, error)) = failed.into_iter().next() {
                return Err(PlanError::Model(error));
            }
            failed = Vec::new();
        }
        let scorers = planned.iter().flat_map(|p| p.scorers.iter());
        let panel = Arc::new(if models.is_empty() {
            Panel::check(scorers)?
        } else {
            Panel::open(scorers, &open).await?
        });
        Ok(Self {
            suites: planned,
            groups,
            models: opened,
            failed,
            panel,
            options,
        })
    }

    /// The trials of one model, in order.
    pub fn trials(&self) -> impl Iterator<Item = Trial> + '_ {
        let epochs = self.options.epochs;
        let all: Box<dyn Iterator<Item = (u32, usize, usize)> + Send + '_> =
            match self.options.order {
                Order::EpochMajor => Box::new((0..epochs).flat_map(move |epoch| {
                    self.samples()
                        .map(move |(suite, sample)| (epoch, suite, sample))
                })),
                Order::ClusterMajor => {
                    let mut samples: Vec<_> = self
                        .samples()
                        .map(|(suite, at)| {
                            let sample = self.suites[suite].suite.samples.at(at);
                            (place(&sample, self.options.seed), suite, at)
                        })
                        .collect();
                    samples.sort_unstable();
                    Box::new(samples.into_iter().flat_map(move |(_, suite, sample)| {
                        (0..epochs).map(move |epoch| (epoch, suite, sample))
                    }))
                }
            };
        all.enumerate()
            .filter_map(move |(index, (epoch, suite, sample))| {
                let index = index as u64;
                let ours = self
                    .options
                    .shard
                    .is_none_or(|s| index % s.count == s.index - 1);
                ours.then_some(Trial {
                    schedule_index: index,
                    suite,
                    sample,
                    epoch,
                })
            })
    }

    /// Every sample to ask, suite by suite, each in the order drawn.
    fn samples(&self) -> impl Iterator<Item = (usize, usize)> + Send + '_ {
        self.suites
            .iter()
            .enumerate()
            .flat_map(|(suite, planned)| planned.order.iter().map(move |sample| (suite, *sample)))
    }

    /// Models and judges whose requests cost money that nobody knows, by their specifications. A budget cannot be kept with them.
    #[must_use]
    pub fn unpriced(&self) -> Vec<&str> {
        let models = self.models.iter().map(|m| &m.model);
        models
            .chain(self.panel.models())
            .filter(|m| !is_local(&m.identity().spec) && m.price(0, 0).is_none())
            .map(|m| m.identity().spec.as_str())
            .collect()
    }

    /// Trials per model.
    #[must_use]
    pub fn trials_per_model(&self) -> u64 {
        let samples: u64 = self.suites.iter().map(|s| s.order.len() as u64).sum();
        let all = samples * u64::from(self.options.epochs);
        match self.options.shard {
            Some(Shard { index, count }) => (all + count - index) / count,
            None => all,
        }
    }

    /// A trial's sample.
    #[must_use]
    pub fn sample(&self, trial: Trial) -> Sample {
        self.suites[trial.suite].suite.samples.at(trial.sample)
    }

    /// For a thread that looks at the samples of many trials.
    pub(super) fn reader(&self) -> PlanReader<'_> {
        let suites = self.suites.iter();
        PlanReader {
            suites: suites.map(|s| s.suite.samples.reader()).collect(),
        }
    }

    /// The request and the names of a trial for a model.
    ///
    /// # Errors
    /// [`SuiteError`] if the sample cannot be rendered.
    pub fn request(
        &self,
        trial: Trial,
        model: usize,
    ) -> Result<(Request, RequestKey, TrialKey), SuiteError> {
        self.request_of(&self.sample(trial), trial, model)
    }

    /// The same for whoever has the trial's sample at hand.
    pub(super) fn request_of(
        &self,
        sample: &Sample,
        trial: Trial,
        model: usize,
    ) -> Result<(Request, RequestKey, TrialKey), SuiteError> {
        let planned = &self.suites[trial.suite];
        let target = &self.models[model];
        let mut request =
            planned
                .suite
                .prompts
                .request(sample, target.capabilities.chat, trial.epoch)?;
        if request.parameters.temperature > 0.0 && request.parameters.seed.is_none() {
            request.parameters.seed = Some(draw_seed(
                self.options.seed,
                &planned.suite.file.name,
                &sample.id,
                trial.epoch,
            ));
        }
        let key = RequestKey::new(&target.model.identity().fingerprint, &request, trial.epoch);
        let trial_key = TrialKey::new(&key, &planned.suite.file.name, &sample.id);
        Ok((request, key, trial_key))
    }

    /// The key of a request that its task asks once more within an epoch.
    pub(super) fn repeat_key(
        &self,
        request: &Request,
        model: usize,
        epoch: u32,
        repeat: u32,
    ) -> RequestKey {
        let fingerprint = &self.models[model].model.identity().fingerprint;
        // Epochs fill the lower half, so that no repeat is another epoch's first answer.
        RequestKey::new(fingerprint, request, epoch | repeat << 16)
    }

    /// The manifest of a run of this plan.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let mut manifest = Manifest::new();
        manifest.suites = self.suites.iter().map(|s| self.record(s)).collect();
        manifest.groups.clone_from(&self.groups);
        let pins = self.suites.iter().flat_map(|s| s.suite.pins.clone());
        manifest.hub = pins.collect::<BTreeSet<_>>().into_iter().collect();
        manifest.models = self.model_records();
        (
            manifest.epochs,
            manifest.limit,
            manifest.seed,
            manifest.shard,
        ) = (
            self.options.epochs,
            self.options.limit,
            self.options.seed,
            self.options.shard,
        );
        manifest.status = RunStatus::Running;
        manifest
    }

    /// What is written down of its models.
    pub(super) fn model_records(&self) -> Vec<ModelRecord> {
        let opened = self.models.iter().map(|m| ModelRecord {
            identity: m.model.identity().clone(),
            capabilities: Some(m.capabilities),
            stopped: None,
            route: route_of(&m.model.identity().spec),
            shared_tokens: None,
        });
        let failed = self.failed.iter().map(|(spec, error)| ModelRecord {
            identity: Identity {
                name: spec.display_name(),
                fingerprint: String::new(),
                spec: spec.to_string(),
            },
            capabilities: None,
            stopped: Some(error.to_string()),
            route: None,
            shared_tokens: None,
        });
        opened.chain(failed).collect()
    }

    /// What is written down of a suite.
    fn record(&self, planned: &PlannedSuite) -> SuiteRecord {
        let file = &planned.suite.file;
        let mut strata = BTreeSet::new();
        for sample in planned.suite.samples.iter() {
            strata.extend(sample.strata.into_keys());
        }
        SuiteRecord {
            name: file.name.clone(),
            version: file.version.clone(),
            kind: file.kind,
            title: file.title.clone(),
            spec: planned.spec.clone(),
            content_hash: planned.suite.content_hash.clone(),
            parts: Some(planned.suite.parts.clone()),
            headline: planned.headline(),
            tells: Some(planned.scorers[0].metrics()[0].tells),
            published_as: file.published_as.clone(),
            related_to: file.related_to.clone(),
            strata: strata.into_iter().collect(),
            samples: planned.order.len(),
            available: planned.suite.samples.len(),
            filter: self.options.filter.clone(),
            max_tokens: self.options.max_tokens,
            artefacts: planned.artefacts(),
            licence: file.licence.clone(),
            source: file.source.clone(),
        }
    }
}

/// The route that a specification pins, and the model behind it.
fn route_of(spec: &str) -> Option<RouteOf> {
    let mut spec: ModelSpec = spec.parse().ok()?;
    let route = spec.options.remove("route")?;
    spec.options.clear();
    Some(RouteOf {
        model: spec.display_name(),
        route,
    })
}

/// Whether a model answers without a server, and so without a price.
fn is_local(spec: &str) -> bool {
    ["onnx:", "demo:", "replay:"]
        .iter()
        .any(|scheme| spec.starts_with(scheme))
}

/// The order in which samples are asked: by a hash of the seed and the sample's cluster (its pair, or itself), so that a
/// prefix is a random draw of whole clusters, and two suites that share pairs draw the same ones.
fn draw_order(
    samples: &Samples,
    chosen: Vec<usize>,
    seed: u64,
    limit: Option<usize>,
) -> Vec<usize> {
    // Half of a hash distinguishes clusters as well as the whole, in half the memory.
    let mut order: Vec<([u8; 16], usize)> = chosen
        .into_iter()
        .map(|i| {
            let place = place(&samples.at(i), seed);
            (std::array::from_fn(|at| place[at]), i)
        })
        .collect();
    order.sort_unstable();
    order.truncate(limit.unwrap_or(usize::MAX));
    order.into_iter().map(|(_, i)| i).collect()
}

/// A sample's place in the order drawn: the same for all samples of a cluster.
fn place(sample: &Sample, seed: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&seed.to_le_bytes())
        .update(sample.unit().as_bytes());
    *hasher.finalize().as_bytes()
}

fn draw_seed(seed: u64, suite: &str, sample: &str, epoch: u32) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&seed.to_le_bytes())
        .update(suite.as_bytes())
        .update(&[0])
        .update(sample.as_bytes())
        .update(&epoch.to_le_bytes());
    let bytes = hasher.finalize();
    u64::from_le_bytes(
        bytes.as_bytes()[..8]
            .try_into()
            .expect("a hash has 32 bytes"),
    ) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(names: &[(&str, &str)]) -> Samples {
        names
            .iter()
            .map(|(id, cluster)| {
                let mut sample = Sample::new(*id);
                sample.pairing.cluster = Some((*cluster).to_owned());
                sample
            })
            .collect()
    }

    #[test]
    fn two_suites_that_share_clusters_draw_the_same_ones() {
        let sensitive = samples(&[("s1", "a"), ("s2", "b"), ("s3", "c"), ("s4", "d")]);
        let control = samples(&[("c4", "d"), ("c3", "c"), ("c2", "b"), ("c1", "a")]);
        let clusters = |all: &Samples| {
            draw_order(all, (0..4).collect(), 7, Some(2))
                .into_iter()
                .map(|i| all.at(i).pairing.cluster.unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(clusters(&sensitive), clusters(&control));
        assert_ne!(
            draw_order(&sensitive, (0..4).collect(), 7, None),
            draw_order(&sensitive, (0..4).collect(), 8, None)
        );
    }
}
