//! Labels of answers, for figures that are made of counts.

use polars::prelude::*;

use super::{AnalysisError, Dataset, MetricName};
use crate::store::stratum_column;

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
    /// [`AnalysisError::Table`] where the tables are not a run's, [`AnalysisError::UnknownStratum`] lists the strata.
    pub fn labels(
        &self,
        metric: &MetricName,
        model: Option<&str>,
        strata: &[String],
    ) -> Result<Vec<Labelled>, AnalysisError> {
        let columns = strata
            .iter()
            .map(|name| match name.as_str() {
                "model" | "suite" => Ok(name.clone()),
                _ => self.stratum(name).map(|_| stratum_column(name)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let is = |column: &str, value: &str| col(column).eq(lit(value.to_owned()));
        let of_model = |filter: Expr| match model {
            Some(model) => filter.and(is("model", model)),
            None => filter,
        };
        let mut wanted = [
            "trial_key",
            "model",
            "suite",
            "sample_id",
            "pair",
            "cluster",
        ]
        .map(col)
        .to_vec();
        wanted.extend(
            columns
                .iter()
                .filter(|c| !["model", "suite"].contains(&c.as_str()))
                .map(|c| col(c.as_str())),
        );
        let labels = self
            .scores()
            .filter(of_model(
                is("suite", &metric.suite)
                    .and(is("scorer", &metric.scorer))
                    .and(is("metric", &metric.metric))
                    .and(col("label").is_not_null()),
            ))
            .select([col("trial_key"), col("label")]);
        let frame = self
            .trials()
            .filter(of_model(is("suite", &metric.suite)))
            .select(wanted)
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
        let (trials, models, labels) = (text("trial_key")?, text("model")?, text("label")?);
        let (samples, pairs, clusters) = (text("sample_id")?, text("pair")?, text("cluster")?);
        let strata = columns
            .iter()
            .map(|c| text(c))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((0..frame.height())
            .filter_map(|i| {
                let cluster = clusters.get(i).or(pairs.get(i)).or(samples.get(i))?;
                Some(Labelled {
                    trial: trials.get(i)?.to_owned(),
                    model: models.get(i)?.to_owned(),
                    cluster: cluster.to_owned(),
                    label: labels.get(i)?.to_owned(),
                    strata: strata.iter().map(|s| s.get(i).map(str::to_owned)).collect(),
                })
            })
            .collect())
    }
}
