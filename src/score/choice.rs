//! Multiple choice: `choice` reads the letter or text the answer settles on, `choice_likelihood` compares log-likelihoods.

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::answer_choice;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Letter {}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Likelihood {}

pub(super) fn make_letter(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<Letter>("choice", value)?))
}

pub(super) fn make_likelihood(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<Likelihood>("choice_likelihood", value)?))
}

/// The right choice, or the error that says what is missing.
pub(super) fn right_choice(scorer: &'static str, sample: &Sample) -> Result<usize, ScoreError> {
    let missing = |what| ScoreError::Missing {
        scorer,
        what,
        sample: sample.id.clone(),
    };
    if sample.choices.is_empty() {
        return Err(missing("choices"));
    }
    sample
        .target_choice()
        .ok_or_else(|| missing("a target that names one of its choices"))
}

/// The log-likelihood of each choice, or the error that they were not asked for.
pub(super) fn likelihoods(
    scorer: &'static str,
    sample: &Sample,
    completion: &Completion,
) -> Result<Vec<f64>, ScoreError> {
    if completion.continuations.len() != sample.choices.len() {
        return Err(ScoreError::Missing {
            scorer,
            what: "one log-likelihood per choice (ask: choices)",
            sample: sample.id.clone(),
        });
    }
    let scores = completion.continuations.iter();
    Ok(scores.map(|c| c.log_likelihood).collect())
}

impl Scorer for Letter {
    fn name(&self) -> &'static str {
        "choice"
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
        let right = right_choice("choice", sample)?;
        let score = Score::new(self, "accuracy");
        Ok(vec![
            match answer_choice(&completion.text, &sample.choices) {
                Some(choice) => score
                    .right(choice == right)
                    .label(sample.choices[choice].clone()),
                None => score
                    .right(false)
                    .because("the answer settles on no choice"),
            },
        ])
    }
}

impl Scorer for Likelihood {
    fn name(&self) -> &'static str {
        "choice_likelihood"
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("accuracy"), Metric::mean("accuracy_norm")];
        METRICS
    }

    /// `accuracy`: the largest log-likelihood; `accuracy_norm`: the largest per character of the choice (lm-evaluation-harness `acc`, `acc_norm`).
    #[allow(clippy::cast_precision_loss)]
    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let right = right_choice("choice_likelihood", sample)?;
        let raw = likelihoods("choice_likelihood", sample, completion)?;
        let per_character: Vec<f64> = raw
            .iter()
            .zip(&sample.choices)
            .map(|(l, c)| l / c.chars().count().max(1) as f64)
            .collect();
        let verdict = |metric, values: &[f64]| {
            let best = values
                .iter()
                .enumerate()
                .fold(0, |best, (i, v)| if *v > values[best] { i } else { best });
            Score::new(self, metric)
                .right(best == right)
                .label(sample.choices[best].clone())
        };
        let why = raw
            .iter()
            .map(|l| format!("{l:.3}"))
            .collect::<Vec<_>>()
            .join(", ");
        Ok(vec![
            verdict("accuracy", &raw).because(format!("log-likelihoods: {why}")),
            verdict("accuracy_norm", &per_character),
        ])
    }
}
