//! Answers drawn from a run for a person to label.

use std::collections::BTreeMap;

use polars::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{AnalysisError, Dataset};

/// An answer as it is shown to whoever labels it: without the model's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrawnAnswer {
    /// The trial's key.
    pub trial: String,
    /// What was asked.
    pub prompt: String,
    /// What was answered.
    pub answer: String,
}

impl Dataset {
    /// Draws `n` answers: at random within each model and suite, as many from each as from every other while there are any, in random
    /// order. The same seed draws the same answers, and a larger `n` draws these and more. Answers without a word are not drawn: there
    /// is nothing to judge.
    ///
    /// # Errors
    /// [`AnalysisError::Table`] where the tables are not a run's.
    pub fn draw(&self, n: usize, seed: u64) -> Result<Vec<DrawnAnswer>, AnalysisError> {
        let frame = self
            .trials()
            .filter(col("status").eq(lit("ok")))
            .filter(col("answer").is_not_null().and(col("answer").neq(lit(""))))
            .select(["trial_key", "model", "suite"].map(col))
            .collect()?;
        let text = |name: &str| -> Result<&StringChunked, AnalysisError> {
            Ok(frame.column(name)?.str()?)
        };
        let (keys, models, suites) = (text("trial_key")?, text("model")?, text("suite")?);
        let mut cells: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for row in 0..frame.height() {
            if let (Some(key), Some(model), Some(suite)) =
                (keys.get(row), models.get(row), suites.get(row))
            {
                cells.entry((model, suite)).or_default().push(key);
            }
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut cells: Vec<Vec<&str>> = cells.into_values().collect();
        for cell in &mut cells {
            cell.sort_unstable();
            cell.shuffle(&mut random);
        }
        let mut drawn: Vec<&str> = Vec::new();
        while drawn.len() < n && cells.iter().any(|c| !c.is_empty()) {
            let mut round: Vec<&str> = cells.iter_mut().filter_map(Vec::pop).collect();
            round.shuffle(&mut random);
            drawn.extend(round);
        }
        drawn.truncate(n);
        let places: BTreeMap<&str, usize> =
            drawn.iter().enumerate().map(|(i, k)| (*k, i)).collect();
        let wanted = Series::new("wanted".into(), &drawn);
        let texts = self
            .trials()
            .filter(col("trial_key").is_in(lit(wanted).implode(false), false))
            .select(["trial_key", "prompt", "answer"].map(col))
            .collect()?;
        let text = |name: &str| -> Result<&StringChunked, AnalysisError> {
            Ok(texts.column(name)?.str()?)
        };
        let (keys, prompts, answers) = (text("trial_key")?, text("prompt")?, text("answer")?);
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
