//! `likelihood_mass`: the share of the probability of all choices that falls on the true ones, as `TruthfulQA`'s MC2 is scored.

use serde::Deserialize;
use serde_json::Value;

use super::choice::likelihoods;
use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::Sample;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LikelihoodMass {
    /// The row's field that says of every choice whether it is true: a list of 1 and 0, or true and false.
    #[serde(default = "labels")]
    labels: String,
}

fn labels() -> String {
    "labels".into()
}

pub(super) fn make(value: Value) -> Made {
    Ok(Box::new(options::<LikelihoodMass>(
        "likelihood_mass",
        value,
    )?))
}

impl Scorer for LikelihoodMass {
    fn name(&self) -> &'static str {
        "likelihood_mass"
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("mass")];
        METRICS
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let raw = likelihoods("likelihood_mass", sample, completion)?;
        let labels = sample.fields.get(&self.labels).and_then(Value::as_array);
        let labels = labels.filter(|labels| labels.len() == raw.len());
        let labels = labels.ok_or_else(|| ScoreError::Missing {
            scorer: "likelihood_mass",
            what: "a label for every choice (labels)",
            sample: sample.id.clone(),
        })?;
        let is_true: Vec<bool> = labels
            .iter()
            .map(|label| label.as_bool() == Some(true) || label.as_f64() == Some(1.0))
            .collect();
        Ok(vec![Score::new(self, "mass").value(mass(&raw, &is_true))])
    }
}

/// The true ones' share of the probabilities, taken relative to the largest so that none vanishes.
fn mass(likelihoods: &[f64], is_true: &[bool]) -> f64 {
    let most = likelihoods
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = likelihoods.iter().map(|l| (l - most).exp()).collect();
    let of_true = weights.iter().zip(is_true).filter(|(_, is)| **is);
    of_true.map(|(w, _)| w).sum::<f64>() / weights.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::mass;

    #[test]
    fn the_mass_is_that_of_the_true_choices() {
        let logs = [0.5_f64.ln(), 0.25_f64.ln(), 0.25_f64.ln()];
        assert!((mass(&logs, &[true, false, true]) - 0.75).abs() < 1e-12);
        // Probabilities too small for a number keep their proportions.
        let small = [-2000.0, -2000.0 + 3.0_f64.ln()];
        assert!((mass(&small, &[false, true]) - 0.75).abs() < 1e-12);
    }
}
