//! `f1`: overlap of tokens with the best target, and whether the two are the same (SQuAD's two metrics).

use std::collections::HashMap;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options, targets};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::{answer_tokens, squad_normalise};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct F1 {}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<F1>("f1", value)?))
}

impl Scorer for F1 {
    fn name(&self) -> &'static str {
        "f1"
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("f1"), Metric::mean("exact_match")];
        METRICS
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let targets = targets("f1", sample)?;
        let best = targets
            .iter()
            .map(|t| overlap(&completion.text, t))
            .fold(0.0, f64::max);
        let same = targets
            .iter()
            .any(|t| squad_normalise(t) == squad_normalise(&completion.text));
        Ok(vec![
            Score::new(self, "f1").value(best),
            Score::new(self, "exact_match").right(same),
        ])
    }
}

/// F1 of the bags of tokens; two empty texts are alike (SQuAD 2.0's evaluation script).
#[allow(clippy::cast_precision_loss)]
fn overlap(answer: &str, target: &str) -> f64 {
    let (answer, target) = (answer_tokens(answer), answer_tokens(target));
    if answer.is_empty() || target.is_empty() {
        return f64::from(u8::from(answer == target));
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for token in &target {
        *counts.entry(token).or_default() += 1;
    }
    let mut common = 0;
    for token in &answer {
        if let Some(left) = counts.get_mut(token.as_str()).filter(|c| **c > 0) {
            *left -= 1;
            common += 1;
        }
    }
    2.0 * f64::from(common) / (answer.len() + target.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::overlap;

    #[test]
    fn overlap_is_the_harmonic_mean_of_precision_and_recall() {
        // 2 of 3 answer tokens (articles dropped) are in the 2-token target: precision 2/3, recall 1.
        assert!((overlap("the Eiffel tower, Paris", "Eiffel Tower") - 0.8).abs() < 1e-12);
        assert_eq!(overlap("the", ""), 1.0);
        assert_eq!(overlap("no", "yes"), 0.0);
        // A repeated token counts as often as the target has it.
        assert!((overlap("no no", "no") - 2.0 / 3.0).abs() < 1e-12);
    }
}
