//! Models × suites: score with interval, what was blocked or failed, what it cost.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::mean_score::mean_score;
use super::{AnalysisError, Dataset, Estimand, LEVEL, Question};
use crate::score::{Aggregate, CorpusTally, UNABLE, WITHOUT_VERDICT, aggregate_of};
use crate::stats::{
    BbqCounts, Estimate, Undefined, bbq_ambiguous, bbq_disambiguated, standard_error_of_mean,
};
use crate::store::{Filter, TrialStatus, column};

/// One model on one suite.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Cell {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// Mean of the primary metric over questions with its interval (Wilson on the effective sample size, 95 %).
    pub estimate: Result<Estimate, Undefined>,
    /// Questions with a score, whether or not they suffice for an interval.
    pub questions: usize,
    /// Trials.
    pub trials: u64,
    /// Trials that a filter before or behind the model stopped.
    pub blocked: u64,
    /// Trials without an answer.
    pub failed: u64,
    /// Trials whose answer the token limit cut.
    pub truncated: u64,
    /// Trials whose answer came from the completion cache: given before the run, perhaps by a model that was another then.
    pub cached: u64,
    /// Trials with an answer that lacks a verdict: a judge gave no label, or a scorer could not judge.
    pub unlabelled: u64,
    /// Trials with an answer that the model was unable to give, by the suite's primary metric: neither answered nor withheld.
    pub unable: u64,
}

/// What a model took altogether.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct MetricValue {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// The scorer.
    pub scorer: String,
    /// The metric.
    pub metric: String,
    /// Its value; none if it is undefined.
    pub value: Option<f64>,
    /// The standard error of a mean: the standard deviation of the scores over √n. None for other figures.
    pub standard_error: Option<f64>,
    /// Scores behind it.
    pub n: u64,
}

/// Every model on every suite, in the dataset's order.
///
/// # Errors
/// [`AnalysisError`] if the tables cannot be read.
pub fn summarise(
    data: &Dataset,
    questions: &[Question],
    estimand: Estimand,
) -> Result<Vec<Cell>, AnalysisError> {
    let columns = [column::MODEL, column::SUITE, column::STATUS, column::ORIGIN];
    let trials = data.trials(&columns, &Filter::all())?;
    let (models, suites, statuses, origins) = (
        trials.texts(column::MODEL)?,
        trials.texts(column::SUITE)?,
        trials.texts(column::STATUS)?,
        trials.texts(column::ORIGIN)?,
    );
    let mut counted: HashMap<(&str, &str), Counted> = HashMap::new();
    for row in 0..trials.height() {
        if let (Some(model), Some(suite), Some(status)) =
            (models.get(row), suites.get(row), statuses.get(row))
        {
            let of_cell = counted.entry((model, suite)).or_default();
            *of_cell.statuses.entry(status).or_default() += 1;
            of_cell.cached += u64::from(origins.get(row) == Some("cache"));
        }
    }
    let without = Filter::all().among(column::LABEL, WITHOUT_VERDICT.iter().copied());
    let columns = [column::MODEL, column::SUITE, column::TRIAL_KEY];
    let unlabelled = data.scores(&columns, &without)?;
    let (models, suites, keys) = (
        unlabelled.texts(column::MODEL)?,
        unlabelled.texts(column::SUITE)?,
        unlabelled.texts(column::TRIAL_KEY)?,
    );
    for row in 0..unlabelled.height() {
        if let (Some(model), Some(suite), Some(key)) =
            (models.get(row), suites.get(row), keys.get(row))
        {
            let of_cell = counted.entry((model, suite)).or_default();
            of_cell.unlabelled.insert(key);
        }
    }
    let unable = data.without_value(UNABLE, None, &[])?;
    for [model, suite] in &unable {
        counted.entry((model, suite)).or_default().unable += 1;
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
            let Some(Counted {
                statuses,
                cached,
                unlabelled,
                unable,
            }) = counted.get(&key)
            else {
                continue;
            };
            let count = |status: TrialStatus| statuses.get(status.name()).copied().unwrap_or(0);
            let questions = groups.get(&key).map_or(&[][..], Vec::as_slice);
            cells.push(Cell {
                model: key.0.to_owned(),
                suite: key.1.to_owned(),
                estimate: mean_score(questions, estimand, suite.samples, LEVEL),
                questions: questions.len(),
                trials: statuses.values().sum(),
                blocked: count(TrialStatus::BlockedUpstream),
                failed: count(TrialStatus::Error),
                truncated: count(TrialStatus::Truncated),
                cached: *cached,
                unlabelled: unlabelled.len() as u64,
                unable: *unable,
            });
        }
    }
    Ok(cells)
}

