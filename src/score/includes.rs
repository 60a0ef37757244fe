//! `includes`: a target stands somewhere in the answer.

use serde::Deserialize;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options, targets};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::fold;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Includes {
    /// Case counts.
    case_sensitive: bool,
    /// Every target must be there, not any.
    all: bool,
}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<Includes>("includes", value)?))
}

impl Scorer for Includes {
    fn name(&self) -> &'static str {
        "includes"
    }

    fn is_quick(&self) -> bool {
        true
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
        let normal = |text: &str| {
            if self.case_sensitive {
                text.to_owned()
            } else {
                fold(text)
            }
        };
        let answer = normal(&completion.text);
        let targets = targets("includes", sample)?;
        let found: Vec<&String> = targets
            .iter()
            .filter(|t| answer.contains(&normal(t)))
            .collect();
        let right = if self.all {
            found.len() == targets.len()
        } else {
            !found.is_empty()
        };
        let why = if found.is_empty() {
            "no target in the answer".to_owned()
        } else {
            format!(
                "found: {}",
                found
                    .iter()
                    .map(|t| t.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        };
        Ok(vec![Score::new(self, "accuracy").right(right).because(why)])
    }
}
