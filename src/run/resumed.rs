//! A run that was begun before: what was planned then, and whether a plan made now is still that plan.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{PlanError, SessionError};
use super::plan::{Plan, PlanOptions};
use crate::model::{ModelSpec, Named, bare_key_is_set};
use crate::store::{Manifest, RunDirectory};

/// A run to be resumed, locked.
#[derive(Debug)]
pub struct Resumed {
    pub(super) directory: RunDirectory,
}

impl Resumed {
    /// Opens and locks a run.
    ///
    /// # Errors
    /// [`SessionError::Store`] if there is none or another process writes it, [`SessionError::Imported`] if nothing was ever asked.
    pub fn open(path: &Path) -> Result<Self, SessionError> {
        let directory = RunDirectory::open_to_write(path)?;
        if directory.manifest.imported_from.is_some() {
            return Err(SessionError::Imported(directory.place()));
        }
        Ok(Self { directory })
    }

    fn manifest(&self) -> &Manifest {
        &self.directory.manifest
    }

    /// The suites' specifications.
    #[must_use]
    pub fn suites(&self) -> Vec<String> {
        let suites = self.manifest().suites.iter();
        suites.map(|s| s.spec.clone()).collect()
    }

    /// The models, as they may be opened. Those that only a person may name must be among the named ones; `again` are the
    /// specifications given now, each of which must be a model of the run.
    ///
    /// # Errors
    /// [`SessionError::Plan`] with [`PlanError::NotNamed`] or [`PlanError::Spec`], [`SessionError::OtherModel`].
    pub fn models(&self, named: &Named, again: &[String]) -> Result<Vec<ModelSpec>, SessionError> {
        let key_is_set = bare_key_is_set();
        let mut models = Vec::with_capacity(self.manifest().models.len());
        for model in &self.manifest().models {
            let written: ModelSpec = model.identity.spec.parse().map_err(PlanError::from)?;
            let model = named.resumed(&written, key_is_set);
            models.push(model.map_err(PlanError::from)?);
        }
        for named in again {
            let spec: ModelSpec = named.parse().map_err(PlanError::from)?;
            if !models.iter().any(|model| model.is_same(&spec)) {
                return Err(SessionError::OtherModel(named.clone()));
            }
        }
        Ok(models)
    }

    /// What else decided the plan.
    #[must_use]
    pub fn options(&self) -> PlanOptions {
        let manifest = self.manifest();
        let first = manifest.suites.first();
        PlanOptions {
            filter: first.map(|s| s.filter.clone()).unwrap_or_default(),
            max_tokens: first.and_then(|s| s.max_tokens),
            limit: manifest.limit,
            epochs: manifest.epochs,
            seed: manifest.seed,
            shard: manifest.shard,
            ..PlanOptions::default()
        }
    }

    /// Refuses a plan that is not the one the run was begun with.
    ///
    /// # Errors
    /// [`SessionError::OtherPlan`].
    pub fn is_of(&self, plan: &Plan) -> Result<(), SessionError> {
        let (then, now) = (self.manifest(), plan.manifest());
        let suites = |m: &Manifest| -> Vec<_> {
            let suites = m.suites.iter();
            suites
                .map(|s| (s.name.clone(), s.filter.clone(), s.max_tokens, s.samples))
                .collect()
        };
        let models = |m: &Manifest| -> BTreeSet<String> {
            let models = m.models.iter();
            models.map(|m| m.identity.name.clone()).collect()
        };
        let rest = |m: &Manifest| (m.limit, m.epochs, m.seed, m.shard);
        let what = if suites(then) != suites(&now) {
            "suites, filters or limits"
        } else if models(then) != models(&now) {
            "models"
        } else if rest(then) != rest(&now) {
            "limits, epochs, seed or shard"
        } else {
            return Ok(());
        };
        let place = self.directory.place();
        Err(SessionError::OtherPlan { place, what })
    }

    /// Refuses a plan whose suites or models are not what they were.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), SessionError> {
        let changed = self.manifest().suites.iter().find(|then| {
            let mut suites = plan.suites.iter().map(|s| &s.suite);
            !suites.any(|s| s.file.name == then.name && s.content_hash == then.content_hash)
        });
        let models = plan.model_records();
        if let Some(suite) = changed {
            return Err(SessionError::SuiteChanged(suite.name.clone()));
        }
        let failed = |spec: &str| plan.failed.iter().any(|(own, _)| own.to_string() == spec);
        let changed = self.manifest().models.iter().find(|then| {
            let (spec, print) = (&then.identity.spec, &then.identity.fingerprint);
            // A model that could not be opened, then or now, cannot be compared.
            !print.is_empty()
                && !failed(spec)
                && models.iter().all(|m| m.identity.fingerprint != *print)
        });
        match changed {
            Some(model) => Err(SessionError::ModelChanged(model.identity.name.clone())),
            None => Ok(()),
        }
    }
}
