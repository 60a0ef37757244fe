//! Model × stratum: the share withheld, as colour and figure.

use serde::Serialize;

use crate::analysis::stratum_rates;
use crate::report::chart::heat_map::{HeatMap, Scale, heat_map};
use crate::report::{Report, ReportError};

/// More values of a stratum than this do not fit a map.
const MOST_COLUMNS: usize = 40;

#[derive(Serialize)]
struct Context {
    maps: Vec<(String, String)>,
}

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    let data = &report.data;
    let audits = data.audits();
    if audits.is_empty() {
        return Ok(None);
    }
    let models: Vec<String> = data
        .models
        .iter()
        .map(|m| m.identity.name.clone())
        .collect();
    let mut maps = Vec::new();
    let by_suite = HeatMap {
        rows: models.clone(),
        columns: audits.iter().map(|s| (*s).to_owned()).collect(),
        values: models
            .iter()
            .map(|m| {
                audits
                    .iter()
                    .map(|s| {
                        report
                            .cells
                            .iter()
                            .find(|c| c.model == *m && c.suite == *s)
                            .and_then(|c| c.estimate.as_ref().ok())
                            .map(|e| 1.0 - e.value)
                    })
                    .collect()
            })
            .collect(),
        scale: Scale::Share,
    };
    maps.push(("suite".to_owned(), heat_map(&by_suite)?));
    for stratum in &data.strata {
        let rates = stratum_rates(data, report.questions(), &audits, stratum);
        let mut columns: Vec<(String, String)> = rates
            .iter()
            .map(|r| (r.suite.clone(), r.value.clone()))
            .collect();
        columns.dedup();
        columns.sort();
        columns.dedup();
        // A stratum that only repeats the suites says nothing more.
        if columns.len() <= audits.len() || columns.len() > MOST_COLUMNS {
            continue;
        }
        let values = models
            .iter()
            .map(|m| {
                columns
                    .iter()
                    .map(|(suite, value)| {
                        rates
                            .iter()
                            .find(|r| r.model == *m && r.suite == *suite && r.value == *value)
                            .and_then(|r| r.estimate.as_ref().ok())
                            .map(|e| 1.0 - e.value)
                    })
                    .collect()
            })
            .collect();
        let columns = columns
            .into_iter()
            .map(|(suite, value)| {
                if audits.len() > 1 {
                    format!("{suite} · {value}")
                } else {
                    value
                }
            })
            .collect();
        maps.push((
            stratum.clone(),
            heat_map(&HeatMap {
                rows: models.clone(),
                columns,
                values,
                scale: Scale::Share,
            })?,
        ));
    }
    report
        .render("sections/heat_map.html", &Context { maps })
        .map(Some)
}
