//! Exit codes, and errors with their exit codes.

use std::process::ExitCode;

use super::terminal::{render, show};
use crate::analysis::AnalysisError;
use crate::gate::GateError;
use crate::model::{ErrorClass, ModelError};
use crate::report::ReportError;
use crate::run::import::ImportError;
use crate::run::{ConfigurationError, PlanError, RescoreError, SessionError};
use crate::store::StoreError;
use crate::suite::SuiteError;
use crate::text::visible_line;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// Done.
    Done = 0,
    /// The gate failed, or the evidence does not hold.
    GateFailed = 1,
    /// Usage error: invalid flags, suite or configuration.
    Usage = 2,
    /// The gate is inconclusive, or the evidence holds as far as this version can recompute it.
    GateInconclusive = 3,
    /// The run finished, and some trials have no answer.
    FailedTrials = 4,
    /// Files, model or network failed.
    CouldNotRun = 5,
    /// Interrupted; the run can be resumed.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error and its exit code.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    report: miette::Report,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self {
            exit,
            report: miette::Report::msg(message.to_string()),
        }
    }

    /// Prints it and returns the exit code.
    pub(super) fn show(&self) -> ExitCode {
        show(&format!("{}\n", render(&self.report).trim_end()));
        self.exit.into()
    }
}

fn diagnostic(exit: Exit, error: impl miette::Diagnostic + Send + Sync + 'static) -> Failure {
    Failure {
        exit,
        report: miette::Report::new(error),
    }
}

impl From<SuiteError> for Failure {
    fn from(error: SuiteError) -> Self {
        let exit = if matches!(
            error,
            SuiteError::Unreadable { .. } | SuiteError::NoData { .. }
        ) {
            Exit::CouldNotRun
        } else {
            Exit::Usage
        };
        diagnostic(exit, error)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Suite(error) => error.into(),
            PlanError::Model(error) => error.into(),
            other => diagnostic(Exit::Usage, other),
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::new(
            if error.class == ErrorClass::BadRequest {
                Exit::Usage
            } else {
                Exit::CouldNotRun
            },
            visible_line(&error.message),
        )
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(error) => error.into(),
            SessionError::Plan(error) => error.into(),
            other => Self::new(Exit::Usage, other),
        }
    }
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        diagnostic(Exit::Usage, error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::NotForOutput { .. }
            | StoreError::NotShards { .. }
            | StoreError::NotAnAddress { .. }
            | StoreError::OnNetwork { .. } => Exit::Usage,
            _ => Exit::CouldNotRun,
        };
        Self::new(exit, error)
    }
}

impl From<AnalysisError> for Failure {
    fn from(error: AnalysisError) -> Self {
        if let AnalysisError::Store(error) = error {
            return error.into();
        }
        let exit = if matches!(
            error,
            AnalysisError::UnknownModel { .. }
                | AnalysisError::UnknownSuite { .. }
                | AnalysisError::UnknownStratum { .. }
                | AnalysisError::Mixed(_)
        ) {
            Exit::Usage
        } else {
            Exit::CouldNotRun
        };
        Self::new(exit, error)
    }
}

impl From<GateError> for Failure {
    fn from(error: GateError) -> Self {
        let exit = match error {
            GateError::Analysis(error) => return error.into(),
            GateError::Store(error) => return error.into(),
            GateError::Failures { .. } | GateError::Unreadable { .. } | GateError::GivenUp(_) => {
                Exit::CouldNotRun
            }
            _ => Exit::Usage,
        };
        diagnostic(exit, error)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Analysis(error) => error.into(),
            ReportError::Unknown { .. } => Self::new(Exit::Usage, error),
            other => Self::new(Exit::CouldNotRun, other),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let exit = if matches!(error, ImportError::UnknownFormat { .. }) {
            Exit::Usage
        } else {
            Exit::CouldNotRun
        };
        Self::new(exit, error)
    }
}

impl From<RescoreError> for Failure {
    fn from(error: RescoreError) -> Self {
        match error {
            RescoreError::Store(error) => error.into(),
            RescoreError::Plan(error) => error.into(),
            other @ RescoreError::Changed { .. } => Self::new(Exit::Usage, other),
            other @ RescoreError::NoJudge(_) => Self::new(Exit::CouldNotRun, other),
        }
    }
}
