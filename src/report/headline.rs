//! The sentences at the top: what was found, in words, with its interval and n. Shared by the report and the terminal.

use super::figures::{bracket, points};
use crate::analysis::{Asked, Cell, Dataset, Question, Target, compare, gap};
use crate::stats::Estimate;
use crate::store::SuiteRecord;
use crate::suite::Kind;

/// An interval inside ± this reads as "equal".
const EQUAL: f64 = 0.05;
/// With more models than this, sentences about each are no longer read.
const MOST_MODELS: usize = 6;

/// The sentences that a reader must not miss: quality beside the baseline, gaps between sensitive questions and controls, and
/// where there is neither, each suite's range.
#[must_use]
pub fn headlines(data: &Dataset, asked: &Asked, cells: &[Cell], baseline: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    if data.models.len() <= MOST_MODELS {
        sentences.extend(quality(data, asked, baseline));
        sentences.extend(candour(data, &asked.scored));
    }
    if sentences.is_empty() {
        sentences = data
            .suites
            .iter()
            .filter_map(|suite| range(suite, cells))
            .collect();
    }
    sentences
}

/// One sentence a model: its difference to the baseline over all benchmarks.
fn quality(data: &Dataset, asked: &Asked, baseline: &str) -> Vec<String> {
    let benchmarks: Vec<&str> = data
        .suites
        .iter()
        .filter(|s| s.kind == Kind::Benchmark)
        .map(|s| s.name.as_str())
        .collect();
    data.names()
        .filter(|m| *m != baseline)
        .filter_map(|model| {
            let difference = compare(asked, &benchmarks, model, baseline, Target::Population)
                .difference
                .ok()?;
            let Estimate {
                value, interval, n, ..
            } = difference;
            let verdict = match (interval.excludes(0.0), value > 0.0) {
                (true, true) => "Better in quality",
                (true, false) => "Worse in quality",
                (false, _) if interval.low > -EQUAL && interval.high < EQUAL => "Equal in quality",
                (false, _) => "No difference in quality shown",
            };
            let figures = format!("{} points {}", points(value), bracket(interval));
            Some(format!(
                "{verdict}: {model} − {baseline} = {figures}, n = {n} paired questions."
            ))
        })
        .collect()
}

/// What each model withholds beyond its controls, largest first.
fn candour(data: &Dataset, questions: &[Question]) -> Option<String> {
    let audits = data.audits();
    let own = questions.iter().filter(|q| audits.contains(&&*q.suite));
    let own: Vec<&Question> = own.collect();
    let mut gaps: Vec<(String, Estimate)> = data
        .names()
        .filter_map(|m| gap(&own, m))
        .filter_map(|g| Some((g.model, g.gap.ok()?)))
        .collect();
    gaps.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
    let ((model, largest), others) = gaps.split_first()?;
    let unequal = gaps.iter().any(|(_, e)| e.interval.excludes(0.0));
    let verdict = if unequal {
        "Not equal in candour"
    } else {
        "Equal in candour"
    };
    let mut gaps_told = vec![format!(
        "{model} withholds {} points more on marked topics than on their matched controls {}",
        points(largest.value).trim_start_matches('+'),
        bracket(largest.interval),
    )];
    gaps_told.extend(
        others
            .iter()
            .map(|(m, e)| format!("{m} {} {}", points(e.value), bracket(e.interval))),
    );
    Some(format!(
        "{verdict}: {}; n = {} pairs.",
        gaps_told.join("; "),
        largest.n
    ))
}

/// A suite's lowest and highest score.
fn range(suite: &SuiteRecord, cells: &[Cell]) -> Option<String> {
    let mut scores: Vec<(&str, f64, usize)> = cells
        .iter()
        .filter(|c| c.suite == suite.name)
        .filter_map(|c| {
            c.estimate
                .as_ref()
                .ok()
                .map(|e| (c.model.as_str(), e.value, e.n))
        })
        .collect();
    scores.sort_by(|a, b| a.1.total_cmp(&b.1));
    let word = if suite.tells_what_is_withheld() {
        "answered in full"
    } else {
        "score"
    };
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let (low, high) = (scores.first()?, scores.last()?);
    Some(if scores.len() == 1 {
        format!(
            "{}: {} {word} {}, n = {}.",
            suite.name,
            low.0,
            percent(low.1),
            low.2
        )
    } else {
        format!(
            "{}: {word} from {} ({}) to {} ({}), n = {} questions.",
            suite.name,
            percent(low.1),
            low.0,
            percent(high.1),
            high.0,
            low.2
        )
    })
}
