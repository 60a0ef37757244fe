//! One question as one model answered it: the unit of every inference.

use polars::prelude::*;

use super::{AnalysisError, Dataset};
use crate::store::stratum_column;

/// A model's score on a question, averaged over repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// The sample.
    pub sample: String,
    /// Its match.
    pub pair: Option<String>,
    /// `sensitive` or `control`.
    pub role: Option<String>,
    /// Questions of one cluster are not independent.
    pub cluster: String,
    /// Mean of the headline metric over repeats that have a value.
    pub value: f64,
    /// Repeats with a value.
    pub responses: usize,
    /// Values of the dataset's strata, in its order.
    pub strata: Vec<Option<String>>,
}

impl Dataset {
    /// Every question's score under its suite's headline metric. Questions without a value (failed, blocked, not judged) are
    /// not in it.
    ///
    /// # Errors
    /// [`AnalysisError::Table`] where the tables are not a run's.
    pub fn questions(&self) -> Result<Vec<Question>, AnalysisError> {
        let headline = self
            .suites
            .iter()
            .map(|s| {
                col("suite")
                    .eq(lit(s.name.clone()))
                    .and(col("scorer").eq(lit(s.headline.0.clone())))
                    .and(col("metric").eq(lit(s.headline.1.clone())))
            })
            .reduce(Expr::or)
            .unwrap_or_else(|| lit(false));
        let scores = self
            .scores()
            .filter(headline.and(col("value").is_not_null()))
            .select([col("trial_key"), col("value")]);
        let mut facts: Vec<Expr> = ["pair", "role", "cluster"]
            .iter()
            .map(|c| col(*c).first())
            .collect();
        facts.extend(
            self.strata
                .iter()
                .map(|s| col(stratum_column(s).as_str()).first()),
        );
        facts.push(col("value").mean().alias("mean"));
        facts.push(col("value").count().alias("responses"));
        let needed: Vec<Expr> = [
            "trial_key",
            "model",
            "suite",
            "sample_id",
            "pair",
            "role",
            "cluster",
        ]
        .iter()
        .map(|c| col(*c))
        .chain(self.strata.iter().map(|s| col(stratum_column(s).as_str())))
        .collect();
        let frame = self
            .trials()
            .select(needed)
            .join(
                scores,
                [col("trial_key")],
                [col("trial_key")],
                JoinArgs::new(JoinType::Inner),
            )
            .group_by([col("model"), col("suite"), col("sample_id")])
            .agg(facts)
            .sort(
                ["model", "suite", "sample_id"],
                SortMultipleOptions::default(),
            )
            .collect()?;
        let text = |name: &str| -> Result<Vec<Option<String>>, AnalysisError> {
            Ok(frame
                .column(name)?
                .str()?
                .iter()
                .map(|v| v.map(str::to_owned))
                .collect())
        };
        let (models, suites, samples) = (text("model")?, text("suite")?, text("sample_id")?);
        let (pairs, roles, clusters) = (text("pair")?, text("role")?, text("cluster")?);
        let strata: Vec<Vec<Option<String>>> = self
            .strata
            .iter()
            .map(|s| text(&stratum_column(s)))
            .collect::<Result<_, _>>()?;
        let means: Vec<Option<f64>> = frame.column("mean")?.f64()?.iter().collect();
        let responses: Vec<Option<u64>> = frame
            .column("responses")?
            .cast(&DataType::UInt64)?
            .u64()?
            .iter()
            .collect();
        Ok((0..frame.height())
            .map(|i| {
                let sample = samples[i].clone().unwrap_or_default();
                Question {
                    model: models[i].clone().unwrap_or_default(),
                    suite: suites[i].clone().unwrap_or_default(),
                    pair: pairs[i].clone(),
                    role: roles[i].clone(),
                    cluster: clusters[i]
                        .clone()
                        .or_else(|| pairs[i].clone())
                        .unwrap_or_else(|| sample.clone()),
                    sample,
                    value: means[i].unwrap_or(f64::NAN),
                    responses: usize::try_from(responses[i].unwrap_or(0)).unwrap_or(0),
                    strata: strata.iter().map(|s| s[i].clone()).collect(),
                }
            })
            .collect())
    }
}
