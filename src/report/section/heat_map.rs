//! Model × stratum: the share withheld, as colour and number.

use serde::Serialize;

use super::Part;
use crate::analysis::stratum_rates;
use crate::report::address::Trials;
use crate::report::chart::Chart;
use crate::report::chart::heat_map::{Field, HeatMap, Scale, heat_map};
use crate::report::{Report, ReportError};
use crate::stats::{Estimate, Interval, Undefined};

/// Maximum number of suites, or of a stratum's values, on a map.
const MAX_COLUMNS: usize = 40;

#[derive(Serialize)]
struct Context {
    charts: Vec<Chart>,
}

/// A mean score as the share not answered in full.
fn withheld(score: &Result<Estimate, Undefined>) -> Result<Estimate, Undefined> {
    score.map(|score| Estimate {
        value: 1.0 - score.value,
        interval: Interval {
            low: 1.0 - score.interval.high,
            high: 1.0 - score.interval.low,
        },
        ..score
    })
}

fn caption(by: &str) -> String {
    format!("Not answered in full, percent, by {by}")
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
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
    let by_suite = HeatMap {
        caption: caption("suite"),
        rows: models.clone(),
        columns: audits.iter().map(|s| (*s).to_owned()).collect(),
        fields: models
            .iter()
            .map(|m| {
                let field = |suite: &&str| {
                    let mut own = report.cells.iter();
                    own.find(|c| c.model == *m && c.suite == *suite)
                        .map_or(Field::Empty, |c| {
                            let trials = Trials::of_suite(suite).by(m).with_verdict("has-score");
                            Field::of(withheld(&c.estimate), c.questions, trials)
                        })
                };
                audits.iter().map(field).collect()
            })
            .collect(),
        scale: Scale::Share,
    };
    let mut charts = Vec::new();
    if audits.len() <= MAX_COLUMNS {
        charts.push(heat_map(by_suite));
    }
    for stratum in &data.strata {
        let rates = stratum_rates(data, report.questions(), &audits, stratum);
        let mut columns: Vec<(String, String)> = rates
            .iter()
            .map(|r| (r.suite.clone(), r.value.clone()))
            .collect();
        columns.dedup();
        columns.sort();
        columns.dedup();
        // A stratum that only repeats the suites adds nothing.
        if columns.len() <= audits.len() || columns.len() > MAX_COLUMNS {
            continue;
        }
        let fields = models
            .iter()
            .map(|m| {
                let field = |(suite, value): &(String, String)| {
                    let mut own = rates.iter();
                    own.find(|r| r.model == *m && r.suite == *suite && r.value == *value)
                        .map_or(Field::Empty, |r| {
                            let trials = Trials::of_suite(suite).by(m).in_group(stratum, value);
                            let trials = trials.with_verdict("has-score");
                            Field::of(withheld(&r.estimate), r.questions, trials)
                        })
                };
                columns.iter().map(field).collect()
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
        charts.push(heat_map(HeatMap {
            caption: caption(stratum),
            rows: models.clone(),
            columns,
            fields,
            scale: Scale::Share,
        }));
    }
    if charts.is_empty() {
        return Ok(None);
    }
    let context = Context { charts };
    let html = report.render("sections/heat_map.html", &context)?;
    Ok(Some(Part {
        html,
        charts: context.charts,
    }))
}
