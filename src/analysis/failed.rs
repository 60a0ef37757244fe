//! Why trials have no answer.

use std::collections::BTreeMap;

use super::{AnalysisError, Dataset};
use crate::store::{Filter, TRIALS, TrialStatus, column};

/// Trials of a model on a suite that failed for one kind of reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTrials {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// The kind of error, in the words of `trials.parquet`: `rate_limited`, `timeout` …
    pub class: String,
    /// How many.
    pub trials: u64,
    /// The message of the first of them.
    pub message: String,
}

/// The trials that failed, by model, suite and kind of error.
///
/// # Errors
/// [`AnalysisError::Store`] if the tables are not a run's.
pub fn failed_trials(data: &Dataset) -> Result<Vec<FailedTrials>, AnalysisError> {
    let failed = Filter::all().is(column::STATUS, TrialStatus::Error.name());
    let columns = [
        column::MODEL,
        column::SUITE,
        column::ERROR_CLASS,
        column::ERROR,
    ];
    let mut found: BTreeMap<[String; 3], FailedTrials> = BTreeMap::new();
    data.each(TRIALS, &columns, &failed, |part| {
        let [models, suites, classes, messages] = columns.map(|c| part.texts(c));
        let (models, suites, classes, messages) = (models?, suites?, classes?, messages?);
        for row in 0..part.height() {
            let name =
                [&models, &suites, &classes].map(|t| t.get(row).unwrap_or_default().to_owned());
            let [model, suite, class] = name.clone();
            let kind = found.entry(name).or_insert_with(|| FailedTrials {
                model,
                suite,
                class,
                trials: 0,
                message: messages.get(row).unwrap_or_default().to_owned(),
            });
            kind.trials += 1;
        }
        Ok(())
    })?;
    Ok(found.into_values().collect())
}