/// Trials and scores of one model on one suite, while they are counted.
#[derive(Default)]
struct Counted<'a> {
    statuses: HashMap<&'a str, u64>,
    cached: u64,
    unlabelled: HashSet<&'a str>,
    unable: u64,
}

/// Tokens, money and time of each model, in the dataset's order.
///
/// # Errors
/// [`AnalysisError`] if the tables cannot be read.
pub fn totals(data: &Dataset) -> Result<Vec<ModelTotals>, AnalysisError> {
    let columns = [
        column::MODEL,
        column::PROMPT_TOKENS,
        column::COMPLETION_TOKENS,
        column::COST_USD,
        column::SECONDS,
        column::QUEUE_SECONDS,
    ];
    let trials = data.trials(&columns, &Filter::all())?;
    let models = trials.texts(column::MODEL)?;
    let (read, written) = (
        trials.wholes(column::PROMPT_TOKENS)?,
        trials.wholes(column::COMPLETION_TOKENS)?,
    );
    let (costs, seconds, queued) = (
        trials.floats(column::COST_USD)?,
        trials.floats(column::SECONDS)?,
        trials.floats(column::QUEUE_SECONDS)?,
    );
    let mut by_model: HashMap<&str, Spent> = HashMap::new();
    for row in 0..trials.height() {
        let Some(model) = models.get(row) else {
            continue;
        };
        let spent = by_model.entry(model).or_default();
        spent.trials += 1;
        spent.prompt_tokens += read.count(row);
        spent.completion_tokens += written.count(row);
        if let Some(cost) = costs.get(row) {
            *spent.cost_usd.get_or_insert(0.0) += cost;
        }
        if let Some(total) = seconds.get(row) {
            spent.busy += total - queued.get(row).unwrap_or(0.0);
            if total > 0.0 {
                spent.seconds.push(total);
            }
        }
    }
    let names = data.models.iter().map(|m| m.identity.name.as_str());
    Ok(names
        .filter_map(|model| Some(by_model.remove(model)?.totals(model)))
        .collect())
}

/// What a model took, while its trials are added up.
#[derive(Default)]
struct Spent {
    trials: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    cost_usd: Option<f64>,
    /// Of each answer that took any time.
    seconds: Vec<f64>,
    /// Seconds of answering, without candor's own queue.
    busy: f64,
}

impl Spent {
    fn totals(mut self, model: &str) -> ModelTotals {
        self.seconds.sort_unstable_by(f64::total_cmp);
        #[allow(clippy::cast_precision_loss)]
        let tokens_per_second = (self.busy > 0.0 && self.completion_tokens > 0)
            .then(|| self.completion_tokens as f64 / self.busy);
        ModelTotals {
            model: model.to_owned(),
            trials: self.trials,
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            cost_usd: self.cost_usd,
            median_seconds: quantile(&self.seconds, 0.5),
            p95_seconds: quantile(&self.seconds, 0.95),
            tokens_per_second,
        }
    }
}

/// A quantile of ascending values, interpolated between the two neighbours (Hyndman and Fan's type 7).
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let place = share * ascending.len().checked_sub(1)? as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let (low, high) = (*ascending.get(below)?, *ascending.get(above)?);
    Some(low + (high - low) * place.fract())
}

