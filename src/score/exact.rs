//! `exact`: the whole answer is a target.

use serde::Deserialize;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options, targets};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::{excerpt, fold, squad_normalise};

/// How answer and target are made alike before they are compared.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Normalise {
    /// White space at the ends only.
    None,
    /// Case, Unicode form and white space.
    #[default]
    Fold,
    /// Also punctuation and articles.
    Squad,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Exact {
    normalise: Normalise,
}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<Exact>("exact", value)?))
}

impl Scorer for Exact {
    fn name(&self) -> &'static str {
        "exact"
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
        let normal = |text: &str| match self.normalise {
            Normalise::None => text.trim().to_owned(),
            Normalise::Fold => fold(text).trim_end_matches('.').to_owned(),
            Normalise::Squad => squad_normalise(text),
        };
        let answer = normal(&completion.text);
        let right = targets("exact", sample)?
            .iter()
            .any(|t| normal(t) == answer);
        Ok(vec![
            Score::new(self, "accuracy")
                .right(right)
                .label(excerpt(&completion.text, 80)),
        ])
    }
}
