//! How models' answers stand to key facts.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{AnalysisError, Dataset};
use crate::score::{Reading, readings_of};
use crate::store::{Filter, column};

/// One key fact of an event, and how each model's answers stand to it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FactRow {
    /// The event: the samples' cluster.
    pub event: String,
    /// The fact.
    pub fact: String,
    /// By model in the dataset's order; none if a model was not asked.
    pub read: Vec<Option<Readings>>,
}

/// How many answers affirm, deny and attribute a fact, and leave it out; those that are undecided are in none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Readings {
    counts: [usize; Reading::ALL.len()],
}

impl Readings {
    /// How many answers are read so.
    #[must_use]
    pub fn count(&self, reading: Reading) -> usize {
        self.counts[reading as usize]
    }

    /// How many are decided.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The share of the decided that are read so, from 0 to 1.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn share(&self, reading: Reading) -> f64 {
        self.count(reading) as f64 / self.total().max(1) as f64
    }

    /// With another's added.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (own, more) in self.counts.iter_mut().zip(other.counts) {
            *own += more;
        }
        self
    }
}

impl FactRow {
    /// The largest difference between two models' shares of any one reading.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let of = |reading| {
            let shares = self.read.iter().flatten().map(move |r| r.share(reading));
            let (low, high) = shares.fold((1.0_f64, 0.0_f64), |(low, high), s| {
                (low.min(s), high.max(s))
            });
            (high - low).max(0.0)
        };
        Reading::ALL.map(of).into_iter().fold(0.0, f64::max)
    }
}

/// Each model's readings of all facts of all events, in the dataset's order; none if it has none.
#[must_use]
pub fn readings_by_model(rows: &[FactRow]) -> Vec<Option<Readings>> {
    let models = rows.first().map_or(0, |row| row.read.len());
    let of = |place: usize| {
        let own = rows.iter().filter_map(|row| row.read[place]);
        own.reduce(Readings::and)
    };
    (0..models).map(of).collect()
}

/// Every fact of every event, those that models differ in most first.
///
/// # Errors
/// [`AnalysisError::Store`] if the tables are not a run's.
pub fn facts(data: &Dataset) -> Result<Vec<FactRow>, AnalysisError> {
    let recalls = Filter::all()
        .is(column::SCORER, "key_facts")
        .is(column::METRIC, "recall");
    let columns = [column::TRIAL_KEY, column::MODEL, column::EXPLANATION];
    let scores = data.scores(&columns, &recalls)?;
    if scores.height() == 0 {
        return Ok(Vec::new());
    }
    let columns = [column::TRIAL_KEY, column::CLUSTER, column::SAMPLE];
    let trials = data.trials(&columns, &Filter::all())?;
    let (keys, clusters, samples) = (
        trials.texts(column::TRIAL_KEY)?,
        trials.texts(column::CLUSTER)?,
        trials.texts(column::SAMPLE)?,
    );
    let events: HashMap<&str, &str> = (0..trials.height())
        .filter_map(|row| Some((keys.get(row)?, clusters.get(row).or(samples.get(row))?)))
        .collect();
    let (keys, models, whys) = (
        scores.texts(column::TRIAL_KEY)?,
        scores.texts(column::MODEL)?,
        scores.texts(column::EXPLANATION)?,
    );
    let places: HashMap<&str, usize> = data.names().enumerate().map(|(i, m)| (m, i)).collect();
    let mut rows: BTreeMap<(String, String), Vec<Option<Readings>>> = BTreeMap::new();
    for row in 0..scores.height() {
        let (Some(model), Some(why)) = (models.get(row), whys.get(row)) else {
            continue;
        };
        let Some(event) = keys.get(row).and_then(|key| events.get(key)) else {
            continue;
        };
        let Some(place) = places.get(model) else {
            continue;
        };
        for read in readings_of(why).into_iter().flatten() {
            let counts = rows
                .entry(((*event).to_owned(), read.fact))
                .or_insert_with(|| vec![None; places.len()]);
            let own = counts[*place].get_or_insert_with(Readings::default);
            if let Some(reading) = read.reading {
                own.counts[reading as usize] += 1;
            }
        }
    }
    let row = |((event, fact), read)| FactRow { event, fact, read };
    let mut rows: Vec<FactRow> = rows.into_iter().map(row).collect();
    rows.sort_by(|a, b| b.spread().total_cmp(&a.spread()));
    Ok(rows)
}
