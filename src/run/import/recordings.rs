//! Writes a run from another tool's recordings: trials in the order read, models and suites as they appear, and what was skipped.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{ImportError, Imported, Options, Skipped};
use crate::model::{
    Completion, ErrorClass, Identity, Origin, Parameters, Prompt, Request, RequestKey, SampleRef,
    Wanted,
};
use crate::score::{IMPORTED, Score, Tells};
use crate::store::{
    Failure, JournalLine, JournalWriter, Manifest, ModelRecord, RouteOf, RunDirectory, RunStatus,
    StoreError, SuiteRecord, TrialKey, TrialLabel, TrialRecord, TrialStatus, write_labels,
};
use crate::suite::{Filter, Kind, Pairing};
use crate::text::visible_line;

/// One trial as another tool recorded it.
pub(super) struct Recorded {
    pub(super) suite: String,
    pub(super) model: String,
    /// The sample's id in the other tool.
    pub(super) sample: String,
    /// From 0.
    pub(super) epoch: u32,
    pub(super) prompt: Prompt,
    pub(super) targets: Vec<String>,
    pub(super) strata: BTreeMap<String, String>,
    pub(super) pairing: Pairing,
    /// None where no answer was recorded.
    pub(super) completion: Option<Completion>,
    /// Why there is no answer.
    pub(super) failure: Option<Failure>,
    pub(super) scores: Vec<Score>,
    /// When it ended, where that was told.
    pub(super) finished: Option<Timestamp>,
}

impl Recorded {
    /// A trial of which nothing but its names and its prompt is known yet.
    pub(super) fn new(suite: &str, model: &str, sample: String, prompt: Prompt) -> Self {
        Self {
            suite: suite.into(),
            model: model.into(),
            sample,
            epoch: 0,
            prompt,
            targets: Vec::new(),
            strata: BTreeMap::new(),
            pairing: Pairing::default(),
            completion: None,
            failure: None,
            scores: Vec::new(),
            finished: None,
        }
    }