/// Every metric of every scorer as one figure per model and suite.
///
/// # Errors
/// [`AnalysisError`] if the tables cannot be read.
pub fn metric_values(data: &Dataset) -> Result<Vec<MetricValue>, AnalysisError> {
    let columns = [
        column::MODEL,
        column::SUITE,
        column::SCORER,
        column::METRIC,
        column::VALUE,
        column::LABEL,
    ];
    let scores = data.scores(&columns, &Filter::all())?;
    let (models, suites) = (scores.texts(column::MODEL)?, scores.texts(column::SUITE)?);
    let (scorers, metrics) = (scores.texts(column::SCORER)?, scores.texts(column::METRIC)?);
    let (values, labels) = (scores.floats(column::VALUE)?, scores.texts(column::LABEL)?);
    let mut tallies: BTreeMap<[&str; 4], Tally> = BTreeMap::new();
    for row in 0..scores.height() {
        let key = [&suites, &scorers, &metrics, &models].map(|c| c.get(row).unwrap_or_default());
        let tally = tallies.entry(key).or_default();
        tally.total += 1;
        if let Some(value) = values.get(row) {
            tally.values.push(value);
        }
        match labels.get(row) {
            Some("biased") => tally.biased += 1,
            Some("counter") => tally.counter += 1,
            Some("unknown") => tally.unknown += 1,
            _ => {}
        }
        if let Some(label) = labels.get(row)
            && tally.of_corpus(key[1], key[2])
        {
            tally.corpus.add(label);
        }
    }
    let value = |([suite, scorer, metric, model], tally): ([&str; 4], Tally)| {
        let aggregate = aggregate_of(scorer, metric);
        let (value, n) = tally.value(aggregate);
        let mean = || standard_error_of_mean(&tally.values);
        MetricValue {
            model: model.to_owned(),
            suite: suite.to_owned(),
            scorer: scorer.to_owned(),
            metric: metric.to_owned(),
            value,
            standard_error: (aggregate == Aggregate::Mean).then(mean).flatten(),
            n,
        }
    };
    Ok(tallies.into_iter().map(value).collect())
}

/// Scores of one metric, while they are counted.
#[derive(Default)]
struct Tally {
    /// Scores.
    total: u64,
    /// The values of those that have one.
    values: Vec<f64>,
    biased: u64,
    counter: u64,
    unknown: u64,
    /// What labels sum up to, for a figure of the whole corpus.
    corpus: CorpusTally,
    /// Whether the metric is such a figure, once that is known.
    is_corpus: Option<bool>,
}

impl Tally {
    fn of_corpus(&mut self, scorer: &str, metric: &str) -> bool {
        *self.is_corpus.get_or_insert_with(|| {
            !matches!(
                aggregate_of(scorer, metric),
                Aggregate::Mean | Aggregate::BbqAmbiguous | Aggregate::BbqDisambiguated
            )
        })
    }

    /// The aggregate, and how many scores are behind it.
    #[allow(clippy::cast_precision_loss)]
    fn value(&self, aggregate: Aggregate) -> (Option<f64>, u64) {
        // In ambiguous contexts "unknown" is the right answer.
        let counts = BbqCounts {
            biased: self.biased,
            non_unknown: self.biased + self.counter,
            correct: self.unknown,
            total: self.total,
        };
        match aggregate {
            Aggregate::Mean => {
                let n = self.values.len();
                let sum: f64 = self.values.iter().sum();
                ((n > 0).then(|| sum / n as f64), n as u64)
            }
            Aggregate::BbqAmbiguous => (bbq_ambiguous(counts).ok(), self.total),
            Aggregate::BbqDisambiguated => (bbq_disambiguated(counts).ok(), self.total),
            of_corpus => (self.corpus.value(of_corpus), self.corpus.n()),
        }
    }
}
