//! Model × stratum: the share withheld, as colour and number.

use serde::Serialize;

use crate::analysis::stratum_rates;
use crate::report::chart::heat_map::{Field, HeatMap, Scale, heat_map};
use crate::report::{Report, ReportError};

/// Maximum number of a stratum's values on a map.
const MAX_COLUMNS: usize = 40;

#[derive(Serialize)]
struct Context {
    maps: Vec<(String, String)>,
}

/// A mean score as the share not answered in full.
fn withheld(score: f64) -> f64 {
    1.0 - score
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
        fields: models
            .iter()
            .map(|m| {
                let field = |suite: &&str| {
                    let mut own = report.cells.iter();
                    own.find(|c| c.model == *m && c.suite == *suite)
                        .map_or(Field::Empty, |c| {
                            Field::of(&c.estimate, c.questions, withheld)
                        })
                };
                audits.iter().map(field).collect()
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
                            Field::of(&r.estimate, r.questions, withheld)
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
        maps.push((
            stratum.clone(),
            heat_map(&HeatMap {
                rows: models.clone(),
                columns,
                fields,
                scale: Scale::Share,
            })?,
        ));
    }
    report
        .render("sections/heat_map.html", &Context { maps })
        .map(Some)
}
