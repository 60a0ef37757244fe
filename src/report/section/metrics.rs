//! Every metric of every scorer: models in rows, metrics in columns, one table per suite.

use serde::Serialize;

use super::Part;
use crate::analysis::{MetricValue, metric_values};
use crate::report::{Report, ReportError};

#[derive(Serialize)]
struct Context {
    suites: Vec<Table>,
}

#[derive(Serialize)]
struct Table {
    suite: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Option<MetricValue>>)>,
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let values = metric_values(&report.data)?;
    let mut suites = Vec::new();
    for suite in &report.data.suites {
        let own: Vec<&MetricValue> = values.iter().filter(|v| v.suite == suite.name).collect();
        let mut columns: Vec<(&str, &str)> = Vec::new();
        for value in &own {
            if !columns.contains(&(value.scorer.as_str(), value.metric.as_str())) {
                columns.push((&value.scorer, &value.metric));
            }
        }
        // A single metric is in the table of scores already.
        if columns.len() < 2 {
            continue;
        }
        let rows = report
            .data
            .models
            .iter()
            .map(|m| {
                (
                    m.identity.name.clone(),
                    columns
                        .iter()
                        .map(|(scorer, metric)| {
                            own.iter()
                                .find(|v| {
                                    v.model == m.identity.name
                                        && v.scorer == *scorer
                                        && v.metric == *metric
                                })
                                .map(|v| (*v).clone())
                        })
                        .collect(),
                )
            })
            .collect();
        suites.push(Table {
            suite: suite.name.clone(),
            columns: columns
                .iter()
                .map(|(scorer, metric)| format!("{scorer} · {metric}"))
                .collect(),
            rows,
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
