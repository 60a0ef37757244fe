//! Labels of answers, for metrics that are made of counts.

use polars::prelude::*;

use super::{AnalysisError, Dataset, MetricName};

/// What an answer was called, and the cluster its question stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// Questions of one cluster are not independent.
    pub cluster: String,
    /// The label.
    pub label: String,
}

impl Dataset {
    /// Every label that a model's answers have under a metric.
    ///
    /// # Errors
    /// [`AnalysisError::Table`] where the tables are not a run's.
    pub fn labels(&self, metric: &MetricName, model: &str) -> Result<Vec<Labelled>, AnalysisError> {
        let is = |column: &str, value: &str| col(column).eq(lit(value.to_owned()));
        let labels = self
            .scores()
            .filter(
                is("suite", &metric.suite)
                    .and(is("scorer", &metric.scorer))
                    .and(is("metric", &metric.metric))
                    .and(is("model", model))
                    .and(col("label").is_not_null()),
            )
            .select([col("trial_key"), col("label")]);
        let frame = self
            .trials()
            .filter(is("suite", &metric.suite).and(is("model", model)))
            .select(["trial_key", "sample_id", "pair", "cluster"].map(col))
            .join(
                labels,
                [col("trial_key")],
                [col("trial_key")],
                JoinArgs::new(JoinType::Inner),
            )
            .collect()?;
        let text = |name: &str| -> Result<&StringChunked, AnalysisError> {
            Ok(frame.column(name)?.str()?)
        };
        let (samples, pairs, clusters, labels) = (
            text("sample_id")?,
            text("pair")?,
            text("cluster")?,
            text("label")?,
        );
        Ok((0..frame.height())
            .filter_map(|i| {
                let cluster = clusters.get(i).or(pairs.get(i)).or(samples.get(i))?;
                Some(Labelled {
                    cluster: cluster.to_owned(),
                    label: labels.get(i)?.to_owned(),
                })
            })
            .collect())
    }
}
