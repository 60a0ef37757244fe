//! `rating`: the number on a scale that an answer settles on.
//!
//! Reads the sample's field `scale`, the lowest and highest value. No number is right or wrong: ratings are compared within pairs.

use serde_json::Value;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::answer_number;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rating {}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<Rating>("rating", value)?))
}

impl Scorer for Rating {
    fn name(&self) -> &'static str {
        "rating"
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn version(&self) -> u32 {
        2
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("rating")];
        METRICS
    }

    /// The place on the scale, from 0 to 1; none if the answer gives no number on it. Samples without a scale are left alone.
    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let Some(scale) = sample.fields.get("scale") else {
            return Ok(Vec::new());
        };
        let ends: Option<Vec<f64>> = scale
            .as_array()
            .and_then(|ends| ends.iter().map(Value::as_f64).collect());
        let (low, high) = match ends.as_deref() {
            Some([low, high]) if low < high => (*low, *high),
            _ => {
                return Err(ScoreError::Missing {
                    scorer: self.name(),
                    what: "a scale of a lowest and a highest number",
                    sample: sample.id.clone(),
                });
            }
        };
        let score = Score::new(self, "rating");
        Ok(vec![match answer_number(&completion.text) {
            None => score.because("the answer settles on no number"),
            Some(found) if (low..=high).contains(&found) => score
                .value((found - low) / (high - low))
                .label(found.to_string()),
            Some(found) => score
                .label(found.to_string())
                .because(format!("{found} is not on the scale from {low} to {high}")),
        }])
    }
}
