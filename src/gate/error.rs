//! Why a gate gives no verdict.

use crate::analysis::{AnalysisError, Failures};
use crate::store::StoreError;
use crate::text::SourceError;

impl GateError {
    /// Refuses a run of which a larger share than `most` has no answer, no verdict on it, or one that says nothing of its will.
    ///
    /// # Errors
    /// [`GateError::Failures`].
    pub(super) fn of_failures(who: String, failures: Failures, most: f64) -> Result<(), Self> {
        let Failures {
            unanswered,
            unscored,
            unable,
            trials,
        } = failures;
        #[allow(clippy::cast_precision_loss)]
        let share = (unanswered + unscored + unable) as f64 / trials.max(1) as f64;
        if share > most {
            let parts = [
                (unanswered, "have no answer"),
                (unscored, "have an answer without a verdict"),
                (
                    unable,
                    "have an answer that the model was unable to give, neither answered nor withheld",
                ),
            ];
            let parts = parts.iter().filter(|(n, _)| *n > 0);
            let parts = parts.map(|(n, what)| format!("{what} ({n} of {trials})"));
            let what = parts.collect::<Vec<_>>().join(" or ");
            return Err(Self::Failures {
                who,
                share: share * 100.0,
                what,
            });
        }
        Ok(())
    }
}

/// A gate that cannot be judged: never a verdict.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum GateError {
    /// The gate file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Something in the gate file is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] Box<SourceError>),
    /// A rule compares with a baseline, and there is none.
    #[error("the rule '{rule}' compares with a baseline, but none is given")]
    #[diagnostic(help(
        "write `baseline = \"NAME\"` into the gate file and pin it with `candor baseline set NAME RUN`, or give --baseline RUN[#MODEL]"
    ))]
    NoBaseline {
        /// The rule.
        rule: String,
    },
    /// Candidate and baseline were not asked the same.
    #[error("candidate and baseline differ in what was asked: {what}")]
    #[diagnostic(help(
        "run the baseline again on the current suite and pin it again; or, if the difference does not matter, allow it: --allow-drift {allow}"
    ))]
    Drift {
        /// What differs.
        what: String,
        /// What would have to be allowed.
        allow: String,
    },
    /// Too much of a run has no answer.
    #[error(
        "{share:.0} % of the trials of {who} {what}; a verdict on the rest would depend on which requests happened to succeed"
    )]
    #[diagnostic(help(
        "ask models and judges again with `candor run --resume RUN`; where a judge's replies are not labels, score the answers another way with `candor score RUN -s SCORER`; a model that is unable to answer needs easier questions, not another verdict; the gate file's `max_failures` (10 %) sets how much may be missing"
    ))]
    Failures {
        /// Candidate or baseline.
        who: String,
        /// Percent.
        share: f64,
        /// What they lack.
        what: String,
    },
    /// A rule finds nothing to judge.
    #[error("the rule '{rule}' finds nothing to judge: {reason}")]
    Nothing {
        /// The rule.
        rule: String,
        /// What is not there.
        reason: String,
    },
    /// The candidate's run cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The candidate could not be asked.
    #[error("no verdict: the candidate was given up: {0}")]
    GivenUp(String),
    /// The runs cannot be analysed.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
}
