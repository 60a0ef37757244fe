//! Why a suite cannot be used.

use super::lm_eval::TaskError;
use crate::files::ReadError;
use crate::text::SourceError;

/// A suite that cannot be read, found or rendered.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum SuiteError {
    /// A place in a file is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] Box<SourceError>),
    /// There is no such suite.
    #[error("unknown suite '{name}'; {known}")]
    #[diagnostic(help(
        "Name a suite of your own by its folder; `candor suites list` describes the shipped ones"
    ))]
    Unknown {
        /// As asked for.
        name: String,
        /// The names known.
        known: String,
    },
    /// The suite's data is not on this machine.
    #[error("the data of the suite '{suite}' was not found: {reason}")]
    #[diagnostic(help("{help}"))]
    NoData {
        /// The suite.
        suite: String,
        /// What was looked for.
        reason: String,
        /// What to do.
        help: String,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A task file cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Task(Box<TaskError>),
    /// Samples are chosen by what they do not have.
    #[error("suite '{suite}': {reason}")]
    Filter {
        /// The suite.
        suite: String,
        /// What they have instead.
        reason: String,
    },
    /// A sample cannot be made or rendered.
    #[error("suite '{suite}', sample '{sample}': {reason}")]
    Sample {
        /// The suite.
        suite: String,
        /// The sample's id or its row number.
        sample: String,
        /// Why.
        reason: String,
    },
}

impl From<ReadError> for SuiteError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Source(error) => Self::Source(error),
            ReadError::File { path, reason } => Self::Unreadable { path, reason },
        }
    }
}

impl From<TaskError> for SuiteError {
    fn from(error: TaskError) -> Self {
        Self::Task(Box::new(error))
    }
}

impl From<SourceError> for SuiteError {
    fn from(error: SourceError) -> Self {
        Self::Source(Box::new(error))
    }
}
