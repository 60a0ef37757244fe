//! Groups of tasks, and the figures that sum them up: `aggregate_metric_list`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::Config;
use super::error::TaskError;

/// A group of tasks as a run has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskGroup {
    /// Its name.
    pub name: String,
    /// The name to show.
    pub title: String,
    /// The suites of its tasks, those of groups within it included.
    pub suites: Vec<String>,
    /// The figures that sum it up.
    pub metrics: Vec<GroupMetric>,
}

/// A figure of a group: the mean of its tasks' figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMetric {
    /// The tasks' metric.
    pub metric: String,
    /// Under these filters of theirs; none for every filter that one of them has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub filters: Option<Vec<String>>,
    /// Whether a task counts by its number of documents, rather than each the same.
    pub by_size: bool,
}

/// Where a group's figures are written.
const KEY: &str = "aggregate_metric_list";

/// Settings of a figure.
const KNOWN: [&str; 4] = ["metric", "filter_list", "aggregation", "weight_by_size"];

/// The figures that a group's file names.
///
/// # Errors
/// [`TaskError`] names the setting.
pub(super) fn metrics(group: &Config) -> Result<Vec<GroupMetric>, TaskError> {
    match group.get(KEY) {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            let list = list.iter().enumerate();
            list.map(|(i, own)| metric(group, &format!("{KEY}[{i}]"), own))
                .collect()
        }
        Some(one) => Ok(vec![metric(group, KEY, one)?]),
    }
}

fn metric(group: &Config, at: &str, own: &Value) -> Result<GroupMetric, TaskError> {
    let wrong = |key: &str, why: &str| group.wrong(&format!("{at}{key}"), why);
    let own = own
        .as_object()
        .ok_or_else(|| wrong("", "it is not a mapping"))?;
    if let Some(name) = own.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(wrong(&format!(".{name}"), "there is no such setting"));
    }
    let metric = own.get("metric").and_then(Value::as_str);
    if let Some(other) = own.get("aggregation").filter(|a| *a != "mean") {
        let why = format!("groups are summed up by 'mean', not by {other}");
        return Err(group.unsupported(&format!("{at}.aggregation"), why));
    }
    let filters = match own.get("filter_list").filter(|f| !f.is_null()) {
        None => None,
        Some(Value::String(one)) => Some(vec![one.clone()]),
        Some(list) => {
            let names = list.as_array().map(|l| l.iter().map(Value::as_str));
            let names: Option<Vec<&str>> = names.and_then(Iterator::collect);
            let names = names.ok_or_else(|| wrong(".filter_list", "it is not a list of names"))?;
            Some(names.into_iter().map(str::to_owned).collect())
        }
    };
    Ok(GroupMetric {
        metric: metric
            .ok_or_else(|| wrong(".metric", "it names no metric"))?
            .to_owned(),
        filters,
        by_size: match own.get("weight_by_size") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(yes)) => *yes,
            Some(_) => return Err(wrong(".weight_by_size", "it is neither true nor false")),
        },
    })
}
