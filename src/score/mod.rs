//! From an answer to scores: one file per scorer, one line in [`build`].
//!
//! Scoring never asks the model under test again; a stored run can be rescored at any time.

mod bbq;
mod choice;
mod choice_letter;
mod code;
mod distribution;
mod drop;
mod exact;
mod f1;
mod ifeval;
mod imported;
mod includes;
mod judge;
mod key_facts;
mod last_number;
mod likelihood_mass;
mod line;
mod lm_eval;
mod math;
mod number;
mod provenance;
mod rating;
mod refusal;
mod regex;
mod stereotype;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::model::{Completion, Prompt};
use crate::sandbox::Isolation;
use crate::suite::{LETTER_SCORER, Sample, ScorerSpec};
use crate::text::instead;

pub use imported::{IMPORTED, imported_score, reported_score};
#[cfg(fuzzing)]
pub use judge::fuzzing as judge_fuzzing;
pub use judge::{AskJudge, NO_LABEL};
pub use key_facts::{FactReading, Reading, readings_of};
pub use lm_eval::{CorpusTally, corpus_score};
pub use refusal::{
    AnswerClass, Attributes, BlockKind, Label, Labeller, LabellerSource, Outcome, UNABLE, UNREAD,
    block, label as label_answer, labeller, speechmap_answered,
};

/// The label of a score that its scorer could not give.
pub const NOT_SCORED: &str = "not_scored";
/// The label of a score whose pattern gave up on the answer.
pub const UNDECIDED: &str = "undecided";
/// The labels of scores that are missing: an answer is there, and nobody's verdict on it.
pub const WITHOUT_VERDICT: &[&str] = &[NO_LABEL, NOT_SCORED, UNDECIDED];

/// One verdict on one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Score {
    /// The scorer's name.
    pub scorer: String,
    /// The scorer's version: raised whenever the same answer may get another verdict.
    pub version: u32,
    /// Which of the scorer's metrics.
    pub metric: String,
    /// In [0, 1] if the metric is a share; none if the scorer does not apply to this answer.
    pub value: Option<f64>,
    /// The verdict as a word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// Why: what was extracted, which rule matched.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub explanation: Option<String>,
    /// Who gave the label, where a scorer has several ways: signals, rules, classifier, or a judge's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
    /// How sure the labeller is, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confidence: Option<f64>,
}

impl Score {
    /// A score of a scorer's metric without value or label.
    #[must_use]
    pub fn new(scorer: &dyn Scorer, metric: &str) -> Self {
        Self {
            scorer: scorer.name().into(),
            version: scorer.version(),
            metric: metric.into(),
            value: None,
            label: None,
            explanation: None,
            by: None,
            confidence: None,
        }
    }

    /// With this value.
    #[must_use]
    pub fn value(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    fn right(self, right: bool) -> Self {
        self.value(f64::from(u8::from(right)))
    }

    /// With this label.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With this explanation.
    #[must_use]
    pub fn because(mut self, explanation: impl Into<String>) -> Self {
        self.explanation = Some(explanation.into());
        self
    }
}

/// How the scores of many samples become one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Aggregate {
    /// Mean of the values.
    Mean,
    /// BBQ's s_AMB from the labels `biased`, `counter`, `unknown`.
    BbqAmbiguous,
    /// BBQ's s_DIS from the same labels.
    BbqDisambiguated,
    /// exp of minus the mean log-likelihood, which labels hold.
    Perplexity,
    /// exp of minus the log-likelihood per word or byte, from labels of both sums.
    WeightedPerplexity,
    /// The same in bits: minus the base-2 log-likelihood per byte.
    BitsPerByte,
    /// F1 of class 1, from labels of the right and the chosen class.
    F1,
    /// Matthews' correlation, from the same labels.
    Matthews,
    /// BLEU, from labels of counted n-grams, as are the next two.
    Bleu,
    /// chrF.
    Chrf,
    /// chrF++, which counts words as well.
    ChrfWords,
    /// Translation edit rate, from labels of edits and words.
    Ter,
}

/// What the values of a metric tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tells {
    /// How good an answer is, in whichever sense the scorer has.
    Score,
    /// Whether the question was answered: 1 answered, 0 withheld. One minus the mean is the share withheld.
    Withheld,
}

