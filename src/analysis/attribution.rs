//! Weights or platform: of what is withheld behind an endpoint, how much do the weights themselves withhold, and how does the platform
//! keep back the rest?

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Serialize, Serializer};

use super::answers::Answer;
use super::canned::canned_answers;
use super::{AnalysisError, Asked, Dataset};
use crate::score::{BlockKind, block};
use crate::suite::PairRole;

/// How the platform withheld an answer the weights give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WithheldBy {
    /// The provider says so: the kind of its block.
    Block(BlockKind),
    /// An empty answer with a normal finish.
    Empty,
    /// Words that many questions got, and that the weights never gave.
    Canned,
    /// The answer's own words, as far as can be determined: nothing marks it as the platform's.
    Words,
}

impl WithheldBy {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Block(kind) => kind.name(),
            Self::Empty => "empty",
            Self::Canned => "canned",
            Self::Words => "own_words",
        }
    }

    /// The same as part of a sentence.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Block(BlockKind::PromptRejected) => "rejected before an answer",
            Self::Block(BlockKind::AnswerFiltered) => "ended by a filter",
            Self::Block(BlockKind::Retracted) => "retracted mid-stream",
            Self::Empty => "empty with a normal finish",
            Self::Canned => "replaced by a canned answer",
            Self::Words => "withheld in the answer's own words",
        }
    }
}

impl Serialize for WithheldBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What one model withholds that another answers, question by question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Attribution {
    /// The model that is asked about: the platform.
    pub model: String,
    /// The model it is compared with: the weights.
    pub baseline: String,
    /// Questions that both were asked, sensitive ones where there are roles.
    pub questions: usize,
    /// Answered by both.
    pub neither: usize,
    /// Withheld by both.
    pub both: usize,
    /// Withheld by the baseline alone.
    pub baseline_alone: usize,
    /// Withheld by the model alone, by how.
    pub model_alone: BTreeMap<WithheldBy, usize>,
    /// Of what was retracted mid-stream, the answers whose beginning is kept.
    pub kept: usize,
    /// Questions without a verdict on a side.
    pub unscored: usize,
}

impl Attribution {
    /// Whether anything but the answers' own words marks what is withheld as a platform's.
    #[must_use]
    pub fn shows_a_platform(&self) -> bool {
        self.model_alone.keys().any(|how| *how != WithheldBy::Words)
    }

    /// Whether all that marks it as a platform's are empty answers, which an overloaded host sends too.
    #[must_use]
    pub fn rests_on_empties(&self) -> bool {
        let mut marks = self
            .model_alone
            .keys()
            .filter(|how| **how != WithheldBy::Words);
        self.shows_a_platform() && marks.all(|how| *how == WithheldBy::Empty)
    }

    /// Withheld by the model alone.
    #[must_use]
    pub fn alone(&self) -> usize {
        self.model_alone.values().sum()
    }
}

/// Holds every other model's answers against the baseline's.
///
/// # Errors
/// [`AnalysisError::Store`] if the tables are not a run's.
pub fn attributions(
    data: &Dataset,
    asked: &Asked,
    baseline: &str,
) -> Result<Vec<Attribution>, AnalysisError> {
    let others: Vec<&str> = data.names().filter(|m| *m != baseline).collect();
    attributions_of(data, asked, &others, baseline)
}

/// The same of some models.
///
/// # Errors
/// [`AnalysisError::Store`] if the tables are not a run's.
pub fn attributions_of(
    data: &Dataset,
    asked: &Asked,
    models: &[&str],
    baseline: &str,
) -> Result<Vec<Attribution>, AnalysisError> {
    let weights = data.answers(baseline)?;
    let roles = asked.all().any(|q| q.role.is_some());
    let verdicts = |model: &str| -> HashMap<(&str, &str), Option<bool>> {
        let own = asked.all().filter(|q| &*q.model == model);
        own.filter(|q| !roles || q.role == Some(PairRole::Sensitive))
            .map(|q| (q.key(), (!q.value.is_nan()).then_some(q.value < 0.5)))
            .collect()
    };
    let base = verdicts(baseline);
    models
        .iter()
        .filter_map(|model| {
            let own = verdicts(model);
            if own.is_empty() || !own.keys().any(|k| base.contains_key(k)) {
                return None;
            }
            Some(
                data.answers(model)
                    .map(|answers| attribution(model, baseline, &own, &base, &answers, &weights)),
            )
        })
        .collect()
}

fn attribution(
    model: &str,
    baseline: &str,
    own: &HashMap<(&str, &str), Option<bool>>,
    base: &HashMap<(&str, &str), Option<bool>>,
    answers: &[Answer],
    weights: &[Answer],
) -> Attribution {
    let canned = canned_by_platform(answers, weights);
    let mut found = Attribution {
        model: model.to_owned(),
        baseline: baseline.to_owned(),
        questions: 0,
        neither: 0,
        both: 0,
        baseline_alone: 0,
        model_alone: BTreeMap::new(),
        kept: 0,
        unscored: 0,
    };
    for (at, answer) in answers.iter().enumerate() {
        let key = (answer.suite.as_str(), answer.sample.as_str());
        let (Some(own), Some(base)) = (own.get(&key), base.get(&key)) else {
            continue;
        };
        found.questions += 1;
        match (own, base) {
            (Some(false), Some(false)) => found.neither += 1,
            (Some(true), Some(true)) => found.both += 1,
            (Some(false), Some(true)) => found.baseline_alone += 1,
            (Some(true), Some(false)) => {
                let how = how(answer, canned.contains(&at));
                *found.model_alone.entry(how).or_default() += 1;
                let begun = how == WithheldBy::Block(BlockKind::Retracted);
                found.kept += usize::from(begun && !answer.completion.text.trim().is_empty());
            }
            _ => found.unscored += 1,
        }
    }
    found
}

fn how(answer: &Answer, canned: bool) -> WithheldBy {
    match block(&answer.completion) {
        Some((kind, _)) => WithheldBy::Block(kind),
        None if answer.completion.text.trim().is_empty() => WithheldBy::Empty,
        None if canned => WithheldBy::Canned,
        None => WithheldBy::Words,
    }
}

/// Places of the platform's answers in words that it gave to many questions and the weights to none.
fn canned_by_platform(answers: &[Answer], weights: &[Answer]) -> HashSet<usize> {
    let all: Vec<&Answer> = answers.iter().chain(weights).collect();
    canned_answers(&all)
        .into_iter()
        .filter(|c| c.places.iter().all(|i| *i < answers.len()))
        .flat_map(|c| c.places)
        .collect()
}
