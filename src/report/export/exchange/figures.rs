//! Every figure with its interval: mean scores as the report has them, means of other numbers, and figures of a whole corpus.

use std::collections::BTreeMap;

use crate::analysis::{Dataset, Estimand, LEVEL, MeanScore, MetricName, Question};
use crate::report::ReportError;
use crate::score::{Aggregate, CorpusTally, aggregate_of};
use crate::stats::{
    BbqCounts, Bootstrap, ClusteredMean, Inference, Interval, Undefined, bbq_ambiguous,
    bbq_disambiguated,
};
use crate::store::TrialRecord;

/// Draws of a bootstrap.
pub(super) const ROUNDS: usize = 1000;
/// Its seed: the same run has the same interval whenever it is exported.
const SEED: u64 = 0;

/// One model's figure of one metric on one suite.
pub(super) struct Figure {
    pub(super) model: String,
    pub(super) suite: String,
    pub(super) scorer: String,
    pub(super) metric: String,
    pub(super) aggregate: Aggregate,
    /// With its interval, or why there is none.
    pub(super) estimate: Result<Estimated, Undefined>,
}

/// A value and what is known of its error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimated {
    pub(super) value: f64,
    /// Questions behind it.
    pub(super) n: usize,
    pub(super) interval: Interval,
    /// None where all questions are of one cluster.
    pub(super) standard_error: Option<f64>,
    pub(super) method: Method,
    /// Whether every score behind it is in [0, 1].
    pub(super) is_share: bool,
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Wilson,
    Student,
    Bootstrap,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wilson => {
                "Wilson score interval on the effective sample size, clustered by question"
            }
            Self::Student => "Student's t on the cluster-robust standard error (CR1)",
            Self::Bootstrap => "percentile bootstrap over questions",
        }
    }

    /// How the standard error was made.
    pub(super) fn of_error(self) -> &'static str {
        match self {
            Self::Wilson | Self::Student => "analytic, cluster-robust (CR1)",
            Self::Bootstrap => "bootstrap",
        }
    }
}

type OfPair<T> = BTreeMap<(String, String), Vec<T>>;

/// The figures of every model and suite, by their names; the suite's headline comes first.
pub(super) fn figures(
    data: &Dataset,
    trials: &OfPair<TrialRecord>,
) -> Result<OfPair<Figure>, ReportError> {
    let mut all: OfPair<Figure> = BTreeMap::new();
    for suite in &data.suites {
        let (scorer, metric) = (&suite.headline.0, &suite.headline.1);
        let mut metrics = data.metrics(&[&suite.name])?;
        metrics.sort_by_key(|m| (&m.scorer, &m.metric) != (scorer, metric));
        for name in metrics {
            let aggregate = aggregate_of(&name.scorer, &name.metric);
            if aggregate == Aggregate::Mean {
                of_means(data, &name, &mut all)?;
            } else {
                of_corpora(data, &name, aggregate, trials, &mut all);
            }
        }
    }
    Ok(all)
}

fn of_means(
    data: &Dataset,
    name: &MetricName,
    all: &mut OfPair<Figure>,
) -> Result<(), ReportError> {
    let asked = data.asked(std::slice::from_ref(name))?;
    for model in data.names() {
        let own: Vec<&Question> = asked.scored.iter().filter(|q| &*q.model == model).collect();
        let missing = asked.missing.iter().any(|q| &*q.model == model);
        if own.is_empty() && !missing {
            continue;
        }
        add(all, model, name, Aggregate::Mean, mean(&own));
    }
    Ok(())
}

fn mean(questions: &[&Question]) -> Result<Estimated, Undefined> {
    let values: Vec<f64> = questions.iter().map(|q| q.value).collect();
    let clusters: Vec<&str> = questions.iter().map(|q| &*q.cluster).collect();
    let is_share = values.iter().all(|v| (0.0..=1.0).contains(v));
    let clustered = ClusteredMean::of(&values, &clusters);
    let standard_error = clustered.as_ref().ok().map(|mean| mean.se_cr1);
    let (value, interval, method) = if is_share {
        let mean = MeanScore::of(questions, Estimand::Population, questions.len())?;
        (mean.value(), mean.interval(LEVEL)?, Method::Wilson)
    } else {
        let mean = clustered?;
        (mean.value, mean.interval(LEVEL)?, Method::Student)
    };
    Ok(Estimated {
        value,
        n: questions.len(),
        interval,
        standard_error,
        method,
        is_share,
    })
}

fn of_corpora(
    data: &Dataset,
    name: &MetricName,
    aggregate: Aggregate,
    trials: &OfPair<TrialRecord>,
    all: &mut OfPair<Figure>,
) {
    for model in data.names() {
        let Some(trials) = trials.get(&(model.to_owned(), name.suite.clone())) else {
            continue;
        };
        let mut by_sample: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for trial in trials {
            let own = trial.scores.iter();
            let own = own.filter(|s| s.scorer == name.scorer && s.metric == name.metric);
            for label in own.filter_map(|s| s.label.as_deref()) {
                by_sample.entry(&trial.sample).or_default().push(label);
            }
        }
        let samples: Vec<Vec<&str>> = by_sample.into_values().collect();
        if !samples.is_empty() {
            add(all, model, name, aggregate, corpus(&samples, aggregate));
        }
    }
}

fn corpus(samples: &[Vec<&str>], aggregate: Aggregate) -> Result<Estimated, Undefined> {
    let statistic = |draw: &[&Vec<&str>]| {
        let labels = draw.iter().flat_map(|labels| labels.iter().copied());
        let value = match aggregate {
            Aggregate::BbqAmbiguous => bbq_ambiguous(bbq(labels))?,
            Aggregate::BbqDisambiguated => bbq_disambiguated(bbq(labels))?,
            _ => {
                let mut tally = CorpusTally::default();
                labels.for_each(|label| tally.add(label));
                tally.value(aggregate).ok_or(Undefined::NoData)?
            }
        };
        Some(value)
            .filter(|v| v.is_finite())
            .ok_or(Undefined::NoData)
    };
    let drawn = Bootstrap::resample(samples, ROUNDS, SEED, statistic)?;
    let value = statistic(&samples.iter().collect::<Vec<_>>())?;
    Ok(Estimated {
        value,
        n: samples.len(),
        interval: drawn.percentile(LEVEL)?,
        standard_error: drawn.se().ok(),
        method: Method::Bootstrap,
        is_share: false,
    })
}

fn bbq<'a>(labels: impl Iterator<Item = &'a str>) -> BbqCounts {
    let (mut biased, mut counter, mut unknown, mut total) = (0, 0, 0, 0);
    for label in labels {
        total += 1;
        match label {
            "biased" => biased += 1,
            "counter" => counter += 1,
            "unknown" => unknown += 1,
            _ => {}
        }
    }
    BbqCounts {
        biased,
        non_unknown: biased + counter,
        correct: unknown,
        total,
    }
}

fn add(
    all: &mut OfPair<Figure>,
    model: &str,
    name: &MetricName,
    aggregate: Aggregate,
    estimate: Result<Estimated, Undefined>,
) {
    let key = (model.to_owned(), name.suite.clone());
    all.entry(key).or_default().push(Figure {
        model: model.to_owned(),
        suite: name.suite.clone(),
        scorer: name.scorer.clone(),
        metric: name.metric.clone(),
        aggregate,
        estimate,
    });
}
