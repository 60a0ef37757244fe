//! Every metric of every scorer: models in rows, metrics in columns, one table per suite.

use std::collections::HashMap;

use serde::Serialize;

use super::Part;
use crate::analysis::MetricValue;
use crate::report::{Report, ReportError};

#[derive(Serialize)]
struct Context<'a> {
    suites: Vec<Table<'a>>,
}

#[derive(Serialize)]
struct Table<'a> {
    suite: &'a str,
    columns: Vec<String>,
    rows: Vec<(&'a str, Vec<Option<&'a MetricValue>>)>,
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let mut by_suite: HashMap<&str, Vec<&MetricValue>> = HashMap::new();
    for value in &report.metrics {
        by_suite.entry(&value.suite).or_default().push(value);
    }
    let mut suites = Vec::new();
    for suite in &report.data.suites {
        let own = by_suite.remove(suite.name.as_str()).unwrap_or_default();
        let mut columns: Vec<(&str, &str)> = Vec::new();
        for value in &own {
            if !columns.contains(&(&value.scorer, &value.metric)) {
                columns.push((&value.scorer, &value.metric));
            }
        }
        // A single metric is in the table of scores already.
        if columns.len() < 2 {
            continue;
        }
        let of_model = |model: &str, (scorer, metric): &(&str, &str)| {
            let is_it =
                |v: &&MetricValue| v.model == model && v.scorer == *scorer && v.metric == *metric;
            own.iter().copied().find(is_it)
        };
        let row = |model| (model, columns.iter().map(|c| of_model(model, c)).collect());
        suites.push(Table {
            suite: &suite.name,
            rows: report.data.names().map(row).collect(),
            columns: columns
                .iter()
                .map(|(scorer, metric)| format!("{scorer} · {metric}"))
                .collect(),
        });
    }
    if suites.is_empty() {
        Ok(None)
    } else {
        report
            .render("sections/metrics.html", &Context { suites })
            .map(Part::of)
    }
}
