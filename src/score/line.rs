//! The line of an answer that a benchmark asks for: `Answer: …`.

use std::borrow::Cow;

use fancy_regex::Regex;
use serde::Deserialize;

use super::ScoreError;
use crate::text::python_regex;

/// Where a scorer finds the answer proper.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LineOptions {
    /// A pattern, as Python reads it; the first match's first group is the answer proper. The whole answer where it matches nothing, or where
    /// there is none.
    pattern: Option<String>,
}

/// The compiled form.
pub(super) struct AnswerLine(Option<Regex>);

impl AnswerLine {
    pub(super) fn new(scorer: &str, options: &LineOptions) -> Result<Self, ScoreError> {
        let pattern = options.pattern.as_deref().map(python_regex).transpose();
        pattern.map(Self).map_err(|reason| ScoreError::Options {
            scorer: scorer.into(),
            reason,
        })
    }

    /// What the pattern's first match captures.
    pub(super) fn captured<'a>(&self, answer: &'a str) -> Option<&'a str> {
        let captures = self.0.as_ref()?.captures(answer).ok().flatten()?;
        let group = captures.get(1).or_else(|| captures.get(0))?;
        Some(group.as_str())
    }

    /// The answer proper.
    pub(super) fn of<'a>(&self, answer: &'a str) -> Cow<'a, str> {
        self.captured(answer).unwrap_or(answer).into()
    }
}
