//! `distribution`: how alike a model's answers are to those of people, where a question has no right answer.
//!
//! The model's side is the softmax of the log-likelihoods of the choices (`ask: choices`); the people's is a field of the row with one share
//! per choice. Their similarity is one less the Jensen–Shannon distance, as in Durmus et al. 2023 (`GlobalOpinionQA`).

use serde_json::Value;

use super::choice::likelihoods;
use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::stats::jensen_shannon_distance;
use crate::suite::Sample;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Distribution {
    /// The row's field with a share per choice.
    field: String,
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            field: "distribution".into(),
        }
    }
}

pub(super) fn make(value: Value) -> Made {
    Ok(Box::new(options::<Distribution>("distribution", value)?))
}

impl Scorer for Distribution {
    fn name(&self) -> &'static str {
        "distribution"
    }

    fn is_quick(&self) -> bool {
        true
    }

    /// `similarity` runs from 1 (the same shares) down to 1 − √ln 2, about 0.17 (no choice in common).
    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("similarity")];
        METRICS
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let raw = likelihoods("distribution", sample, completion)?;
        let people: Option<Vec<f64>> = sample
            .fields
            .get(&self.field)
            .and_then(Value::as_array)
            .and_then(|shares| shares.iter().map(Value::as_f64).collect());
        let Some(people) = people else {
            return Err(ScoreError::Missing {
                scorer: "distribution",
                what: "a field with one share per choice",
                sample: sample.id.clone(),
            });
        };
        let model = softmax(&raw);
        let score = Score::new(self, "similarity");
        let Ok(distance) = jensen_shannon_distance(&model, &people) else {
            let why = format!(
                "{} choices, and '{}' has {} shares that sum to {}",
                model.len(),
                self.field,
                people.len(),
                people.iter().sum::<f64>()
            );
            return Ok(vec![score.because(why)]);
        };
        let likeliest = (0..model.len()).max_by(|a, b| model[*a].total_cmp(&model[*b]));
        let label = likeliest.map_or_else(String::new, |i| sample.choices[i].clone());
        let shares: Vec<String> = model.iter().map(|p| format!("{p:.3}")).collect();
        Ok(vec![score.value(1.0 - distance).label(label).because(
            format!("the model's shares: {}", shares.join(", ")),
        )])
    }
}

/// Probabilities of choices that exclude each other, from their log-likelihoods.
fn softmax(log_likelihoods: &[f64]) -> Vec<f64> {
    let most = log_likelihoods.iter().copied().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = log_likelihoods.iter().map(|l| (l - most).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::{jensen_shannon_distance, softmax};

    #[test]
    fn shares_sum_to_one_and_keep_their_ratios() {
        // e to the 0 : e to the −ln 3 is 3 : 1, however small both are.
        let shares = softmax(&[-2000.0, -2000.0 - 3f64.ln()]);
        assert!((shares[0] - 0.75).abs() < 1e-9 && (shares[1] - 0.25).abs() < 1e-9);
    }

    /// Of scipy 1.17: `1 - jensenshannon([0.5, 0.5], [0.25, 0.75])`.
    #[test]
    fn a_model_that_cannot_choose_is_as_like_as_scipy_says() {
        let model = softmax(&[-3.0, -3.0]);
        let distance = jensen_shannon_distance(&model, &[0.25, 0.75]).expect("two distributions");
        assert!((1.0 - distance - 0.816_092_209_059_525_3).abs() < 1e-12);
    }
}
