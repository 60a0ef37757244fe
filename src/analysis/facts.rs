//! Which key facts are told, by whom.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{AnalysisError, Dataset};
use crate::score::facts_told;
use crate::store::{Filter, column};

/// One key fact of an event, and how often each model states it.
#[derive(Debug, Clone, Serialize)]
pub struct FactRow {
    /// The event: the samples' cluster.
    pub event: String,
    /// The fact.
    pub fact: String,
    /// By model in the dataset's order.
    pub stated: Vec<Stated>,
}

/// How many of how many answers state a fact; none where a model was not asked.
pub type Stated = Option<(usize, usize)>;

impl FactRow {
    /// The largest difference between two models' shares.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn spread(&self) -> f64 {
        let shares = self
            .stated
            .iter()
            .flatten()
            .map(|(k, n)| *k as f64 / (*n).max(1) as f64);
        let (low, high) = shares.fold((1.0_f64, 0.0_f64), |(low, high), s| {
            (low.min(s), high.max(s))
        });
        (high - low).max(0.0)
    }
}

/// Every fact of every event, those that models differ in most first.
///
/// # Errors
/// [`AnalysisError::Store`] where the tables are not a run's.
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
    let mut rows: BTreeMap<(String, String), Vec<Stated>> = BTreeMap::new();
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
        for (fact, stated) in facts_told(why) {
            let counts = rows
                .entry(((*event).to_owned(), fact.to_owned()))
                .or_insert_with(|| vec![None; places.len()]);
            let (k, n) = counts[*place].get_or_insert((0, 0));
            *k += usize::from(stated);
            *n += 1;
        }
    }
    let row = |((event, fact), stated)| FactRow {
        event,
        fact,
        stated,
    };
    let mut rows: Vec<FactRow> = rows.into_iter().map(row).collect();
    rows.sort_by(|a, b| b.spread().total_cmp(&a.spread()));
    Ok(rows)
}
