//! Models × suites: score with interval, what was blocked or failed, what it cost.

use std::collections::HashMap;

use polars::prelude::*;
use serde::Serialize;

use super::mean_score::mean_score;
use super::{AnalysisError, Dataset, LEVEL, Question, Target};
use crate::score::{Aggregate, aggregate_of};
use crate::stats::{BbqCounts, Estimate, Undefined, bbq_ambiguous, bbq_disambiguated};

/// One model on one suite.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// Mean of the headline metric over questions with its interval (Wilson on the effective sample size, 95 %).
    pub estimate: Result<Estimate, Undefined>,
    /// Trials.
    pub trials: u64,
    /// Trials that a filter before or behind the model stopped.
    pub blocked: u64,
    /// Trials without an answer.
    pub failed: u64,
    /// Trials whose answer the token limit cut.
    pub truncated: u64,
}

/// What a model took altogether.
#[derive(Debug, Clone, Serialize)]
pub struct ModelTotals {
    /// The model.
    pub model: String,
    /// Trials.
    pub trials: u64,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// US dollars, where known.
    pub cost_usd: Option<f64>,
    /// Median seconds an answer.
    pub median_seconds: Option<f64>,
    /// Seconds under which 95 of 100 answers came.
    pub p95_seconds: Option<f64>,
    /// Tokens written a second of answering time.
    pub tokens_per_second: Option<f64>,
}

/// A metric other than the headline, or the headline again, as one figure.
#[derive(Debug, Clone, Serialize)]
pub struct MetricValue {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// The scorer.
    pub scorer: String,
    /// The metric.
    pub metric: String,
    /// Its value; none where it is undefined.
    pub value: Option<f64>,
    /// Scores behind it.
    pub n: u64,
}

/// Every model on every suite, in the dataset's order.
///
/// # Errors
/// [`AnalysisError`] where the tables cannot be read.
pub fn summarise(
    data: &Dataset,
    questions: &[Question],
    target: Target,
) -> Result<Vec<Cell>, AnalysisError> {
    let counts = data
        .trials()
        .group_by([col("model"), col("suite"), col("status")])
        .agg([col("trial_key").count().cast(DataType::UInt64).alias("n")])
        .collect()?;
    let (models, suites, statuses, ns) = (
        counts.column("model")?.str()?,
        counts.column("suite")?.str()?,
        counts.column("status")?.str()?,
        counts.column("n")?.u64()?,
    );
    let mut by_status: HashMap<(&str, &str), HashMap<&str, u64>> = HashMap::new();
    for i in 0..counts.height() {
        if let (Some(model), Some(suite), Some(status), Some(n)) =
            (models.get(i), suites.get(i), statuses.get(i), ns.get(i))
        {
            by_status
                .entry((model, suite))
                .or_default()
                .insert(status, n);
        }
    }
    let mut groups: HashMap<(&str, &str), Vec<&Question>> = HashMap::new();
    for question in questions {
        groups
            .entry((&question.model, &question.suite))
            .or_default()
            .push(question);
    }
    let mut cells = Vec::new();
    for model in &data.models {
        for suite in &data.suites {
            let key = (model.identity.name.as_str(), suite.name.as_str());
            let Some(statuses) = by_status.get(&key) else {
                continue;
            };
            let count = |name: &str| statuses.get(name).copied().unwrap_or(0);
            cells.push(Cell {
                model: key.0.to_owned(),
                suite: key.1.to_owned(),
                estimate: mean_score(
                    groups.get(&key).map_or(&[], Vec::as_slice),
                    target,
                    suite.samples,
                    LEVEL,
                ),
                trials: statuses.values().sum(),
                blocked: count("blocked_upstream"),
                failed: count("error"),
                truncated: count("truncated"),
            });
        }
    }
    Ok(cells)
}

