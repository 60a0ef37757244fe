//! Answers that are log-likelihoods: which choice the model finds likeliest, and how likely it finds a text.

use serde_json::Value;

use crate::files::Row;
use crate::model::{Completion, ContinuationScore};
use crate::score::Score;
use crate::suite::{Grading, OutputType, index, place_of};
use crate::text::is_space;

/// What a model found likely, next to what is right.
pub(super) enum Likelihoods {
    Choices(Chosen),
    /// One text.
    Target {
        log_likelihood: f64,
        is_greedy: bool,
    },
    /// A whole document.
    Document {
        log_likelihood: f64,
        words: usize,
        bytes: usize,
    },
}

/// The likelihoods of choices.
pub(super) struct Chosen {
    scores: Vec<ContinuationScore>,
    /// Without the question.
    alone: Vec<ContinuationScore>,
    choices: Vec<String>,
    /// The right choices; none for one that is not there.
    gold: Vec<Option<usize>>,
}

impl Likelihoods {
    pub(super) fn read(
        grading: &Grading,
        row: &Row,
        completion: &Completion,
    ) -> Result<Self, String> {
        let mut scores = completion.continuations.clone();
        let first = scores
            .first()
            .copied()
            .ok_or("the answer has no log-likelihoods")?;
        match grading.output() {
            OutputType::LogLikelihoodRolling => {
                let text = grading.gold(row)?;
                let text = text.as_str().ok_or("its target is not a text")?;
                Ok(Self::Document {
                    log_likelihood: first.log_likelihood,
                    words: words(text),
                    bytes: text.len(),
                })
            }
            OutputType::MultipleChoice => {
                let choices = grading.choices(row)?.ok_or("it has no choices")?;
                let alone =
                    if grading.measures_mutual_information() && scores.len() == 2 * choices.len() {
                        scores.split_off(choices.len())
                    } else {
                        Vec::new()
                    };
                if scores.len() != choices.len() {
                    return Err(format!(
                        "the answer has {} log-likelihoods, and there are {} choices",
                        scores.len(),
                        choices.len()
                    ));
                }
                let gold = gold(&grading.gold(row)?, &choices, grading.multiple_target())?;
                Ok(Self::Choices(Chosen {
                    scores,
                    alone,
                    choices,
                    gold,
                }))
            }
            _ => Ok(Self::Target {
                log_likelihood: first.log_likelihood,
                is_greedy: first.is_greedy,
            }),
        }
    }

    /// Fills in a metric's score.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn measure(&self, metric: &str, score: Score) -> Score {
        match (self, metric) {
            (Self::Choices(chosen), metric) => chosen.measure(metric, score),
            (Self::Target { is_greedy, .. }, "acc") => score.right(*is_greedy),
            (Self::Target { log_likelihood, .. }, _) => score.label(log_likelihood.to_string()),
            (
                Self::Document {
                    log_likelihood,
                    words,
                    ..
                },
                "word_perplexity",
            ) => score.label(format!("{log_likelihood} {words}")),
            (
                Self::Document {
                    log_likelihood,
                    bytes,
                    ..
                },
                _,
            ) => score.label(format!("{log_likelihood} {bytes}")),
        }
    }
}

impl Chosen {
    fn measure(&self, metric: &str, score: Score) -> Score {
        let own = |_: &str| 1.0;
        let by = |length: fn(&str) -> f64| {
            self.likeliest(|i| self.scores[i].log_likelihood / length(&self.choices[i]))
        };
        match metric {
            "acc_norm" => self.right(score, by(characters)),
            "acc_bytes" => self.right(score, by(bytes)),
            "acc_mutual_info" => {
                let gain = |i: usize| {
                    let alone = self.alone.get(i).map_or(0.0, |s| s.log_likelihood);
                    self.scores[i].log_likelihood - alone
                };
                self.right(score, self.likeliest(gain))
            }
            "exact_match" => {
                let greedy = self
                    .gold
                    .iter()
                    .flatten()
                    .any(|at| self.scores[*at].is_greedy);
                score.right(greedy)
            }
            // The number of the right choice, then the one chosen.
            "f1" | "mcc" => {
                let gold = self.gold.first().copied().flatten();
                let gold = gold.map_or("-100".to_owned(), |at| at.to_string());
                score.label(format!("{gold} {}", by(own)))
            }
            _ => self.right(score, by(own)),
        }
    }

    fn right(&self, score: Score, chosen: usize) -> Score {
        score
            .right(self.gold.contains(&Some(chosen)))
            .label(self.choices[chosen].clone())
    }

    /// The choice of the greatest value: the first of several, and one that is not a number before all.
    fn likeliest(&self, value: impl Fn(usize) -> f64) -> usize {
        let mut best = 0;
        for i in 1..self.choices.len() {
            let (here, there) = (value(i), value(best));
            if there.is_nan() {
                break;
            }
            if here.is_nan() || here > there {
                best = i;
            }
        }
        best
    }
}

#[allow(clippy::cast_precision_loss)]
fn characters(text: &str) -> f64 {
    text.chars().count() as f64
}

#[allow(clippy::cast_precision_loss)]
fn bytes(text: &str) -> f64 {
    text.len() as f64
}

/// Words as `re.split(r"\s+", text)` counts them.
fn words(text: &str) -> usize {
    let mut runs = 1;
    let mut before = false;
    for c in text.chars() {
        let space = is_space(c);
        runs += usize::from(space && !before);
        before = space;
    }
    runs
}

/// The places of the right choices: by number, or by text.
fn gold(value: &Value, choices: &[String], several: bool) -> Result<Vec<Option<usize>>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(choices.iter().position(|c| c == text)),
        other => match index(other) {
            Some(at) => Ok(place_of(at, choices.len()).filter(|_| at >= 0)),
            None => Err(format!(
                "its target {other} is neither the number of a choice nor its text"
            )),
        },
    };
    match value {
        Value::Array(all) if several => all.iter().map(one).collect(),
        Value::Array(_) => {
            Err("its target is a list, and that of the first document is not".into())
        }
        _ if several => Err("its target is not a list, and that of the first document is".into()),
        other => Ok(vec![one(other)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_counted_as_python_splits_them() {
        // len(re.split(r"\s+", text)) of CPython 3.
        for (text, count) in [("a b  c", 3), (" a ", 3), ("", 1), ("one\n\ntwo", 2)] {
            assert_eq!(words(text), count, "{text:?}");
        }
    }
}
