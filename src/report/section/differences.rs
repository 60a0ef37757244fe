//! Each model's paired difference from the baseline, suite by suite.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Part;
use super::scores::{MAX_CHARTS, MAX_COLUMNS};
use super::tables::Table;
use crate::analysis::{Comparison, Question, compare};
use crate::report::address::Trials;
use crate::report::chart::Chart;
use crate::report::chart::intervals::{Axis, Bar, intervals};
use crate::report::figures::points_with_interval;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};

/// Maximum number of values of a stratum that differences are broken down by.
const MAX_VALUES: usize = 12;
/// Maximum number of models other than the baseline in such a table.
const MAX_OTHERS: usize = 5;

#[derive(Serialize)]
struct Context<'a> {
    baseline: &'a str,
    /// Whether suites are in rows and models in columns.
    suites_in_rows: bool,
    charts: Vec<Chart>,
    parts: Vec<Table>,
    /// Each suite, and whether its differences are of shares withheld instead of scores.
    suites: Vec<(&'a str, bool)>,
    rows: Vec<(&'a str, Vec<Cell>)>,
}

#[derive(Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Cell {
    NothingShared,
    NotEstimable { n: usize, why: String },
    Difference(Difference),
}

#[derive(Serialize)]
struct Difference {
    value: f64,
    low: f64,
    high: f64,
    n: usize,
    trials: Trials,
    unshared: usize,
    excludes_zero: bool,
    method: &'static str,
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let data = &report.data;
    let Some(baseline) = report.baseline().filter(|_| data.models.len() > 1) else {
        return Ok(None);
    };
    let suites: Vec<(&str, bool)> = data
        .suites
        .iter()
        .map(|s| (s.name.as_str(), s.tells_what_is_withheld()))
        .collect();
    let rows = data
        .names()
        .filter(|m| *m != baseline)
        .map(|model| {
            let compared = suites
                .iter()
                .filter_map(|(suite, _)| report.compare(suite, model));
            (model, compared.map(|c| Cell::of(&c)).collect())
        })
        .collect();
    let context = Context {
        baseline,
        suites_in_rows: suites.len() > MAX_COLUMNS,
        charts: if suites.len() > MAX_CHARTS {
            Vec::new()
        } else {
            forests(report, baseline, &suites)
        },
        parts: data
            .strata
            .iter()
            .filter_map(|stratum| by_stratum(report, baseline, stratum))
            .collect(),
        suites,
        rows,
    };
    let html = report.render("sections/differences.html", &context)?;
    Ok(Some(Part {
        html,
        charts: context.charts,
    }))
}

/// The questions that a comparison rests on, with the texts of both models.
fn trials(of: &Comparison) -> Trials {
    let suite = of.suite.as_deref().into_iter();
    let own = Trials::of_suites(suite).by(&of.model);
    own.shared_with(&of.baseline)
        .showing(&of.baseline)
        .showing(&of.model)
}

/// Every model's difference from the baseline, a chart per suite; of a single model one chart of all suites.
fn forests(report: &Report, baseline: &str, suites: &[(&str, bool)]) -> Vec<Chart> {
    let others: Vec<&str> = report.data.names().filter(|m| *m != baseline).collect();
    let of = |withheld: bool| if withheld { "share withheld" } else { "score" };
    let bar = |suite: &str, model: &str, label: String| {
        let comparison = report.compare(suite, model)?;
        Some(Bar {
            label,
            estimate: comparison
                .difference
                .ok()
                .filter(|_| comparison.shared > 0)?,
            trials: Some(trials(&comparison)),
        })
    };
    let drawn = |caption: String, bars: Vec<Bar>| {
        (!bars.is_empty()).then(|| intervals(&caption, bars, Axis::Difference))
    };
    if let [only] = others.as_slice() {
        let bars = suites.iter().filter_map(|(suite, withheld)| {
            bar(suite, only, format!("{suite}: {}", of(*withheld)))
        });
        let caption = format!("{only} − {baseline}, points, 95 % interval");
        return drawn(caption, bars.collect()).into_iter().collect();
    }
    suites
        .iter()
        .filter_map(|(suite, withheld)| {
            let own = others.iter();
            let bars = own.filter_map(|model| bar(suite, model, (*model).to_owned()));
            let of = of(*withheld);
            let caption =
                format!("{suite}: {of} of each model − {baseline}, points, 95 % interval");
            drawn(caption, bars.collect())
        })
        .collect()
}

/// The differences in each value of a stratum; none where it has too many or only one, or where nothing can be said.
fn by_stratum(report: &Report, baseline: &str, stratum: &str) -> Option<Table> {
    let data = &report.data;
    let at = data.strata.iter().position(|s| s == stratum)?;
    let others: Vec<&str> = data.names().filter(|m| *m != baseline).collect();
    let values: BTreeSet<&str> = report
        .asked
        .all()
        .filter_map(|q| q.strata[at].as_deref())
        .collect();
    if !(2..=MAX_VALUES).contains(&values.len()) || others.len() > MAX_OTHERS {
        return None;
    }
    let mut heads = vec!["Suite", stratum];
    let names: Vec<String> = others.iter().map(|m| format!("{m} − {baseline}")).collect();
    heads.extend(names.iter().map(String::as_str));
    let mut grid = Grid::new(&heads, &[]);
    for suite in &data.suites {
        let asked = report.asked.of_suites(&[&suite.name]);
        for value in &values {
            let mut own = asked.clone();
            let wanted = |q: &Question| q.strata[at].as_deref() == Some(*value);
            own.scored.retain(wanted);
            own.missing.retain(wanted);
            let differences: Vec<String> = others
                .iter()
                .map(|model| {
                    let found = compare(&own, &[&suite.name], model, baseline, report.estimand);
                    let found = found.in_measure(data.measure(&suite.name));
                    match found.difference {
                        Ok(d) if found.shared > 0 => {
                            format!("{}, n = {}", points_with_interval(&d), d.n)
                        }
                        _ => "–".into(),
                    }
                })
                .collect();
            if differences.iter().any(|d| d != "–") {
                let names = [suite.name.clone(), (*value).to_owned()];
                grid.rows
                    .push(names.into_iter().chain(differences).collect());
            }
        }
    }
    (!grid.rows.is_empty()).then(|| Table::of(&format!("By {stratum}"), grid).folded())
}

impl Cell {
    fn of(comparison: &Comparison) -> Self {
        match &comparison.difference {
            _ if comparison.shared == 0 => Self::NothingShared,
            Err(why) => Self::NotEstimable {
                n: comparison.shared,
                why: why.to_string(),
            },
            Ok(d) => Self::Difference(Difference {
                value: d.value,
                low: d.interval.low,
                high: d.interval.high,
                n: d.n,
                trials: trials(comparison),
                unshared: comparison.unshared,
                excludes_zero: d.interval.excludes(0.0),
                method: comparison.method,
            }),
        }
    }
}
