//! A gate's outcome for people and for CI: lines, Markdown, JUnit, annotations. One file per form.

mod annotations;
mod junit;
mod lines;
mod markdown;
mod plan;

pub use annotations::{Platform, annotations};
pub use junit::junit;
pub use lines::{conclusion, figure, lines, needs};
pub use markdown::markdown;
pub use plan::{plan_notes, plan_table};

use super::excerpt::{both_ends, last_user_turn};
use crate::analysis::{AnalysisError, Dataset};
use crate::gate::{CheckOutcome, GateOutcome};
use crate::store::{Filter, column};
use crate::text::excerpt;

/// What an inconclusive gate counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInconclusive {
    /// Passed.
    Pass,
    /// Failed.
    Fail,
    /// Inconclusive, with its own exit code.
    #[default]
    Report,
}

/// A question that influenced the verdict, with the answers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InfluentialQuestion {
    /// The rule.
    pub rule: String,
    /// The suite.
    pub suite: String,
    /// The sample.
    pub sample: String,
    /// The last user turn.
    pub question: String,
    /// The reference answer, if the suite has one.
    pub target: Option<String>,
    /// The candidate's answer.
    pub candidate: String,
    /// The baseline's answer, if there is a baseline.
    pub baseline: Option<String>,
}

/// The most influential questions of the rules that did not pass, at most five per rule, with both transcripts.
///
/// # Errors
/// [`AnalysisError::Store`] if a table cannot be read.
pub fn influential_questions(
    outcome: &GateOutcome,
    candidate: &Dataset,
    baseline: Option<&Dataset>,
) -> Result<Vec<InfluentialQuestion>, AnalysisError> {
    let mut all = Vec::new();
    for rule in outcome.rules.iter().filter(|r| !r.verdict.passed()) {
        let heaviest = rule
            .checks
            .iter()
            .filter(|c| !c.verdict.passed())
            .flat_map(|c| &c.heaviest);
        for (suite, sample) in heaviest.take(5) {
            let own = transcript(candidate, &outcome.candidate, suite, sample)?;
            let other = match (baseline, &outcome.baseline, rule.difference) {
                (Some(data), Some(model), true) => {
                    Some(transcript(data, model, suite, sample)?.answer)
                }
                _ => None,
            };
            all.push(InfluentialQuestion {
                rule: rule.name.clone(),
                suite: suite.clone(),
                sample: sample.clone(),
                question: last_user_turn(&own.prompt).to_owned(),
                target: own.target,
                candidate: own.answer,
                baseline: other,
            });
        }
    }
    Ok(all)
}

/// A sample's prompt, and the model's answer in the first epoch.
struct Transcript {
    prompt: String,
    target: Option<String>,
    answer: String,
}

fn transcript(
    data: &Dataset,
    model: &str,
    suite: &str,
    sample: &str,
) -> Result<Transcript, AnalysisError> {
    let wanted = Filter::all()
        .is(column::MODEL, model)
        .is(column::SUITE, suite)
        .is(column::SAMPLE, sample);
    let columns = [column::PROMPT, column::TARGET, column::ANSWER];
    let trials = data.trials(&columns, &wanted)?;
    let first = |column: &str| -> Result<Option<String>, AnalysisError> {
        Ok(trials.texts(column)?.get(0).map(str::to_owned))
    };
    Ok(Transcript {
        prompt: first(column::PROMPT)?.unwrap_or_default(),
        target: first(column::TARGET)?,
        answer: first(column::ANSWER)?.unwrap_or_default(),
    })
}

impl InfluentialQuestion {
    /// One named line each: the question from its beginning, the reference answer, and the answers with their ends. `most` is the
    /// maximum number of characters of each.
    #[must_use]
    pub fn excerpts(&self, most: usize) -> Vec<(&'static str, String)> {
        let mut lines = vec![("asked", excerpt(&self.question, most))];
        let target = self.target.as_deref();
        lines.extend(target.map(|target| ("target", excerpt(target, most))));
        lines.push(("candidate", both_ends(&self.candidate, most)));
        let baseline = self.baseline.as_deref();
        lines.extend(baseline.map(|answer| ("baseline", both_ends(answer, most))));
        lines
    }
}

/// A rule's worst check, which represents it.
fn worst(rule: &crate::gate::RuleOutcome) -> Option<&CheckOutcome> {
    rule.checks.first()
}
