//! Trials brought together by question.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::AnalysisError;
use super::question::{Asked, Name, Question};
use crate::store::{Table, column};
use crate::suite::PairRole;

/// Questions while their trials come in, in any order.
#[derive(Default)]
pub(super) struct Grouping {
    names: Names,
    places: HashMap<[u32; 3], usize, RandomState>,
    rows: Vec<Row>,
}

impl Grouping {
    /// The columns of trials that it reads, beside those of strata.
    pub(super) const COLUMNS: [&str; 8] = [
        column::SCHEDULE_INDEX,
        column::MODEL,
        column::SUITE,
        column::SAMPLE,
        column::EPOCH,
        column::PAIR,
        column::ROLE,
        column::CLUSTER,
    ];

    /// Adds trials, each with its value where it has one.
    ///
    /// # Errors
    /// [`AnalysisError::NotANumber`] if a value is NaN or infinite, [`AnalysisError::Store`] if a column is not there.
    pub(super) fn add(
        &mut self,
        trials: &Table,
        strata: &[String],
        values: &[Option<f64>],
    ) -> Result<(), AnalysisError> {
        let text = |name: &str| trials.texts(name);
        let (models, suites, samples) = (
            text(column::MODEL)?,
            text(column::SUITE)?,
            text(column::SAMPLE)?,
        );
        let (pairs, roles, clusters) = (
            text(column::PAIR)?,
            text(column::ROLE)?,
            text(column::CLUSTER)?,
        );
        let strata = strata
            .iter()
            .map(|s| trials.texts(s))
            .collect::<Result<Vec<_>, _>>()?;
        let (order, epochs) = (
            trials.wholes(column::SCHEDULE_INDEX)?,
            trials.wholes(column::EPOCH)?,
        );
        let Self {
            names,
            places,
            rows,
        } = self;
        for (i, value) in values.iter().enumerate() {
            let (Some(model), Some(suite), Some(sample)) =
                (models.get(i), suites.get(i), samples.get(i))
            else {
                continue;
            };
            let key = [names.id(model), names.id(suite), names.id(sample)];
            let at = *places.entry(key).or_insert_with(|| {
                let cluster = clusters.get(i).or(pairs.get(i)).unwrap_or(sample);
                rows.push(Row {
                    question: Question {
                        model: names.name(key[0]),
                        suite: names.name(key[1]),
                        sample: names.name(key[2]),
                        pair: pairs.get(i).map(|n| names.of(n)),
                        role: roles.get(i).and_then(PairRole::named),
                        cluster: names.of(cluster),
                        schedule_index: u64::MAX,
                        value: f64::NAN,
                        epochs: Vec::new(),
                        unscored: 0,
                        strata: strata
                            .iter()
                            .map(|s| s.get(i).map(|n| names.of(n)))
                            .collect(),
                    },
                    epochs: Vec::new(),
                });
                rows.len() - 1
            });
            rows[at].add(order.count(i), epochs.count(i), *value)?;
        }
        Ok(())
    }

    /// The questions, by model, suite and place in the order drawn.
    pub(super) fn finish(self) -> Asked {
        drop(self.places);
        let mut questions: Vec<Question> = self.rows.into_iter().map(Row::finish).collect();
        questions.sort_by(|a, b| {
            (&a.model, &a.suite, a.schedule_index, &a.sample).cmp(&(
                &b.model,
                &b.suite,
                b.schedule_index,
                &b.sample,
            ))
        });
        let (scored, missing) = questions.into_iter().partition(|q| !q.epochs.is_empty());
        Asked { scored, missing }
    }
}

/// A question while its epochs come together.
struct Row {
    question: Question,
    epochs: Vec<u64>,
}

impl Row {
    fn add(&mut self, place: u64, epoch: u64, value: Option<f64>) -> Result<(), AnalysisError> {
        let question = &mut self.question;
        question.schedule_index = question.schedule_index.min(place);
        match value {
            Some(value) if !value.is_finite() => {
                return Err(AnalysisError::NotANumber {
                    model: question.model.to_string(),
                    suite: question.suite.to_string(),
                    sample: question.sample.to_string(),
                    value,
                });
            }
            Some(value) => {
                question.epochs.push(value);
                self.epochs.push(epoch);
            }
            None => question.unscored += 1,
        }
        Ok(())
    }

    #[allow(clippy::cast_precision_loss)]
    fn finish(self) -> Question {
        let mut question = self.question;
        if !self.epochs.is_sorted() {
            let mut both: Vec<(u64, f64)> = self.epochs.into_iter().zip(question.epochs).collect();
            both.sort_by_key(|(epoch, _)| *epoch);
            question.epochs = both.into_iter().map(|(_, value)| value).collect();
        }
        question.epochs.shrink_to_fit();
        if !question.epochs.is_empty() {
            question.value = question.epochs.iter().sum::<f64>() / question.epochs.len() as f64;
        }
        question
    }
}

/// One copy of each name, and a number for it.
#[derive(Default)]
struct Names {
    ids: HashMap<Name, u32, RandomState>,
    all: Vec<Name>,
}

impl Names {
    fn id(&mut self, name: &str) -> u32 {
        if let Some(known) = self.ids.get(name) {
            return *known;
        }
        let id = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let new = Name::from(name);
        self.ids.insert(Name::clone(&new), id);
        self.all.push(new);
        id
    }

    fn name(&self, id: u32) -> Name {
        Name::clone(&self.all[id as usize])
    }

    fn of(&mut self, name: &str) -> Name {
        let id = self.id(name);
        self.name(id)
    }
}
