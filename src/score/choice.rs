//! Multiple choice: `choice` reads the letter or text the answer settles on, `choice_likelihood` compares log-likelihoods.

use std::sync::LazyLock;

use async_trait::async_trait;
use fancy_regex::Regex;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, mean, options};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::squad_normalise;

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

// From the most explicit form to the least; within one form the last mention counts, since answers correct themselves.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)(?:final answer|correct answer|correct option|correct choice|best answer|answer)\s*(?:is|:|=)?\s*:?\s*\**\s*(?:option\s+|choice\s+)?[(\[]?\b([A-Z])\b[)\]]?",
        r"(?:答案|选项|选择)(?:是|为|选)?\s*[:：]?\s*[（(]?([A-Z])\b?",
        r"(?i)\\boxed\{\s*(?:\\text\{)?([A-Z])\b",
        r"^\s*\**[(\[]?([A-Z])(?:[)\].:,]|\*\*|\s*$)",
        r"(?m)^\s*\**[(\[]?([A-Z])[)\].:]?\**\s*$",
        r"\(([A-Z])\)",
    ]
    .iter()
    .map(|p| Regex::new(p).expect("a constant pattern, compiled in tests"))
    .collect()
});

/// The choice an answer settles on: by letter, else by being or naming exactly one choice's text.
pub(super) fn chosen(text: &str, choices: &[String]) -> Option<usize> {
    let normal = squad_normalise(text);
    let texts: Vec<String> = choices.iter().map(|c| squad_normalise(c)).collect();
    if let Some(same) = only(texts.iter().map(|t| !t.is_empty() && *t == normal)) {
        return Some(same);
    }
    let by_letter = FORMS.iter().find_map(|form| {
        form.captures_iter(text)
            .filter_map(Result::ok)
            .filter_map(|c| c.get(1).and_then(|m| index(m.as_str(), choices.len())))
            .last()
    });
    by_letter.or_else(|| {
        only(
            texts
                .iter()
                .map(|t| !t.is_empty() && format!(" {normal} ").contains(&format!(" {t} "))),
        )
    })
}

fn index(letter: &str, choices: usize) -> Option<usize> {
    let letter = letter.bytes().next()?.to_ascii_uppercase();
    let index = usize::from(letter.checked_sub(b'A')?);
    (index < choices).then_some(index)
}

/// The one place that holds, where exactly one does.
fn only(holds: impl Iterator<Item = bool>) -> Option<usize> {
    let mut found = holds.enumerate().filter(|(_, h)| *h).map(|(i, _)| i);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

#[async_trait]
impl Scorer for Letter {
    fn name(&self) -> &'static str {
        "choice"
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[mean("accuracy")];
        METRICS
    }

    async fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let right = right_choice("choice", sample)?;
        let score = Score::new(self, "accuracy");
        Ok(vec![match chosen(&completion.text, &sample.choices) {
            Some(choice) => score
                .right(choice == right)
                .label(sample.choices[choice].clone()),
            None => score
                .right(false)
                .because("the answer settles on no choice"),
        }])
    }
}

#[async_trait]
impl Scorer for Likelihood {
    fn name(&self) -> &'static str {
        "choice_likelihood"
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[mean("accuracy"), mean("accuracy_norm")];
        METRICS
    }

    /// `accuracy`: the largest log-likelihood; `accuracy_norm`: the largest per character of the choice (lm-evaluation-harness `acc`, `acc_norm`).
    #[allow(clippy::cast_precision_loss)]
    async fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let right = right_choice("choice_likelihood", sample)?;
        if completion.continuations.len() != sample.choices.len() {
            return Err(ScoreError::Missing {
                scorer: "choice_likelihood",
                what: "one log-likelihood a choice (ask: choices)",
                sample: sample.id.clone(),
            });
        }
        let raw: Vec<f64> = completion
            .continuations
            .iter()
            .map(|c| c.log_likelihood)
            .collect();
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

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn the_choice_is_read_in_the_forms_models_use() {
        let choices: Vec<String> = ["The grandfather", "The grandson", "Can't be determined"]
            .map(String::from)
            .to_vec();
        for (text, want) in [
            ("B", Some(1)),
            ("(C) Can't be determined", Some(2)),
            ("The answer is **B**.", Some(1)),
            ("A. The grandfather", Some(0)),
            ("Let me think. A seems likely.\n\nAnswer: C", Some(2)),
            ("can't be determined", Some(2)),
            ("It was the grandson.", Some(1)),
            ("答案：A", Some(0)),
            ("It was either the grandson or the grandfather.", None),
            ("A man walked in and nobody knows.", None),
            ("Answer: F", None),
        ] {
            assert_eq!(chosen(text, &choices), want, "{text}");
        }
    }
}
