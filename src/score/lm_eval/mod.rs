//! `lm_eval`: the metrics of a task file of lm-evaluation-harness, each under each of the task's filters.
//!
//! A metric that is a mean has a value per answer. One that is a figure of the whole corpus has none: its score's label holds what the
//! corpus sums up, such as counts of matched n-grams ([`CorpusTally`]).

mod corpus;
mod likelihoods;
mod matched;
mod names;
mod translation;

use serde_json::{Map, Value};

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, UNDECIDED};
use crate::model::Completion;
use crate::suite::{
    FilterError, Grading, MetricSpec, OutputType, Pipeline, Sample, TASK_SCORER, document,
};
use crate::text::python_text;

pub use corpus::CorpusTally;
use likelihoods::Likelihoods;

/// Most characters of a filtered answer that a score keeps as its label.
const MAX_LABEL: usize = 4000;

struct Task {
    grading: Grading,
    metrics: &'static [Metric],
}

/// The scorer without a task: it knows what its metrics are summed up by.
struct Unnamed;

pub(super) fn make(value: Value) -> Made {
    let options = match value {
        Value::Object(options) if !options.is_empty() => options,
        _ => return Ok(Box::new(Unnamed)),
    };
    let grading = read(options)?;
    let mut all: Vec<Metric> = Vec::new();
    for pipeline in grading.pipelines() {
        for metric in grading.metrics() {
            if let Some(known) = names::KNOWN.iter().find(|known| known.name == metric.name) {
                let name = names::interned(names::of(metric.name, &pipeline.name));
                all.push(Metric { name, ..*known });
            }
        }
    }
    // The headline is a share where the task has one.
    all.sort_by_key(|metric| metric.aggregate != super::Aggregate::Mean);
    Ok(Box::new(Task {
        grading,
        metrics: names::interned_list(all),
    }))
}

fn read(options: Map<String, Value>) -> Result<Grading, ScoreError> {
    Grading::read(options).map_err(|reason| ScoreError::Options {
        scorer: TASK_SCORER.into(),
        reason,
    })
}

impl Scorer for Unnamed {
    fn name(&self) -> &'static str {
        TASK_SCORER
    }

    fn metrics(&self) -> &'static [Metric] {
        names::KNOWN
    }

    fn score(
        &self,
        _: &Sample,
        _: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        Err(ScoreError::Options {
            scorer: TASK_SCORER.into(),
            reason: "it scores the tasks of lm-eval:DIR#NAME, and nothing else".into(),
        })
    }
}

impl Scorer for Task {
    fn name(&self) -> &'static str {
        TASK_SCORER
    }

    fn metrics(&self) -> &'static [Metric] {
        self.metrics
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let row = document(sample);
        let wrong = |reason: String| ScoreError::Options {
            scorer: TASK_SCORER.into(),
            reason: format!("sample {}: {reason}", sample.id),
        };
        if self.grading.output() != OutputType::GenerateUntil {
            let likelihoods = Likelihoods::read(&self.grading, &row, completion).map_err(wrong)?;
            let pipeline = self.grading.pipelines().first();
            return Ok(pipeline.map_or_else(Vec::new, |pipeline| {
                let scores =
                    self.grading.metrics().iter().map(|metric| {
                        likelihoods.measure(metric.name, self.blank(metric, pipeline))
                    });
                scores.collect()
            }));
        }
        let gold = self.grading.gold(&row).map_err(wrong)?;
        let choices = self.grading.choices(&row).map_err(wrong)?;
        let mut scores = Vec::new();
        for pipeline in self.grading.pipelines() {
            let others = completion.others.iter().map(String::as_str);
            let answers = [completion.text.as_str()].into_iter().chain(others);
            let answers = answers.map(Value::from).collect();
            let filtered = match pipeline.apply(answers, &row) {
                Ok(filtered) => filtered,
                Err(error) => {
                    let blank = self
                        .grading
                        .metrics()
                        .iter()
                        .map(|m| self.blank(m, pipeline));
                    scores.extend(blank.map(|score| undecided(score, &error)));
                    continue;
                }
            };
            let right = matched::right(&self.grading, &gold, choices.as_deref(), &filtered)
                .map_err(wrong)?;
            for metric in self.grading.metrics() {
                let score = self.blank(metric, pipeline);
                scores.push(match metric.name {
                    "exact_match" => match matched::exact(&right, &filtered, &metric.options) {
                        Ok(equal) => score.right(equal).label(shown(&filtered)),
                        Err(error) => undecided(score, &error.into()),
                    },
                    name => match translation::statistics(name, &right, &filtered) {
                        Ok(label) => score.label(label),
                        Err(why) => score.label(super::NOT_SCORED).because(why),
                    },
                });
            }
        }
        Ok(scores)
    }
}

/// The score of a figure of the whole corpus, from what a sample of lm-eval holds for it; none where the metric is a mean.
#[must_use]
pub fn corpus_score(metric: &str, name: &str, value: &Value) -> Option<Score> {
    let known = names::KNOWN.iter().find(|known| known.name == metric)?;
    let number = |value: &Value| value.as_f64().map(|n| n.to_string());
    let label = match (known.aggregate, value) {
        (super::Aggregate::Mean, _) => return None,
        (super::Aggregate::Perplexity, alone) => number(alone).ok_or("it is not a number".into()),
        // Several tasks call a mean F1.
        (super::Aggregate::F1, alone) if alone.is_number() => return None,
        (
            super::Aggregate::Bleu
            | super::Aggregate::Chrf
            | super::Aggregate::ChrfWords
            | super::Aggregate::Ter,
            Value::Array(pair),
        ) => match pair.as_slice() {
            [right, answer] => {
                let right: Vec<String> = match right {
                    Value::Array(all) => all.iter().map(python_text).collect(),
                    one => vec![python_text(one)],
                };
                translation::statistics(metric, &right, answer)
            }
            _ => Err("it is not a reference and an answer".into()),
        },
        (_, Value::Array(pair)) => match pair.iter().map(number).collect::<Option<Vec<_>>>() {
            Some(pair) if pair.len() == 2 => Ok(pair.join(" ")),
            _ => Err("it is not a pair of numbers".to_owned()),
        },
        _ => return None,
    };
    let score = Score {
        scorer: TASK_SCORER.into(),
        ..super::reported_score(name, None)
    };
    Some(match label {
        Ok(label) => score.label(label),
        Err(why) => score.label(super::NOT_SCORED).because(why),
    })
}

impl Task {
    fn blank(&self, metric: &MetricSpec, pipeline: &Pipeline) -> Score {
        Score::new(self, &names::of(metric.name, &pipeline.name))
    }
}

/// A pattern gave up on the answer, or the filters do not fit it: no verdict, rather than a wrong one.
fn undecided(score: Score, error: &FilterError) -> Score {
    score.label(UNDECIDED).because(error.to_string())
}

/// A filtered answer as a label.
fn shown(filtered: &Value) -> String {
    python_text(filtered).chars().take(MAX_LABEL).collect()
}
