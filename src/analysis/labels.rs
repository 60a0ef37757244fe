//! Labels of answers, for figures that are made of counts.

use std::collections::HashMap;

use super::{AnalysisError, Dataset, MetricName};
use crate::store::{Filter, column, stratum_column};

/// What an answer was called, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The trial's key.
    pub trial: String,
    /// The model.
    pub model: String,
    /// Questions of one cluster are not independent.
    pub cluster: String,
    /// The label.
    pub label: String,
    /// Its values of the strata asked for, in their order.
    pub strata: Vec<Option<String>>,
}

impl Dataset {
    /// Every label under a metric, of one model or of all, with each answer's values of strata; `model` and `suite` may stand among
    /// these.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's, [`AnalysisError::UnknownStratum`] lists the strata.
    pub fn labels(
        &self,
        metric: &MetricName,
        model: Option<&str>,
        strata: &[String],
    ) -> Result<Vec<Labelled>, AnalysisError> {
        let columns = strata
            .iter()
            .map(|name| match name.as_str() {
                column::MODEL | column::SUITE => Ok(name.clone()),
                _ => self.stratum(name).map(|_| stratum_column(name)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let of_suite = Filter::all()
            .is(column::SUITE, &metric.suite)
            .is_some(column::MODEL, model);
        let under_metric = of_suite
            .clone()
            .is(column::SCORER, &metric.scorer)
            .is(column::METRIC, &metric.metric);
        let scores = self.scores(&[column::TRIAL_KEY, column::LABEL], &under_metric)?;
        let (keys, labels) = (
            scores.texts(column::TRIAL_KEY)?,
            scores.texts(column::LABEL)?,
        );
        let labels: HashMap<&str, &str> = (0..scores.height())
            .filter_map(|row| Some((keys.get(row)?, labels.get(row)?)))
            .collect();
        let mut wanted = vec![
            column::TRIAL_KEY,
            column::MODEL,
            column::SUITE,
            column::SAMPLE,
            column::PAIR,
            column::CLUSTER,
        ];
        for column in &columns {
            if !wanted.contains(&column.as_str()) {
                wanted.push(column);
            }
        }
        let trials = self.trials(&wanted, &of_suite)?;
        let (keys, models) = (
            trials.texts(column::TRIAL_KEY)?,
            trials.texts(column::MODEL)?,
        );
        let (samples, pairs, clusters) = (
            trials.texts(column::SAMPLE)?,
            trials.texts(column::PAIR)?,
            trials.texts(column::CLUSTER)?,
        );
        let strata = columns
            .iter()
            .map(|c| trials.texts(c))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((0..trials.height())
            .filter_map(|i| {
                let cluster = clusters.get(i).or(pairs.get(i)).or(samples.get(i))?;
                let key = keys.get(i)?;
                Some(Labelled {
                    trial: key.to_owned(),
                    model: models.get(i)?.to_owned(),
                    cluster: cluster.to_owned(),
                    label: (*labels.get(key)?).to_owned(),
                    strata: strata.iter().map(|s| s.get(i).map(str::to_owned)).collect(),
                })
            })
            .collect())
    }
}