/// Tokens, money and time of each model, in the dataset's order.
///
/// # Errors
/// [`AnalysisError`] where the tables cannot be read.
pub fn totals(data: &Dataset) -> Result<Vec<ModelTotals>, AnalysisError> {
    let quantile = |q: f64| {
        col("seconds")
            .filter(col("seconds").gt(lit(0.0)))
            .quantile(lit(q), QuantileMethod::Linear)
    };
    let frame = data
        .trials()
        .group_by([col("model")])
        .agg([
            col("trial_key")
                .count()
                .cast(DataType::Int64)
                .alias("trials"),
            col("prompt_tokens").sum().alias("prompt"),
            col("completion_tokens").sum().alias("completion"),
            col("cost_usd").sum().alias("cost"),
            col("cost_usd")
                .count()
                .cast(DataType::Int64)
                .alias("priced"),
            quantile(0.5).alias("median"),
            quantile(0.95).alias("p95"),
            (col("seconds") - col("queue_seconds")).sum().alias("busy"),
        ])
        .collect()?;
    let names = frame.column("model")?.str()?;
    let float =
        |name: &str, i: usize| -> Option<f64> { frame.column(name).ok()?.f64().ok()?.get(i) };
    let whole = |name: &str, i: usize| -> u64 {
        frame
            .column(name)
            .ok()
            .and_then(|c| c.i64().ok()?.get(i))
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(0)
    };
    let mut all = Vec::new();
    for model in &data.models {
        let Some(i) =
            (0..frame.height()).find(|i| names.get(*i) == Some(model.identity.name.as_str()))
        else {
            continue;
        };
        let completion_tokens = whole("completion", i);
        #[allow(clippy::cast_precision_loss)]
        let tokens_per_second = float("busy", i)
            .filter(|b| *b > 0.0 && completion_tokens > 0)
            .map(|b| completion_tokens as f64 / b);
        all.push(ModelTotals {
            model: model.identity.name.clone(),
            trials: whole("trials", i),
            prompt_tokens: whole("prompt", i),
            completion_tokens,
            cost_usd: float("cost", i).filter(|_| whole("priced", i) > 0),
            median_seconds: float("median", i),
            p95_seconds: float("p95", i),
            tokens_per_second,
        });
    }
    Ok(all)
}

/// Every metric of every scorer as one figure a model and suite.
///
/// # Errors
/// [`AnalysisError`] where the tables cannot be read.
pub fn metric_values(data: &Dataset) -> Result<Vec<MetricValue>, AnalysisError> {
    let labelled = |label: &str| {
        col("label")
            .eq(lit(label.to_owned()))
            .sum()
            .cast(DataType::UInt64)
            .alias(label)
    };
    let frame = data
        .scores()
        .group_by([col("model"), col("suite"), col("scorer"), col("metric")])
        .agg([
            col("value").mean().alias("mean"),
            col("value").count().cast(DataType::UInt64).alias("n"),
            col("trial_key")
                .count()
                .cast(DataType::UInt64)
                .alias("total"),
            labelled("biased"),
            labelled("counter"),
            labelled("unknown"),
        ])
        .sort(
            ["suite", "scorer", "metric", "model"],
            SortMultipleOptions::default(),
        )
        .collect()?;
    let text = |name: &str, i: usize| {
        frame
            .column(name)
            .ok()
            .and_then(|c| Some(c.str().ok()?.get(i)?.to_owned()))
            .unwrap_or_default()
    };
    let whole = |name: &str, i: usize| {
        frame
            .column(name)
            .ok()
            .and_then(|c| c.u64().ok()?.get(i))
            .unwrap_or(0)
    };
    let means = frame.column("mean")?.f64()?.clone();
    Ok((0..frame.height())
        .map(|i| {
            let (scorer, metric) = (text("scorer", i), text("metric", i));
            // In ambiguous contexts "unknown" is the right answer.
            let counts = BbqCounts {
                biased: whole("biased", i),
                non_unknown: whole("biased", i) + whole("counter", i),
                correct: whole("unknown", i),
                total: whole("total", i),
            };
            let (value, n) = match aggregate_of(&scorer, &metric) {
                Aggregate::Mean => (means.get(i), whole("n", i)),
                Aggregate::BbqAmbiguous => (bbq_ambiguous(counts).ok(), counts.total),
                Aggregate::BbqDisambiguated => (bbq_disambiguated(counts).ok(), counts.total),
            };
            MetricValue {
                model: text("model", i),
                suite: text("suite", i),
                scorer,
                metric,
                value,
                n,
            }
        })
        .collect())
}