/// A metric that a scorer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it is summed up.
    pub aggregate: Aggregate,
    /// What its values tell.
    pub tells: Tells,
}

impl Metric {
    /// A metric whose values are averaged.
    #[must_use]
    pub const fn mean(name: &'static str) -> Self {
        Self {
            name,
            aggregate: Aggregate::Mean,
            tells: Tells::Score,
        }
    }

    /// A metric that is 1 where the question was answered and 0 where the answer was withheld.
    #[must_use]
    pub const fn answered(name: &'static str) -> Self {
        Self {
            tells: Tells::Withheld,
            ..Self::mean(name)
        }
    }
}

/// What a scorer may use besides sample and answer.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ScoreContext<'a> {
    /// The suite's name.
    pub suite: &'a str,
    /// What was asked.
    pub prompt: &'a Prompt,
    /// The name of the model that answered.
    pub model: &'a str,
    /// Whether a scorer may fetch files of its own over the network.
    pub may_fetch: bool,
    /// How programs run that an answer writes; none where none may.
    pub code: Option<&'a Isolation>,
    /// The same model's answer to the other side of the pair, where it is there.
    pub other_side: Option<&'a OtherSide>,
    /// Puts questions to judges.
    pub judges: &'a dyn AskJudge,
}

impl<'a> ScoreContext<'a> {
    /// What a scorer sees of a model's answer to a prompt of a suite: nothing may be fetched, and there is no other side.
    #[must_use]
    pub fn new(
        suite: &'a str,
        prompt: &'a Prompt,
        model: &'a str,
        judges: &'a dyn AskJudge,
    ) -> Self {
        Self {
            suite,
            prompt,
            model,
            may_fetch: false,
            code: None,
            other_side: None,
            judges,
        }
    }
}

/// The other side of a pair as the same model answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherSide {
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub answer: String,
}

/// Judges answers: by [`Scorer::score`], or, where it asks models, as a [`Judge`]. A scorer is cheap to make and shared by all trials of a
/// suite.
pub trait Scorer: Send + Sync {
    /// Its name, as in suite.yaml.
    fn name(&self) -> &'static str;

    /// Raised whenever the same answer may get another verdict.
    fn version(&self) -> u32 {
        1
    }

    /// The metrics it gives; the first is its headline.
    fn metrics(&self) -> &'static [Metric];

    /// Compiles or loads what it needs, so that the first answer is not kept waiting for it. Slow the first time, and nothing afterwards.
    fn prepare(&self) {}

    /// Whether a verdict takes microseconds, so that it is given where the answer came in: another thread would take longer to wake.
    fn is_quick(&self) -> bool {
        false
    }

    /// Whether it runs programs that answers write.
    fn runs_code(&self) -> bool {
        false
    }

    /// Specifications of the models it asks, where it asks any.
    fn judges(&self) -> &[String] {
        self.as_judge().map_or(&[], Judge::models)
    }

    /// The scorer as one that asks models, if it is one. Only such a scorer has no [`Scorer::score`] of its own.
    fn as_judge(&self) -> Option<&dyn Judge> {
        None
    }

    /// One score per metric that applies, from the answer alone.
    ///
    /// # Errors
    /// [`ScoreError`] if the sample lacks what the scorer needs; [`ScoreError::AsksModels`] of a judge.
    fn score(
        &self,
        _: &Sample,
        _: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        Err(ScoreError::AsksModels(self.name()))
    }
}

/// A scorer that asks models.
#[async_trait]
pub trait Judge: Send + Sync {
    /// Specifications of the models.
    fn models(&self) -> &[String];

    /// Whether it reads the answer to the other side of a pair, which is there only once a run has ended.
    fn reads_other_side(&self) -> bool {
        false
    }

