//! What became of a trial, as the page's lists and filters name it.

use std::collections::HashMap;

use serde::Serialize;

use crate::score::UNABLE;
use crate::store::{SuiteRecord, TrialStatus};
use crate::suite::Kind;

/// What became of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::report) enum Verdict {
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
pub(in crate::report) struct Outcome {
    pub(in crate::report) verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::report) value: Option<f64>,
    /// The label behind the score; of a failed trial the class of its error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::report) label: Option<String>,
    /// The token limit cut the answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::report) truncated: bool,
    /// The answer came from the completion cache.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::report) cached: bool,
}

impl Outcome {
    pub(in crate::report) fn of(
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
            value: value.map(rounded),
            label,
            truncated: is(TrialStatus::Truncated),
            cached: origin == Some("cache"),
        }
    }
}

impl Outcome {
    /// The same with a score that comes after it.
    pub(in crate::report) fn scored(
        mut self,
        suite: &SuiteRecord,
        value: Option<f64>,
        label: Option<String>,
    ) -> Self {
        let ended = matches!(self.verdict, Verdict::Blocked | Verdict::Failed);
        self.label = label.or(self.label);
        self.verdict = match value {
            _ if ended => self.verdict,
            Some(value) => Verdict::of_score(suite, value),
            None if self.is_unable() => Verdict::Unable,
            None => Verdict::Unscored,
        };
        self.value = value.map(rounded);
        self
    }

    fn is_unable(&self) -> bool {
        self.label.as_deref().is_some_and(|l| UNABLE.contains(&l))
    }
}

/// A score as the page needs it.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

impl Verdict {
    /// Every verdict, in the page's order.
    pub(in crate::report) const ALL: [Self; 10] = [
        Self::Right,
        Self::Wrong,
        Self::Scored,
        Self::Answered,
        Self::Partly,
        Self::Withheld,
        Self::Blocked,
        Self::Unable,
        Self::Unscored,
        Self::Failed,
    ];

    /// Its word in addresses.
    pub(in crate::report) fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Scored => "scored",
            Self::Answered => "answered",
            Self::Partly => "partly",
            Self::Withheld => "withheld",
            Self::Blocked => "blocked",
            Self::Unable => "unable",
            Self::Unscored => "unscored",
            Self::Failed => "failed",
        }
    }

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
#[derive(Debug, Default)]
pub(in crate::report) struct Outcomes {
    pub list: Vec<Outcome>,
    numbers: HashMap<String, usize>,
}

impl Outcomes {
    pub(in crate::report) fn number(&mut self, outcome: Outcome) -> usize {
        let key = format!("{outcome:?}");
        *self.numbers.entry(key).or_insert_with(|| {
            self.list.push(outcome);
            self.list.len() - 1
        })
    }
}
