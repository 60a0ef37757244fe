//! `number`: the number that the answer arrives at equals the target's.

use serde::Deserialize;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options, targets};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::answer_number;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Number {
    /// Numbers closer than this, relative to the larger of 1 and the target, are equal.
    tolerance: f64,
}

impl Default for Number {
    fn default() -> Self {
        Self { tolerance: 1e-6 }
    }
}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<Number>("number", value)?))
}

impl Scorer for Number {
    fn name(&self) -> &'static str {
        "number"
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn version(&self) -> u32 {
        2
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("accuracy")];
        METRICS
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let wanted: Vec<f64> = targets("number", sample)?
            .iter()
            .filter_map(|t| answer_number(t))
            .collect();
        if wanted.is_empty() {
            return Err(ScoreError::Missing {
                scorer: "number",
                what: "a number as its target",
                sample: sample.id.clone(),
            });
        }
        let score = Score::new(self, "accuracy");
        Ok(vec![match answer_number(&completion.text) {
            None => score
                .right(false)
                .because("the answer settles on no number"),
            Some(found) => score
                .right(
                    wanted
                        .iter()
                        .any(|w| (found - w).abs() <= self.tolerance * w.abs().max(1.0)),
                )
                .label(found.to_string()),
        }])
    }
}
