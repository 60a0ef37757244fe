//! What earlier starts of a run have left to continue from.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use jiff::Timestamp;

use crate::store::{
    CachedAnswers, ROUTE, RunDirectory, StoreError, TrialKey, TrialRecord, TrialStatus, read_record,
};

/// Answers that are there, and what they cost.
#[derive(Debug, Default)]
pub struct Earlier {
    /// Trials that are finished.
    pub(super) done: HashSet<TrialKey>,
    /// Trials that have an answer, and lack a judge's word on it: where their lines begin.
    unjudged: HashMap<TrialKey, u64>,
    /// US dollars spent, line by line.
    pub(super) spent: Vec<f64>,
    /// Answers among the finished ones that came from the completion cache.
    pub(super) cached: Option<CachedAnswers>,
    /// Whether an answer's upstream is known.
    pub(super) routed: bool,
    journal: PathBuf,
    /// When the run began.
    pub(super) begun: Option<Timestamp>,
}

impl Earlier {
    /// Reads what a run's journal holds. Trials without an answer are not among the finished ones: they are asked again.
    ///
    /// # Errors
    /// [`StoreError`] if the journal cannot be read.
    pub fn read(run: &RunDirectory) -> Result<Self, StoreError> {
        let mut earlier = Self {
            journal: run.journal(),
            begun: Some(run.manifest.created),
            ..Self::default()
        };
        let Some(mut records) = run.records()? else {
            return Ok(earlier);
        };
        earlier.spent = records.journal().spent().to_vec();
        while let Some(record) = records.next() {
            let record = record?;
            if record.status == TrialStatus::Error {
                continue;
            }
            if !record.unjudged.is_empty() {
                let line = records.journal().offset();
                earlier.unjudged.insert(record.trial, line);
                continue;
            }
            earlier.routed |= record.strata.contains_key(ROUTE);
            let given = record.completion.and_then(|c| c.given);
            if let Some(time) = given.filter(|time| *time < run.manifest.created) {
                earlier.cached = Some(CachedAnswers::and(earlier.cached, time));
            }
            earlier.done.insert(record.trial);
        }
        Ok(earlier)
    }

    /// The record of a trial whose answer is there, and lacks a judge's word.
    pub(super) fn unjudged(&self, trial: &TrialKey) -> Option<TrialRecord> {
        let line = *self.unjudged.get(trial)?;
        read_record(&self.journal, line)
            .inspect_err(|e| {
                tracing::warn!("an answer cannot be read back and will be asked again: {e}");
            })
            .ok()
            .filter(|record| record.trial == *trial && record.completion.is_some())
    }
}
