//! Groups of tasks: one figure of each from its tasks' figures, as lm-evaluation-harness sums them up.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::{Dataset, MetricValue};
use crate::stats::{mean_of_means, pooled_mean};
use crate::suite::{GroupMetric, TaskGroup};

/// A group's figure under one metric.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GroupValue {
    /// The group's name.
    pub group: String,
    /// The name to show.
    pub title: String,
    /// The model.
    pub model: String,
    /// The tasks' metric, with its filter.
    pub metric: String,
    /// Whether each task counts by its number of documents, rather than the same.
    pub by_size: bool,
    /// The mean of the tasks' figures.
    pub value: f64,
    /// Its standard error, where every task's figure has one.
    pub standard_error: Option<f64>,
    /// Scores behind it.
    pub n: u64,
    /// Tasks behind it.
    pub tasks: usize,
    /// Tasks of the group that have no such figure.
    pub missing: usize,
}

/// Every group's figures from those of its tasks, in the order of groups, metrics and models.
#[must_use]
pub fn group_values(data: &Dataset, values: &[MetricValue]) -> Vec<GroupValue> {
    let mut by_suite: HashMap<&str, Vec<&MetricValue>> = HashMap::new();
    for value in values {
        by_suite.entry(&value.suite).or_default().push(value);
    }
    let mut figures = Vec::new();
    for group in data.groups() {
        let suites = group.suites.iter();
        let own: Vec<&MetricValue> = suites
            .filter_map(|suite| by_suite.get(suite.as_str()))
            .flatten()
            .copied()
            .collect();
        for metric in &group.metrics {
            for name in names(metric, &own) {
                let of = |model| figure(group, metric, name, model, &own);
                figures.extend(data.names().filter_map(of));
            }
        }
    }
    figures
}

/// The names that a metric has under the filters that count, as tasks have them.
fn names<'a>(metric: &GroupMetric, own: &[&'a MetricValue]) -> BTreeSet<&'a str> {
    let counts = |name: &&str| {
        let (bare, filter) = name.split_once(',').unwrap_or((name, "none"));
        let among = |filters: &Vec<String>| filters.iter().any(|own| own == filter);
        bare == metric.metric && metric.filters.as_ref().is_none_or(among)
    };
    let names = own.iter().map(|value| value.metric.as_str());
    names.filter(counts).collect()
}

#[allow(clippy::cast_precision_loss)]
fn figure(
    group: &TaskGroup,
    metric: &GroupMetric,
    name: &str,
    model: &str,
    own: &[&MetricValue],
) -> Option<GroupValue> {
    let of_model = own
        .iter()
        .filter(|v| v.model == model && v.metric == name && v.value.is_some());
    let tasks: Vec<(f64, Option<f64>, u64)> = of_model
        .filter_map(|v| Some((v.value?, v.standard_error, v.n)))
        .collect();
    let n: u64 = tasks.iter().map(|(.., n)| n).sum();
    let weight = |n: u64| if metric.by_size { n as f64 } else { 1.0 };
    let weights: f64 = tasks.iter().map(|(.., n)| weight(*n)).sum();
    let sum: f64 = tasks.iter().map(|(value, _, n)| value * weight(*n)).sum();
    let with_errors: Option<Vec<(f64, f64, f64)>> = tasks
        .iter()
        .map(|(value, error, n)| Some((*value, (*error)?, *n as f64)))
        .collect();
    let error = with_errors.and_then(|tasks| {
        if metric.by_size {
            pooled_mean(&tasks)
        } else {
            let plain: Vec<(f64, f64)> = tasks.iter().map(|(v, e, _)| (*v, *e)).collect();
            mean_of_means(&plain)
        }
    });
    (weights > 0.0).then(|| GroupValue {
        group: group.name.clone(),
        title: group.title.clone(),
        model: model.to_owned(),
        metric: name.to_owned(),
        by_size: metric.by_size,
        value: sum / weights,
        standard_error: error.map(|(_, error)| error),
        n,
        tasks: tasks.len(),
        missing: group.suites.len() - tasks.len(),
    })
}
