//! `key_facts`: which of the sample's key facts the answer states.
//!
//! Reads the sample's field `facts`, a mapping of statements to patterns. It says what is told, not whether what else is told is true.

use async_trait::async_trait;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, mean, options};
use crate::model::Completion;
use crate::suite::{PairRole, Sample};

const STATED: &str = "stated: ";
const MISSING: &str = " · not stated: ";
const BETWEEN: &str = "; ";

/// Each fact in a score's explanation, and whether the answer states it.
pub fn told(explanation: &str) -> impl Iterator<Item = (&str, bool)> {
    let both = explanation
        .strip_prefix(STATED)
        .and_then(|e| e.split_once(MISSING));
    let (stated, missing) = both.unwrap_or_default();
    let each = [(stated, true), (missing, false)];
    each.into_iter().flat_map(|(facts, told)| {
        let facts = facts.split(BETWEEN).filter(|f| !f.is_empty());
        facts.map(move |f| (f, told))
    })
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFacts {}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<KeyFacts>("key_facts", value)?))
}

#[async_trait]
impl Scorer for KeyFacts {
    fn name(&self) -> &'static str {
        "key_facts"
    }

    fn version(&self) -> u32 {
        2
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[mean("recall")];
        METRICS
    }

    /// The share of the facts that are stated; nothing on a control, whose facts are its event's.
    async fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        if sample.pairing.role == Some(PairRole::Control) {
            return Ok(Vec::new());
        }
        let facts = sample.facts().map_err(|reason| ScoreError::Options {
            scorer: self.name().into(),
            reason: format!("sample {}: {reason}", sample.id),
        })?;
        if facts.is_empty() {
            return Err(ScoreError::Missing {
                scorer: self.name(),
                what: "key facts",
                sample: sample.id.clone(),
            });
        }
        let (mut stated, mut missing) = (Vec::new(), Vec::new());
        for fact in &facts {
            match fact.stated_in(&completion.text) {
                Some(true) => stated.push(fact),
                Some(false) => missing.push(fact),
                // One fact that cannot be looked for leaves no share of them.
                None => {
                    let why = format!("the pattern of '{}' gave up on this answer", fact.statement);
                    return Ok(vec![
                        Score::new(self, "recall")
                            .label(super::UNDECIDED)
                            .because(why),
                    ]);
                }
            }
        }
        let names = |facts: &[&crate::suite::Fact]| {
            let names: Vec<&str> = facts.iter().map(|f| f.statement.as_str()).collect();
            names.join(BETWEEN)
        };
        #[allow(clippy::cast_precision_loss)]
        let recall = stated.len() as f64 / facts.len() as f64;
        Ok(vec![
            Score::new(self, "recall")
                .value(recall)
                .label(format!("{} of {}", stated.len(), facts.len()))
                .because(format!(
                    "{STATED}{}{MISSING}{}",
                    names(&stated),
                    names(&missing)
                )),
        ])
    }
}
