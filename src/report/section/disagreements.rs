//! The questions that models answer most differently: half of them one way, half the other.

use std::collections::{BTreeMap, HashMap};

use super::Part;
use super::tables::{Table, Tables};
use crate::analysis::Question;
use crate::report::address::Trials;
use crate::report::excerpt::question_excerpt;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};
use crate::store::{Filter, column};

/// Maximum number of questions listed.
const MAX_QUESTIONS: usize = 15;
/// Maximum number of models named on a side.
const MAX_NAMES: usize = 4;
/// Maximum number of characters of a question.
const EXCERPT_CHARACTERS: usize = 140;

type Key<'a> = (&'a str, &'a str);

/// Variance of the models' scores: largest where half are at one end and half at the other.
#[allow(clippy::cast_precision_loss)]
fn variance(of: &[&Question]) -> f64 {
    let n = of.len() as f64;
    let mean = of.iter().map(|q| q.value).sum::<f64>() / n;
    of.iter().map(|q| (q.value - mean).powi(2)).sum::<f64>() / n
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let mut by_question: BTreeMap<Key<'_>, Vec<&Question>> = BTreeMap::new();
    for question in report.questions() {
        by_question
            .entry(question.key())
            .or_default()
            .push(question);
    }
    let mut apart: Vec<(Key<'_>, Vec<&Question>, f64)> = by_question
        .into_iter()
        .filter(|(_, own)| own.len() > 1)
        .map(|(key, own)| {
            let variance = variance(&own);
            (key, own, variance)
        })
        .filter(|(_, _, variance)| *variance > 0.0)
        .collect();
    if apart.is_empty() {
        return Ok(None);
    }
    let all = apart.len();
    apart.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    apart.truncate(MAX_QUESTIONS);
    let prompts = prompts(report, &apart)?;
    let heads = ["Question", "Suite", "Highest", "Lowest", "Spread"];
    let mut grid = Grid::new(&heads, &[4]);
    let mut links = Vec::new();
    for ((suite, sample), own, _) in &apart {
        let (low, high) = ends(own);
        let side = |value: f64| {
            let at = own.iter().filter(|q| (q.value - value).abs() < 1e-9);
            let names: Vec<&str> = at.map(|q| &*q.model).collect();
            if names.len() > MAX_NAMES {
                let named = names[..MAX_NAMES - 1].join(", ");
                format!("{named} and {} more", names.len() + 1 - MAX_NAMES)
            } else {
                names.join(", ")
            }
        };
        let prompt = prompts.get(&((*suite).to_owned(), (*sample).to_owned()));
        grid.rows.push(vec![
            prompt.map_or_else(
                || (*sample).to_owned(),
                |p| question_excerpt(p, EXCERPT_CHARACTERS),
            ),
            (*suite).to_owned(),
            side(high),
            side(low),
            // A line may end behind a dash, whatever space follows, unless a joiner does.
            format!(
                "{:.0}\u{a0}–\u{2060}\u{a0}{:.0}\u{a0}%",
                low * 100.0,
                high * 100.0
            ),
        ]);
        let mut link = Trials::of_suite(suite).at(suite, sample);
        for value in [high, low] {
            let at = own.iter().find(|q| (q.value - value).abs() < 1e-9);
            link = at.map_or(link.clone(), |q| link.showing(&q.model));
        }
        links.push(Some(link));
    }
    let found = Tables {
        grids: vec![Table::of("", grid).linked(4, links)],
        notes: vec![format!(
            "The {} of {all} questions with different scores on which the models' scores vary most. The order “models differ most” under Transcripts lists the others.",
            apart.len()
        )],
        ..Tables::default()
    };
    found.render(report)
}

fn ends(own: &[&Question]) -> (f64, f64) {
    let values = own.iter().map(|q| q.value);
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    })
}

/// The prompts of the questions listed.
fn prompts(
    report: &Report,
    listed: &[(Key<'_>, Vec<&Question>, f64)],
) -> Result<HashMap<(String, String), String>, ReportError> {
    let suites = listed.iter().map(|((suite, _), ..)| *suite);
    let samples = listed.iter().map(|((_, sample), ..)| *sample);
    let wanted = Filter::all()
        .among(column::SUITE, suites)
        .among(column::SAMPLE, samples);
    let columns = [column::SUITE, column::SAMPLE, column::PROMPT];
    let trials = report.data.trials(&columns, &wanted)?;
    let [suites, samples, prompts] = columns.map(|c| trials.texts(c));
    let (suites, samples, prompts) = (suites?, samples?, prompts?);
    Ok((0..trials.height())
        .filter_map(|row| {
            let key = (suites.get(row)?.to_owned(), samples.get(row)?.to_owned());
            Some((key, prompts.get(row)?.to_owned()))
        })
        .collect())
}