    /// One score per metric that applies, after the models have been asked.
    ///
    /// # Errors
    /// [`ScoreError`] if the sample lacks what the scorer needs.
    async fn judge(
        &self,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError>;
}

/// Why a scorer cannot be made or cannot judge.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScoreError {
    /// There is no such scorer.
    #[error("unknown scorer '{name}'; {known}")]
    Unknown {
        /// The name given.
        name: String,
        /// The names known.
        known: String,
    },
    /// Its options are wrong.
    #[error("scorer '{scorer}': {reason}")]
    Options {
        /// Which scorer.
        scorer: String,
        /// What is wrong.
        reason: String,
    },
    /// It asks models, and cannot judge without them.
    #[error("scorer '{0}' asks models; it cannot judge without them")]
    AsksModels(&'static str),
    /// It runs programs, and there is no sandbox.
    #[error("scorer 'code' runs programs, and nothing was set up to run them in")]
    NoSandbox,
    /// The sample lacks something.
    #[error("scorer '{scorer}' needs {what}, but the sample {sample} has none")]
    Missing {
        /// Which scorer.
        scorer: &'static str,
        /// What it needs.
        what: &'static str,
        /// Which sample.
        sample: String,
    },
}

type Made = Result<Box<dyn Scorer>, ScoreError>;
/// Makes a scorer of its options.
type Maker = fn(serde_json::Value) -> Made;

/// Every scorer by name.
const SCORERS: &[(&str, Maker)] = &[
    ("exact", exact::make),
    ("includes", includes::make),
    ("regex", regex::make),
    ("number", number::make),
    ("choice", choice::make_letter),
    ("choice_likelihood", choice::make_likelihood),
    (LETTER_SCORER, choice_letter::make),
    ("f1", f1::make),
    ("drop", drop::make),
    ("last_number", last_number::make),
    ("likelihood_mass", likelihood_mass::make),
    ("math", math::make),
    ("code", code::make),
    ("ifeval", ifeval::make),
    ("bbq", bbq::make),
    ("refusal", refusal::make),
    ("judge", judge::make_single),
    ("judge_pairwise", judge::make_pairwise),
    ("judge_sides", judge::make_sides),
    ("key_facts", key_facts::make),
    ("provenance", provenance::make),
    ("rating", rating::make),
    ("stereotype", stereotype::make),
    ("distribution", distribution::make),
    ("lm_eval", lm_eval::make),
];

/// Makes the scorer that a suite names.
///
/// # Errors
/// [`ScoreError`] if the name or its options are unknown.
pub fn build(spec: &ScorerSpec) -> Made {
    let name = spec.name();
    match SCORERS.iter().find(|(known, _)| *known == name) {
        Some((_, make)) => make(spec.options()),
        None => Err(ScoreError::Unknown {
            name: name.into(),
            known: instead(name, "known", SCORERS.iter().map(|(n, _)| n)),
        }),
    }
}

/// How a metric of a scorer is summed up, from its names alone (as a stored run has them).
#[must_use]
pub fn aggregate_of(scorer: &str, metric: &str) -> Aggregate {
    metric_of(scorer, metric).map_or(Aggregate::Mean, |m| m.aggregate)
}

/// What a metric of a scorer tells, from its names alone: what it tells where the scorer has no options, for runs that were written before
/// their manifests said it.
#[must_use]
pub fn tells_of(scorer: &str, metric: &str) -> Tells {
    if scorer == IMPORTED {
        return imported::TELLS;
    }
    metric_of(scorer, metric).map_or(Tells::Score, |m| m.tells)
}

fn metric_of(scorer: &str, metric: &str) -> Option<Metric> {
    let (_, make) = SCORERS.iter().find(|(known, _)| *known == scorer)?;
    let metrics = make(serde_json::json!({})).ok()?.metrics();
    // A task's filter follows the name of its metric: `exact_match,strict-match`.
    let bare = metric.split_once(',').map_or(metric, |(name, _)| name);
    metrics.iter().find(|m| m.name == bare).copied()
}

/// Reads a scorer's options; unknown ones are errors, none at all (`name:` with nothing behind it) are the defaults.
fn options<T: serde::de::DeserializeOwned>(
    scorer: &str,
    value: serde_json::Value,
) -> Result<T, ScoreError> {
    let value = if value.is_null() {
        serde_json::json!({})
    } else {
        value
    };
    serde_json::from_value(value).map_err(|e| ScoreError::Options {
        scorer: scorer.into(),
        reason: e.to_string(),
    })
}

/// The targets of a sample, or the error that it has none.
fn targets<'a>(scorer: &'static str, sample: &'a Sample) -> Result<&'a [String], ScoreError> {
    if sample.targets.is_empty() {
        Err(ScoreError::Missing {
            scorer,
            what: "a target",
            sample: sample.id.clone(),
        })
    } else {
        Ok(&sample.targets)
    }
}
