//! A gate's outcome for people and for CI: lines, Markdown, JUnit, annotations. One file a form.

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

use crate::analysis::gate::{CheckOutcome, GateOutcome};
use crate::analysis::{AnalysisError, Dataset};
use crate::store::{Filter, column};

/// What an undecided gate counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInconclusive {
    /// As passed.
    Pass,
    /// As failed.
    Fail,
    /// As itself, with an exit code of its own.
    #[default]
    Tell,
}

/// A question that weighs against the candidate, with what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighty {
    /// The rule.
    pub rule: String,
    /// The suite.
    pub suite: String,
    /// The sample.
    pub sample: String,
    /// What was asked.
    pub prompt: String,
    /// What the candidate said.
    pub candidate: String,
    /// What the baseline said, where there is one.
    pub baseline: Option<String>,
}

/// The questions that weigh most in the rules that did not pass, five a rule at most, with both transcripts.
///
/// # Errors
/// [`AnalysisError::Store`] where a table cannot be read.
pub fn weighty(
    outcome: &GateOutcome,
    candidate: &Dataset,
    baseline: Option<&Dataset>,
) -> Result<Vec<Weighty>, AnalysisError> {
    let mut all = Vec::new();
    for rule in outcome.rules.iter().filter(|r| !r.verdict.passed()) {
        let heaviest = rule
            .checks
            .iter()
            .filter(|c| !c.verdict.passed())
            .flat_map(|c| &c.heaviest);
        for (suite, sample) in heaviest.take(5) {
            let (prompt, answer) = transcript(candidate, &outcome.candidate, suite, sample)?;
            let other = match (baseline, &outcome.baseline, rule.difference) {
                (Some(data), Some(model), true) => Some(transcript(data, model, suite, sample)?.1),
                _ => None,
            };
            all.push(Weighty {
                rule: rule.name.clone(),
                suite: suite.clone(),
                sample: sample.clone(),
                prompt,
                candidate: answer,
                baseline: other,
            });
        }
    }
    Ok(all)
}

fn transcript(
    data: &Dataset,
    model: &str,
    suite: &str,
    sample: &str,
) -> Result<(String, String), AnalysisError> {
    let wanted = Filter::all()
        .is(column::MODEL, model)
        .is(column::SUITE, suite)
        .is(column::SAMPLE, sample);
    let trials = data.trials(&[column::PROMPT, column::ANSWER], &wanted)?;
    let first = |column: &str| -> Result<String, AnalysisError> {
        Ok(trials.texts(column)?.get(0).unwrap_or_default().to_owned())
    };
    Ok((first(column::PROMPT)?, first(column::ANSWER)?))
}

/// A text's beginning, on one line.
fn beginning(text: &str, most: usize) -> String {
    let line = crate::text::squash_whitespace(text);
    if line.chars().count() <= most {
        return line;
    }
    let cut: String = line.chars().take(most).collect();
    format!("{}…", cut.trim_end())
}

/// The check that stands for a rule: its worst.
fn worst(rule: &crate::analysis::gate::RuleOutcome) -> Option<&CheckOutcome> {
    rule.checks.first()
}
