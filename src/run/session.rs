//! A run in its directory: begun or resumed, asked, and written down to its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::earlier::Earlier;
use super::engine::{Limits, Outcome, execute};
use super::error::SessionError;
use super::event::RunEvent;
use super::logs::Logs;
use super::plan::Plan;
use super::resumed::Resumed;
use crate::model::{ModelSpec, Named, bare_key_is_set};
use crate::store::{
    CompletionCache, Manifest, ROUTE, Recording, RunDirectory, RunStatus, StoreError,
};

/// How a run is done, besides its plan.
#[derive(Default)]
pub struct SessionOptions {
    /// What bounds it.
    pub limits: Limits,
    /// Answers that were paid for before.
    pub cache: Option<Arc<CompletionCache>>,
    /// Where raw exchanges are kept, if they are.
    pub recording: Option<Arc<Recording>>,
}

/// A plan and the directory that it is run into. Whatever can go wrong before the first request goes wrong before there is one of these.
pub struct Session {
    plan: Arc<Plan>,
    directory: RunDirectory,
    earlier: Earlier,
    options: SessionOptions,
    lost: Option<StoreError>,
}

impl Session {
    /// Begins a run in a new directory.
    ///
    /// # Errors
    /// [`SessionError::Unpriced`] if the budget cannot be kept; then there is no directory. [`SessionError::Store`] if it cannot be
    /// made.
    pub fn start(
        plan: Arc<Plan>,
        path: &Path,
        options: SessionOptions,
    ) -> Result<Self, SessionError> {
        can_keep(options.limits.budget, &plan)?;
        Ok(Self {
            directory: RunDirectory::create(path, plan.manifest())?,
            plan,
            earlier: Earlier::default(),
            options,
            lost: None,
        })
    }

    /// Continues a run. Trials that have an answer are not asked again, and its budget is where no other is given.
    ///
    /// # Errors
    /// [`SessionError`] if suites or models have changed, the budget cannot be kept, or the journal cannot be read.
    pub fn resume(
        plan: Arc<Plan>,
        resumed: Resumed,
        mut options: SessionOptions,
    ) -> Result<Self, SessionError> {
        let stands = resumed.directory.manifest.budget;
        options.limits.budget = options.limits.budget.or(stands);
        can_keep(options.limits.budget, &plan)?;
        resumed.check(&plan)?;
        let lost = match resumed.directory.journal_is_whole() {
            Err(lost @ StoreError::Lost { .. }) => Some(lost),
            other => other.map(|()| None)?,
        };
        Ok(Self {
            earlier: Earlier::read(&resumed.directory)?,
            directory: resumed.directory,
            plan,
            options,
            lost,
        })
    }

    /// What the journal has lost, where it has lost anything: it is asked again, and paid for again.
    #[must_use]
    pub fn lost_lines(&self) -> Option<&StoreError> {
        self.lost.as_ref()
    }

    /// Its plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Its directory, or its address on a store.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        self.directory.place()
    }

    /// The models that a person must name again to resume this run.
    #[must_use]
    pub fn to_be_named_again(&self) -> Vec<ModelSpec> {
        let key_is_set = bare_key_is_set();
        let opened = self.plan.models.iter();
        let opened = opened.filter_map(|m| m.model.identity().spec.parse().ok());
        let failed = self.plan.failed.iter().map(|(spec, _)| spec.clone());
        opened
            .chain(failed)
            .filter(|spec| Named::default().resumed(spec, key_is_set).is_err())
            .collect()
    }

    /// Asks what the plan still lacks, until it ends or `stop` turns true, and writes manifest, journal and tables.
    ///
    /// # Errors
    /// [`StoreError`] if the directory cannot be written.
    pub async fn run(
        self,
        on_event: impl Fn(RunEvent) + Send + Sync + 'static,
        stop: watch::Receiver<bool>,
    ) -> Result<(RunDirectory, Outcome), StoreError> {
        let Self {
            plan,
            mut directory,
            earlier,
            options:
                SessionOptions {
                    limits,
                    cache,
                    recording,
                },
            ..
        } = self;
        directory.manifest.budget = limits.budget;
        directory.manifest.update_models(plan.model_records());
        directory.manifest.status = RunStatus::Running;
        // Before anything is sent: a killed run does not hide where its prompts went.
        let earlier_hosts = directory.manifest.prompts_sent_to.clone();
        directory.manifest.send_to(hosts(&plan, false));
        directory.save_manifest()?;
        directory.publish()?;
        let journal = directory.append_to_journal()?;
        let traffic = directory.traffic_log();
        let outcome = execute(
            Arc::clone(&plan),
            journal,
            cache,
            earlier,
            limits,
            Logs {
                traffic: Some(Arc::new(traffic)),
                recording,
            },
            on_event,
            stop,
        )
        .await?;
        directory.manifest.prompts_sent_to = earlier_hosts;
        let asked = hosts(&plan, true);
        directory.manifest.send_to(asked);
        close(&mut directory.manifest, &plan, &outcome);
        directory.save_manifest()?;
        directory.write_tables()?;
        directory.publish()?;
        Ok((directory, outcome))
    }
}

/// The hosts of a plan's models and judges; with `asked`, of those that were sent a prompt.
fn hosts(plan: &Plan, asked: bool) -> impl Iterator<Item = String> {
    let models = plan.models.iter().map(|m| &m.model);
    let models = models.chain(plan.panel.models());
    let models = models.filter(move |m| !asked || m.was_asked());
    models.filter_map(|m| m.host().map(str::to_owned))
}

/// Writes down how a run ended.
fn close(manifest: &mut Manifest, plan: &Plan, outcome: &Outcome) {
    let missing = outcome.failed + outcome.not_asked + outcome.unjudged;
    manifest.status = match (outcome.stopped, missing) {
        (Some(_), _) => RunStatus::Interrupted,
        (None, 0) => RunStatus::Finished,
        (None, _) => RunStatus::FinishedWithFailures,
    };
    manifest.cached = outcome.cached;
    if outcome.routed {
        manifest.add_stratum(ROUTE);
    }
    manifest.finished = outcome.stopped.is_none().then(Timestamp::now);
    for planned in &plan.models {
        let name = &planned.model.identity().name;
        let mut records = manifest.models.iter_mut();
        if let Some(record) = records.find(|m| m.identity.name == *name) {
            record.shared_tokens = planned.model.activity().map(|activity| activity.shared);
        }
    }
    for (model, reason) in &outcome.given_up {
        let name = &plan.models[*model].model.identity().name;
        let mut records = manifest.models.iter_mut();
        if let Some(record) = records.find(|m| m.identity.name == *name) {
            record.stopped = Some(reason.clone());
        }
    }
}

/// Refuses a budget that cannot be enforced because prices are unknown.
fn can_keep(budget: Option<f64>, plan: &Plan) -> Result<(), SessionError> {
    let unpriced = plan.unpriced();
    if budget.is_none() || unpriced.is_empty() {
        return Ok(());
    }
    let unpriced = unpriced.into_iter().map(str::to_owned).collect();
    Err(SessionError::Unpriced(unpriced))
}
