//! Bias scores of BBQ (Parrish et al. 2022), which are made of counts: their intervals come from resampling whole clusters.

use std::collections::BTreeMap;

use super::{AnalysisError, Dataset, LEVEL, MetricName};
use crate::score::{Aggregate, aggregate_of};
use crate::stats::{
    BbqCounts, Estimate, Inference, Interval, Resampled, Undefined, bbq_ambiguous,
    bbq_disambiguated,
};

const BOOTSTRAP_ROUNDS: usize = 2000;
const BOOTSTRAP_SEED: u64 = 0;

/// The kind of context a bias score is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BiasContext {
    /// The context does not tell the answer, and "unknown" is right.
    Ambiguous,
    /// The context tells the answer.
    Disambiguated,
}

impl BiasContext {
    /// The context of a metric that is a bias score.
    #[must_use]
    pub fn of(metric: &MetricName) -> Option<Self> {
        match aggregate_of(&metric.scorer, &metric.metric) {
            Aggregate::BbqAmbiguous => Some(Self::Ambiguous),
            Aggregate::BbqDisambiguated => Some(Self::Disambiguated),
            _ => None,
        }
    }

    fn score(self, counts: BbqCounts) -> Result<f64, Undefined> {
        match self {
            Self::Ambiguous => bbq_ambiguous(counts),
            Self::Disambiguated => bbq_disambiguated(counts),
        }
    }
}

/// Answers counted cluster by cluster.
#[derive(Debug, Default)]
pub struct BiasCounts {
    clusters: BTreeMap<String, BbqCounts>,
    answers: usize,
}

impl BiasCounts {
    /// Counts an answer of a cluster by its label.
    pub fn count(&mut self, cluster: &str, label: &str) {
        self.clusters
            .entry(cluster.to_owned())
            .or_default()
            .count(label);
        self.answers += 1;
    }

    /// The score with what resampling clusters tells of it.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than fifty clusters, and what the score itself has.
    pub fn resampled(&self, context: BiasContext) -> Result<Resampled, Undefined> {
        let clusters: Vec<BbqCounts> = self.clusters.values().copied().collect();
        let sum = |drawn: &[&BbqCounts]| {
            let none = BbqCounts::default();
            context.score(drawn.iter().fold(none, |sum, c| sum.plus(**c)))
        };
        Resampled::of(
            &clusters,
            self.answers,
            BOOTSTRAP_ROUNDS,
            BOOTSTRAP_SEED,
            sum,
        )
    }

    fn score(&self, context: BiasContext) -> Result<f64, Undefined> {
        let none = BbqCounts::default();
        context.score(self.clusters.values().fold(none, |sum, c| sum.plus(*c)))
    }
}

/// A model's bias score on a suite, from −1 (always against the stereotype) to 1 (always with it).
#[derive(Debug, Clone)]
pub struct BiasScore {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// The context.
    pub context: BiasContext,
    /// The score; none if every answer was "unknown".
    pub value: Result<f64, Undefined>,
    /// Its interval, two-sided, 95 %.
    pub interval: Result<Interval, Undefined>,
    /// Answers and clusters.
    pub units: (usize, usize),
}

impl BiasScore {
    /// The score with its interval, where both are defined.
    #[must_use]
    pub fn estimate(&self) -> Option<Estimate> {
        Some(Estimate {
            value: self.value.ok()?,
            interval: self.interval.ok()?,
            n: self.units.0,
            clusters: self.units.1,
        })
    }
}

/// Every model's bias scores on every suite that has any, in the dataset's order.
///
/// # Errors
/// [`AnalysisError`] if the tables cannot be read.
pub fn bias_scores(data: &Dataset) -> Result<Vec<BiasScore>, AnalysisError> {
    let mut scores = Vec::new();
    for headline in data.headlines() {
        for name in ["bias_ambiguous", "bias_disambiguated"] {
            let metric = MetricName {
                metric: name.into(),
                ..headline.clone()
            };
            let Some(context) = BiasContext::of(&metric) else {
                continue;
            };
            let mut counted: BTreeMap<String, BiasCounts> = BTreeMap::new();
            for labelled in data.labels(&metric, None, &[])? {
                let own = counted.entry(labelled.model).or_default();
                own.count(&labelled.cluster, &labelled.label);
            }
            for model in data.names() {
                let Some(counts) = counted.get(model) else {
                    continue;
                };
                let resampled = counts.resampled(context);
                scores.push(BiasScore {
                    model: model.to_owned(),
                    suite: metric.suite.clone(),
                    context,
                    value: counts.score(context),
                    interval: resampled.and_then(|r| r.interval(LEVEL)),
                    units: (counts.answers, counts.clusters.len()),
                });
            }
        }
    }
    Ok(scores)
}
