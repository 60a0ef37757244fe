//! `key_facts`: how the answer stands to each of the sample's key facts: affirmed, denied, attributed to others, or absent.
//!
//! Whether a fact is spoken of is told by its mentions ([`crate::suite::Fact`]); how, by a reader, which sees the fact's statement and the
//! sentences in which it is mentioned with those around them. The reader is [`rules`].

mod cues;
mod reading;
mod rules;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::{PairRole, Sample};

pub use reading::{FactReading, Reading, readings_of};

use rules::Answer;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFacts {}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<KeyFacts>("key_facts", value)?))
}

impl Scorer for KeyFacts {
    fn name(&self) -> &'static str {
        "key_facts"
    }

    fn version(&self) -> u32 {
        3
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[
            Metric::mean("recall"),
            Metric::mean("denied"),
            Metric::mean("mentioned"),
        ];
        METRICS
    }

    /// The shares of the facts that are affirmed, denied and mentioned; nothing on a control, whose facts are its event's.
    fn score(
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
        let answer = Answer::new(&completion.text);
        let readings: Vec<FactReading> = facts.iter().map(|fact| answer.read(fact)).collect();
        Ok(self.scores(readings))
    }
}

impl KeyFacts {
    /// One score per metric, the readings with the first; no value where a fact is undecided, since it leaves no share of them.
    fn scores(&self, readings: Vec<FactReading>) -> Vec<Score> {
        let undecided = readings.iter().any(|r| r.reading.is_none());
        let count = |reading| {
            readings
                .iter()
                .filter(|r| r.reading == Some(reading))
                .count()
        };
        let counts = [
            ("recall", count(Reading::Affirmed)),
            ("denied", count(Reading::Denied)),
            ("mentioned", readings.iter().filter(|r| r.mentioned).count()),
        ];
        let of = readings.len();
        #[allow(clippy::cast_precision_loss)]
        let mut scores: Vec<Score> = counts
            .into_iter()
            .map(|(metric, n)| match metric {
                "recall" | "denied" if undecided => {
                    Score::new(self, metric).label(super::UNDECIDED)
                }
                _ => Score::new(self, metric)
                    .value(n as f64 / of as f64)
                    .label(format!("{n} of {of}")),
            })
            .collect();
        scores[0].explanation = Some(reading::explanation(readings));
        scores
    }
}

#[cfg(test)]
mod tests;
