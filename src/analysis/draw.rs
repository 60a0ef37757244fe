//! Answers drawn from a run for a person to label.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{AnalysisError, Dataset};
use crate::score::AnswerClass;
use crate::store::{Filter, TrialStatus, column};

/// An answer as it is shown to whoever labels it: without the model's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DrawnAnswer {
    /// The trial's key.
    pub trial: String,
    /// What was asked.
    pub prompt: String,
    /// What was answered.
    pub answer: String,
}

/// Answers by model and suite.
type Cells<'a> = BTreeMap<(&'a str, &'a str), Vec<&'a str>>;

/// Draws `n`, as many from each cell as from every other while there are any.
fn evenly<'a>(cells: Cells<'a>, n: usize, random: &mut ChaCha8Rng) -> Vec<&'a str> {
    let mut cells: Vec<Vec<&str>> = cells.into_values().collect();
    for cell in &mut cells {
        cell.sort_unstable();
        cell.shuffle(random);
    }
    let mut drawn: Vec<&str> = Vec::new();
    while drawn.len() < n && cells.iter().any(|c| !c.is_empty()) {
        let mut round: Vec<&str> = cells.iter_mut().filter_map(Vec::pop).collect();
        round.shuffle(random);
        drawn.extend(round);
    }
    drawn.truncate(n);
    drawn
}

impl Dataset {
    /// Draws `n` answers: at random within each model and suite, as many from each as from every other while there are any, in random
    /// order. The same seed draws the same answers, and a larger `n` draws these and more. Answers without a word are not drawn: there
    /// is nothing to judge. What the run's labellers could not tell comes first, up to half of `n`; such answers have no verdict that a
    /// label could be compared with, so the others stay a random draw.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn draw(&self, n: usize, seed: u64) -> Result<Vec<DrawnAnswer>, AnalysisError> {
        let answered = Filter::all().is(column::STATUS, TrialStatus::Ok.name());
        let columns = [
            column::TRIAL_KEY,
            column::MODEL,
            column::SUITE,
            column::ANSWER,
        ];
        let trials = self.trials(&columns, &answered)?;
        let (keys, answers) = (
            trials.texts(column::TRIAL_KEY)?,
            trials.texts(column::ANSWER)?,
        );
        let (models, suites) = (trials.texts(column::MODEL)?, trials.texts(column::SUITE)?);
        let unsure = Filter::all().is(column::LABEL, AnswerClass::Unsure.name());
        let unsure = self.scores(&[column::TRIAL_KEY], &unsure)?;
        let unsure: BTreeSet<&str> = unsure.texts(column::TRIAL_KEY)?.iter().flatten().collect();
        let (mut cells, mut untold) = (Cells::new(), Cells::new());
        for row in 0..trials.height() {
            if let (Some(key), Some(model), Some(suite), true) = (
                keys.get(row),
                models.get(row),
                suites.get(row),
                answers.get(row).is_some_and(|a| !a.is_empty()),
            ) {
                let side = if unsure.contains(key) {
                    &mut untold
                } else {
                    &mut cells
                };
                side.entry((model, suite)).or_default().push(key);
            }
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut drawn = evenly(untold, n / 2, &mut random);
        let rest = n - drawn.len();
        drawn.extend(evenly(cells, rest, &mut random));
        let places: BTreeMap<&str, usize> =
            drawn.iter().enumerate().map(|(i, k)| (*k, i)).collect();
        let columns = [column::TRIAL_KEY, column::PROMPT, column::ANSWER];
        let wanted = Filter::all().among(column::TRIAL_KEY, drawn.iter().copied());
        let texts = self.trials(&columns, &wanted)?;
        let (keys, prompts, answers) = (
            texts.texts(column::TRIAL_KEY)?,
            texts.texts(column::PROMPT)?,
            texts.texts(column::ANSWER)?,
        );
        let mut found: Vec<DrawnAnswer> = (0..texts.height())
            .filter_map(|row| {
                Some(DrawnAnswer {
                    trial: keys.get(row)?.to_owned(),
                    prompt: prompts.get(row)?.to_owned(),
                    answer: answers.get(row)?.to_owned(),
                })
            })
            .collect();
        found.sort_by_key(|a| places.get(a.trial.as_str()).copied());
        Ok(found)
    }
}
