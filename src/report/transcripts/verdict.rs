//! What became of a trial, as the page's lists and filters name it.

use std::collections::HashMap;

use serde::Serialize;

use crate::score::UNABLE;
use crate::store::{SuiteRecord, TrialStatus};
use crate::suite::Kind;

/// What became of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// The full score.
    Right,
    /// No score at all.
    Wrong,
    /// A score that is neither right nor wrong.
    Scored,
    /// Answered in full.
    Answered,
    /// Answered in part.
    Partly,
    /// Not answered.
    Withheld,
    /// A provider's filter kept the answer back.
    Blocked,
    /// An answer that the model was unable to give: a loop, another language, not knowing.
    Unable,
    /// An answer without a score: undecided, cut, or not labelled.
    Unscored,
    /// No answer, for a reason that says nothing about the model.
    Failed,
}

/// A trial's status and score as every list of the page needs it. Many trials share one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// The label behind the score; of a failed trial the class of its error.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// The token limit cut the answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// The answer came from the completion cache.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cached: bool,
}

impl Outcome {
    pub(super) fn of(
        suite: &SuiteRecord,
        status: &str,
        origin: Option<&str>,
        value: Option<f64>,
        label: Option<String>,
    ) -> Self {
        let is = |of: TrialStatus| status == of.name();
        let verdict = match value {
            _ if is(TrialStatus::BlockedUpstream) => Verdict::Blocked,
            _ if is(TrialStatus::Error) => Verdict::Failed,
            Some(value) => Verdict::of_score(suite, value),
            None if label.as_deref().is_some_and(|l| UNABLE.contains(&l)) => Verdict::Unable,
            None => Verdict::Unscored,
        };
        Self {
            verdict,
            value: value.map(|v| (v * 10_000.0).round() / 10_000.0),
            label,
            truncated: is(TrialStatus::Truncated),
            cached: origin == Some("cache"),
        }
    }
}

impl Verdict {
    fn of_score(suite: &SuiteRecord, value: f64) -> Self {
        let (full, none) = (value >= 1.0, value <= 0.0);
        match (suite.tells_what_is_withheld(), suite.kind) {
            (true, _) if full => Self::Answered,
            (true, _) if none => Self::Withheld,
            (true, _) => Self::Partly,
            (false, Kind::Benchmark) if full => Self::Right,
            (false, Kind::Benchmark) if none => Self::Wrong,
            (false, _) => Self::Scored,
        }
    }
}

/// Distinct outcomes, each with its number.
#[derive(Default)]
pub(super) struct Outcomes {
    pub list: Vec<Outcome>,
    numbers: HashMap<String, usize>,
}

impl Outcomes {
    pub(super) fn number(&mut self, outcome: Outcome) -> usize {
        let key = format!("{outcome:?}");
        *self.numbers.entry(key).or_insert_with(|| {
            self.list.push(outcome);
            self.list.len() - 1
        })
    }
}
