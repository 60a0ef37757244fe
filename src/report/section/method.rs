//! How the figures were computed, their limits, and exactly what was run.

use serde::Serialize;

use super::Part;
use crate::report::{Report, ReportError};
use crate::score::{Labeller, UNREAD};
use crate::store::{Filter, Manifest, column};

#[derive(Serialize)]
struct Context<'a> {
    manifests: &'a [Manifest],
    /// What names each run's answers.
    hashes: &'a [String],
    has_refusal: bool,
    /// Answers that the missing offline classifier should have read.
    unread: usize,
    has_imported: bool,
    has_pairs: bool,
    trials: u64,
    cached: u64,
    choices: Vec<String>,
    subsets: Vec<String>,
    estimand: &'static str,
    estimand_meaning: &'static str,
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let scored_by = |name: &str| report.data.suites.iter().any(|s| s.headline.0 == name);
    let has_pairs = report
        .questions()
        .iter()
        .any(|q| q.role.is_some() && q.pair.is_some());
    let has_refusal = scored_by("refusal");
    let context = Context {
        manifests: &report.data.manifests,
        hashes: report.run_hashes()?,
        has_refusal,
        unread: if has_refusal { unread(report)? } else { 0 },
        has_imported: scored_by("imported"),
        has_pairs,
        trials: report.cells.iter().map(|c| c.trials).sum(),
        cached: report.cells.iter().map(|c| c.cached).sum(),
        choices: report
            .data
            .suites
            .iter()
            .filter_map(|s| Some(format!("{}, {}", s.name, s.artefacts.as_ref()?)))
            .collect(),
        subsets: report.data.subsets(),
        estimand: report.estimand.name(),
        estimand_meaning: report.estimand.meaning(),
    };
    report
        .render("sections/method.html", &context)
        .map(Part::of)
}

fn unread(report: &Report) -> Result<usize, ReportError> {
    let by_rules = Labeller::Rules.to_string();
    let by_rules = Filter::all()
        .is(column::SCORER, "refusal")
        .is(column::METRIC, "class")
        .is(column::LABELLED_BY, &by_rules);
    let scores = report.data.scores(&[column::EXPLANATION], &by_rules)?;
    let whys = scores.texts(column::EXPLANATION)?;
    Ok(whys
        .iter()
        .flatten()
        .filter(|why| why.starts_with(UNREAD))
        .count())
}
