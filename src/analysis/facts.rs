//! Which key facts are told, by whom.

use std::collections::{BTreeMap, HashMap};

use polars::prelude::*;
use serde::Serialize;

use super::{AnalysisError, Dataset};
use crate::score::facts_told;

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
/// [`AnalysisError::Table`] where the tables are not a run's.
pub fn facts(data: &Dataset) -> Result<Vec<FactRow>, AnalysisError> {
    let key = ["trial_key"].map(col);
    let told = data
        .scores()
        .filter(
            col("scorer")
                .eq(lit("key_facts"))
                .and(col("metric").eq(lit("recall"))),
        )
        .select(["trial_key", "model", "explanation"].map(col));
    let units = data
        .trials()
        .select(["trial_key", "cluster", "sample_id"].map(col));
    let frame = told
        .join(units, key.clone(), key, JoinArgs::new(JoinType::Inner))
        .collect()?;
    let text =
        |name: &str| -> Result<&StringChunked, AnalysisError> { Ok(frame.column(name)?.str()?) };
    let (models, whys, clusters, samples) = (
        text("model")?,
        text("explanation")?,
        text("cluster")?,
        text("sample_id")?,
    );
    let places: HashMap<&str, usize> = data.names().enumerate().map(|(i, m)| (m, i)).collect();
    let mut rows: BTreeMap<(String, String), Vec<Stated>> = BTreeMap::new();
    for row in 0..frame.height() {
        let (Some(model), Some(why)) = (models.get(row), whys.get(row)) else {
            continue;
        };
        let event = clusters.get(row).or(samples.get(row)).unwrap_or_default();
        let Some(place) = places.get(model) else {
            continue;
        };
        for (fact, stated) in facts_told(why) {
            let counts = rows
                .entry((event.to_owned(), fact.to_owned()))
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
