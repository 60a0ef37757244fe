//! Why an analysis has no answer.

use crate::store::StoreError;

/// An analysis that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// A run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such model.
    #[error("there is no model '{name}' in the run; its models: {known}")]
    UnknownModel {
        /// As asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No such suite.
    #[error("there is no suite '{name}' in the run; its suites: {known}")]
    UnknownSuite {
        /// As asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No such stratum.
    #[error("there is no stratum '{name}' in the run; its strata: {known}")]
    UnknownStratum {
        /// As asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A score that no statistic can be made of.
    #[error(
        "a score is {value}: model '{model}', suite '{suite}', sample '{sample}'. No figure is made of such scores; score the run again with `candor score RUN`, or look at what wrote it"
    )]
    NotANumber {
        /// The model.
        model: String,
        /// The suite.
        suite: String,
        /// The sample.
        sample: String,
        /// NaN or infinite.
        value: f64,
    },
    /// Runs that cannot be read together.
    #[error("{0}")]
    Mixed(String),
}
