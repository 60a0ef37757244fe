//! Why an analysis has no answer.

use crate::store::StoreError;

/// An analysis that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// A run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such model.
    #[error("the run has no model '{name}'; {known}")]
    UnknownModel {
        /// As asked for.
        name: String,
        /// The likely name, and what there is.
        known: String,
    },
    /// No such suite.
    #[error("the run has no suite '{name}'; {known}")]
    UnknownSuite {
        /// As asked for.
        name: String,
        /// The likely name, and what there is.
        known: String,
    },
    /// No such stratum.
    #[error("the run has no stratum '{name}'; {known}")]
    UnknownStratum {
        /// As asked for.
        name: String,
        /// The likely name, and what there is.
        known: String,
    },
    /// A score that no statistic can be made of.
    #[error(
        "a score is {value}: model '{model}', suite '{suite}', sample '{sample}'. Such scores cannot be aggregated; rescore the run with `candor score RUN`, or check the tool that wrote it"
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