    /// A digest of model, suite, sample and epoch: whatever the prompt, a run has one trial of that name.
    fn name(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for part in [&self.model, &self.suite, &self.sample] {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        hasher.update(&self.epoch.to_le_bytes());
        *hasher.finalize().as_bytes()
    }

    fn status(&self) -> TrialStatus {
        match (&self.failure, &self.completion) {
            (Some(_), _) => TrialStatus::Error,
            (None, Some(completion)) => TrialStatus::of(completion),
            (None, None) => TrialStatus::Ok,
        }
    }
}

/// An answer that was recorded.
pub(super) fn recorded_answer(text: impl Into<String>) -> Completion {
    let mut completion = Completion::text(text);
    completion.origin = Origin::Recording;
    completion
}

/// A trial that the other tool could not finish, in its words.
pub(super) fn recorded_failure(message: impl Into<String>) -> Failure {
    Failure {
        class: ErrorClass::Server,
        message: message.into(),
    }
}

/// What is known of a suite besides its samples.
pub(super) struct About {
    pub(super) version: String,
    pub(super) kind: Kind,
    pub(super) title: String,
    /// The metric that counts; the first that is met where the recordings do not say.
    pub(super) headline: Option<String>,
    pub(super) tells: Tells,
    pub(super) licence: String,
    pub(super) source: String,
}

impl About {
    /// A benchmark of another tool, whose licence its recordings do not tell.
    pub(super) fn benchmark(title: String, source: &str) -> Self {
        Self {
            version: "unknown".into(),
            kind: Kind::Benchmark,
            title,
            headline: None,
            tells: Tells::Score,
            licence: "unknown".into(),
            source: source.into(),
        }
    }
}

/// A suite while its trials come in.
struct Suite {
    name: String,
    about: About,
    /// Digests of what each sample asked and wanted: one, if it was the same each time.
    samples: BTreeMap<String, BTreeSet<[u8; 32]>>,
    strata: BTreeSet<String>,
    /// Scorer and metric, in the order met.
    metrics: Vec<(String, String)>,
}

/// The run that recordings become.
pub(super) struct Recordings {
    format: &'static str,
    output: PathBuf,
    model: Option<String>,
    /// There once the first trial is: recordings without any make no run.
    writing: Option<(RunDirectory, JournalWriter)>,
    trials: u64,
    epochs: u32,
    /// Digests of model, suite, sample and epoch.
    names: HashSet<[u8; 32]>,
    models: Vec<ModelRecord>,
    suites: Vec<Suite>,
    places: HashMap<String, usize>,
    skipped: Vec<Skipped>,
    notes: Vec<String>,
    labels: Vec<TrialLabel>,
}

impl Recordings {
    pub(super) fn new(format: &'static str, output: &Path, options: &Options) -> Self {
        Self {
            format,
            output: output.to_path_buf(),
            model: options.model.clone(),
            writing: None,
            trials: 0,
            epochs: 1,
            names: HashSet::new(),
            models: Vec::new(),
            suites: Vec::new(),
            places: HashMap::new(),
            skipped: Vec::new(),
            notes: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// The model's name: the one told on the command line, else the recordings' own, else unknown.
    pub(super) fn model_name(&self, told: Option<&str>) -> String {
        let told = told.filter(|name| !name.trim().is_empty());
        let named = self.model.as_deref().or(told);
        named.unwrap_or("unknown").to_owned()
    }

    /// For recordings of many models, each named in them: no other name fits them all.
    pub(super) fn ignore_model_option(&mut self) {
        if self.model.take().is_some() {
            let format = self.format;
            self.note(format!("--model is ignored: {format} names its models"));
        }
    }

    /// Tells what is known of a suite, before its first trial.
    pub(super) fn suite(&mut self, name: &str, about: impl FnOnce() -> About) {
        if !self.places.contains_key(name) {
            self.places.insert(name.to_owned(), self.suites.len());
            self.suites.push(Suite {
                name: name.to_owned(),
                about: about(),
                samples: BTreeMap::new(),
                strata: BTreeSet::new(),
                metrics: Vec::new(),
            });
        }
    }

    /// Tells where a model that several hosts serve was served.
    pub(super) fn route(&mut self, model: &str, route: RouteOf) {
        self.model_record(model).route = Some(route);
    }

    fn model_record(&mut self, name: &str) -> &mut ModelRecord {
        let known = self.models.iter().position(|m| m.identity.name == name);
        let at = known.unwrap_or_else(|| {
            self.models.push(ModelRecord {
                identity: identity(self.format, name),
                capabilities: None,
                stopped: None,
                route: None,
                shared_tokens: None,
            });
            self.models.len() - 1
        });
        &mut self.models[at]
    }

    /// Skips something, to be reported at the end: why, how often, and where first.
    pub(super) fn skip(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        let (place, reason) = (place.into(), reason.into());
        match self.skipped.iter_mut().find(|l| l.reason == reason) {
            Some(known) => known.count += 1,
            None => self.skipped.push(Skipped {
                reason,
                count: 1,
                first: place,
            }),
        }
    }

    /// Adds a remark to be printed at the end, once.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds a remark if a mean that the other tool reports differs from the mean of the scores read.
    pub(super) fn compare(
        &mut self,
        suite: &str,
        model: &str,
        metric: &str,
        reported: f64,
        mean: f64,
    ) {
        if (reported - mean).abs() > 1e-6 * reported.abs().max(1.0) {
            let format = self.format;
            self.note(format!(
                "{format} reports {metric} {reported:.6} for {model} on {suite}; the mean of the scores read is {mean:.6}"
            ));
        }
    }

    /// Writes a trial. One that cannot be recorded, or is already there, is skipped.
    ///
    /// # Errors
    /// [`ImportError`] if the run cannot be written.
    pub(super) fn add(
        &mut self,
        place: impl Into<String>,
        trial: Recorded,
    ) -> Result<Option<TrialKey>, ImportError> {
        let request = Request {
            prompt: trial.prompt.clone(),
            parameters: Parameters::default(),
            wanted: Wanted::Generate,
            about: SampleRef::default(),
        };
        let identity = self.model_record(&trial.model).identity.clone();
        let key = RequestKey::new(&identity.fingerprint, &request, trial.epoch);
        let key = TrialKey::new(&key, &trial.suite, &trial.sample);
        let name = trial.name();
        if self.names.contains(&name) {
            self.skip(
                place,
                "duplicate: this model's answer to this sample and epoch is already there",
            );
            return Ok(None);
        }
        let status = trial.status();
        let record = TrialRecord {
            trial: key,
            schedule_index: self.trials,
            model: identity.name,
            suite: trial.suite,
            sample: trial.sample,
            epoch: trial.epoch,
            pairing: trial.pairing,
            strata: trial.strata,
            targets: trial.targets,
            prompt: trial.prompt,
            seed: None,
            status,
            completion: trial.completion,
            failure: trial.failure,
            scores: trial.scores,
            unjudged: Vec::new(),
            attempts: None,
            spent: None,
            finished: trial.finished.unwrap_or(Timestamp::UNIX_EPOCH),
        };
        let line = match JournalLine::of(&record) {
            Ok(line) => line,
            Err(StoreError::NotReadable { reason }) => {
                self.skip(place, format!("it cannot be recorded: {reason}"));
                return Ok(None);
            }
            Err(other) => return Err(other.into()),
        };
        self.names.insert(name);
        self.count(&record);
        self.journal()?.append(line)?;
        self.trials += 1;
        Ok(Some(key))
    }

    /// Adds a label from outside to a trial.
    pub(super) fn label(&mut self, trial: TrialKey, class: String, by: String) {
        self.labels.push(TrialLabel {
            trial: trial.to_string(),
            class,
            by,
        });
    }

    fn count(&mut self, record: &TrialRecord) {
        let format = self.format;
        self.suite(&record.suite, || {
            About::benchmark(format!("{format}: {}", record.suite), format)
        });
        let Some(suite) = self
            .places
            .get(&record.suite)
            .and_then(|at| self.suites.get_mut(*at))
        else {
            return;
        };
        suite
            .samples
            .entry(record.sample.clone())
            .or_default()
            .insert(digest(record));
        for name in record.strata.keys() {
            if !suite.strata.contains(name) {
                suite.strata.insert(name.clone());
            }
        }
        for Score { scorer, metric, .. } in &record.scores {
            if suite.metrics.iter().all(|(_, known)| known != metric) {
                suite.metrics.push((scorer.clone(), metric.clone()));
            }
        }
        self.epochs = self.epochs.max(record.epoch.saturating_add(1));
    }

    fn journal(&mut self) -> Result<&JournalWriter, ImportError> {
        if self.writing.is_none() {
            let manifest = Manifest {
                imported_from: Some(self.format.into()),
                ..Manifest::new()
            };
            let run = RunDirectory::create(&self.output, manifest)?;
            let journal = run.append_to_journal()?;
            self.writing = Some((run, journal));
        }
        match &self.writing {
            Some((_, journal)) => Ok(journal),
            None => Err(self.nothing()),
        }
    }

    fn nothing(&self) -> ImportError {
        let reasons: Vec<String> = self.skipped.iter().map(Skipped::to_string).collect();
        ImportError::Nothing {
            format: self.format,
            why: match reasons.as_slice() {
                [] => "no trials".into(),
                some => some.join("; "),
            },
        }
    }

    /// Closes the run: manifest, tables, labels.
    ///
    /// # Errors
    /// [`ImportError::Nothing`] where not one trial came, [`ImportError::Store`] if the run cannot be written.
    pub(super) fn finish(mut self) -> Result<(RunDirectory, Imported), ImportError> {
        let Some((mut run, journal)) = self.writing.take() else {
            return Err(self.nothing());
        };
        journal.close()?;
        let used: BTreeSet<&str> = self
            .suites
            .iter()
            .filter(|s| !s.samples.is_empty())
            .map(|s| s.name.as_str())
            .collect();
        let imported = Imported {
            trials: self.trials,
            models: self.models.len(),
            suites: used.len(),
            labels: self.labels.len(),
            skipped: self.skipped,
            notes: self.notes,
        };
        let suites = self.suites.into_iter().filter(|s| !s.samples.is_empty());
        run.manifest.suites = suites.map(Suite::record).collect();
        run.manifest.models = self.models;
        run.manifest.epochs = self.epochs;
        run.manifest.status = RunStatus::Finished;
        run.manifest.finished = Some(Timestamp::now());
        run.save_manifest()?;
        run.write_tables()?;
        if !self.labels.is_empty() {
            write_labels(&run.path.join(LABELS), &self.labels)?;
        }
        run.publish()?;
        Ok((run, imported))
    }
}

/// Labels from outside, where `candor calibrate` and reports look for them.
const LABELS: &str = "labels.jsonl";

impl Suite {
    fn record(self) -> SuiteRecord {
        let mut hasher = blake3::Hasher::new();
        for (id, digests) in &self.samples {
            hasher.update(id.as_bytes()).update(&[0]);
            for digest in digests {
                hasher.update(digest);
            }
        }
        let told = self.about.headline.as_ref();
        let told = told.and_then(|told| self.metrics.iter().find(|(_, metric)| metric == told));
        let headline = told.or(self.metrics.first()).cloned();
        SuiteRecord {
            spec: self.name.clone(),
            name: self.name,
            version: self.about.version,
            kind: self.about.kind,
            title: visible_line(&self.about.title).into_owned(),
            content_hash: hasher.finalize().to_hex().to_string(),
            parts: None,
            headline: headline.unwrap_or_else(|| (IMPORTED.into(), "score".into())),
            tells: Some(self.about.tells),
            published_as: None,
            related_to: Vec::new(),
            strata: self.strata.into_iter().collect(),
            samples: self.samples.len(),
            available: self.samples.len(),
            filter: Filter::default(),
            max_tokens: None,
            artefacts: None,
            licence: self.about.licence,
            source: self.about.source,
        }
    }
}

/// What a sample asked and wanted: the question itself, not the words around it, which differ from model to model.
fn digest(record: &TrialRecord) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(record.prompt.question().as_bytes());
    for target in &record.targets {
        hasher.update(&[0]).update(target.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn identity(format: &str, name: &str) -> Identity {
    Identity {
        name: name.into(),
        fingerprint: format!("{format}:{name}"),
        spec: format!("{format}:{name}"),
    }
}
