//! `choice_letter`: multiple choice of a suite that otherwise compares log-likelihoods, answered by letter.

use super::choice::right_choice;
use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::{LETTER_METRIC, LETTER_SCORER, Sample};
use crate::text::answer_choice;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ByLetter {}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<ByLetter>(LETTER_SCORER, value)?))
}

impl Scorer for ByLetter {
    fn name(&self) -> &'static str {
        LETTER_SCORER
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean(LETTER_METRIC)];
        METRICS
    }

    /// The answer is read as `choice` reads it. Any of several targets is right, and so is every choice of the same text.
    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let right = &sample.choices[right_choice(LETTER_SCORER, sample)?];
        let score = Score::new(self, LETTER_METRIC);
        let verdict = match answer_choice(&completion.text, &sample.choices) {
            Some(chosen) => {
                let chosen = &sample.choices[chosen];
                let is_right = chosen == right || sample.targets.contains(chosen);
                score.right(is_right).label(chosen.clone())
            }
            None => score
                .right(false)
                .because("the answer settles on no choice"),
        };
        Ok(vec![verdict])
    }
}
