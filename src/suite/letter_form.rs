//! From a suite that compares log-likelihoods to the same by letter.

use std::collections::HashSet;

use super::letters::{ASK, LETTER_METRIC, LETTER_SCORER};
use super::lm_eval::{GroupMetric, TaskGroup};
use super::ready::{Suite, hash_of, scorers_hash};
use super::schema::{Ask, ScorerSpec};
use super::{Sample, SuiteError};
use crate::model::Parameters;

/// The name of a suite in letters: its figures are never those of the suite.
pub(super) fn name_in_letters(suite: &str) -> String {
    format!("{suite}:letter")
}

/// A suite in letters. One that asks for words as it is stays so.
///
/// # Errors
/// [`SuiteError::Sample`] if it asks for log-likelihoods of what is not a choice, or of choices of which none is right.
pub(super) fn in_letters(mut suite: Suite) -> Result<Suite, SuiteError> {
    if suite.file.prompt.ask == Ask::Answer {
        return Ok(suite);
    }
    let without = |s: &Sample| s.choices.is_empty() || s.target_choice().is_none();
    if let Some(sample) = suite.samples.iter().find(without) {
        return Err(SuiteError::Sample {
            suite: suite.file.name,
            sample: sample.id,
            reason:
                "it has no choice that is right, and so no letter; it needs log-likelihoods as they are"
                    .into(),
        });
    }
    let file = &mut suite.file;
    file.name = name_in_letters(&file.name);
    file.prompt.ask = Ask::Answer;
    file.parameters = Parameters::default();
    file.scorers = vec![ScorerSpec::Plain(LETTER_SCORER.into())];
    // Figures were published of log-likelihoods.
    file.related_to.extend(
        file.published_as
            .take()
            .map(|own| own.benchmark().to_owned()),
    );
    suite.parts.prompts = hash_of(&(&suite.parts.prompts, ASK));
    suite.parts.decoding = hash_of(&file.parameters);
    suite.parts.scorers = scorers_hash(&file.scorers);
    suite.content_hash = hash_of(&(&suite.content_hash, ASK));
    suite.prompts = suite.prompts.in_letters(file);
    Ok(suite)
}

/// A group whose tasks are those of `in_letters`.
pub(super) fn group_in_letters(mut group: TaskGroup, in_letters: &HashSet<&str>) -> TaskGroup {
    for suite in &mut group.suites {
        let name = name_in_letters(suite);
        if in_letters.contains(name.as_str()) {
            *suite = name;
        }
    }
    if let Some(first) = group.metrics.first() {
        let by_size = first.by_size;
        group.metrics.push(GroupMetric {
            metric: LETTER_METRIC.into(),
            filters: None,
            by_size,
        });
    }
    group
}
