//! Why a run cannot be planned, begun or resumed.

use std::path::PathBuf;

use crate::model::{Control, ModelError, NotNamed, SpecError};
use crate::sandbox::NoSandbox;
use crate::score::ScoreError;
use crate::store::StoreError;
use crate::suite::SuiteError;

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum PlanError {
    /// A suite cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Suite(#[from] SuiteError),
    /// A suite's scorer cannot be made.
    #[error("suite '{suite}': {error}")]
    Scorer {
        /// The suite.
        suite: String,
        /// Why.
        error: ScoreError,
    },
    /// A suite's scorer reads the answers to both sides of a pair, which are there only once a run has ended.
    #[error(
        "suite '{0}': judge_sides compares the answers to both sides of a pair, which are there only once a run has ended"
    )]
    #[diagnostic(help(
        "Leave it out of suite.yaml, and name it afterwards: candor score RUN -s refusal -s 'judge_sides: {{models: [\"openai:gpt-4o\"]}}'"
    ))]
    BothSides(String),
    /// A specification cannot be read.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A suite names what only a person may.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotNamed(#[from] NotNamed),
    /// A suite sets a control of decoding to what it cannot be.
    #[error("suite '{suite}': {control} must be {range}")]
    OutOfRange {
        /// The suite.
        suite: String,
        /// The control.
        control: Control,
        /// The values that it can have.
        range: &'static str,
    },
    /// A suite sets a control of decoding that a model does not have.
    #[error("the suite '{suite}' sets {control}, which {model} does not have")]
    #[diagnostic(help(
        "Without it the answers would be others. Take {control} out of the suite's parameters, or ask a model that runs in this process (onnx:)"
    ))]
    Control {
        /// The suite.
        suite: String,
        /// The control.
        control: Control,
        /// The model.
        model: String,
    },
    /// A model cannot be opened.
    #[error("{0}")]
    Model(ModelError),
    /// Answers are programs, and there is nothing to run them in.
    #[error(transparent)]
    NoSandbox(NoSandbox),
    /// Duplicate suite or model.
    #[error("two {what} are called '{name}'; {help}")]
    Twice {
        /// Suites or models.
        what: &'static str,
        /// The name.
        name: String,
        /// What to do.
        help: &'static str,
    },
}

/// Why a run cannot be begun or resumed. Nothing has been asked then.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum SessionError {
    /// Its directory cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A model cannot be read from the run, or only a person may name it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    /// Nothing was ever asked.
    #[error("{} holds imported answers; there is nothing to resume", .0.display())]
    Imported(PathBuf),
    /// A model that the run does not have.
    #[error("'{0}' is not a model of the run; a run that is gone on with keeps its models")]
    OtherModel(String),
    /// A suite is not what it was.
    #[error(
        "the suite '{0}' has changed since the run was begun; start a new run, or put the suite back as it was"
    )]
    SuiteChanged(String),
    /// A model is not what it was.
    #[error(
        "the model '{0}' is not the one the run was begun with (its files or its endpoint have changed); start a new run"
    )]
    ModelChanged(String),
    /// A run that was begun by another command.
    #[error(
        "{} was begun with other {what}; give the same again, resume it as it is with --resume, or name another directory", .place.display()
    )]
    OtherPlan {
        /// Where it is.
        place: PathBuf,
        /// What is not the same.
        what: &'static str,
    },
    /// A budget that nobody could keep: models or judges, by their specifications.
    #[error(
        "a budget needs prices, and none is known for {}: set price = {{ input = …, output = … }} (US dollars per million tokens) under [providers.{}] in candor.toml, or leave the budget out",
        .0.join(", "),
        .0.first().and_then(|spec| spec.split(':').next()).unwrap_or_default()
    )]
    Unpriced(Vec<String>),
}
