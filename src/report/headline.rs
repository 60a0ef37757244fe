//! The sentences at the top: what was found, in words, with its interval and n. Shared by the report and the terminal.

use super::templates::signed;
use crate::analysis::{Cell, Dataset, Question, compare_pooled, gap};
use crate::stats::Interval;
use crate::suite::Kind;

/// A difference closer to 0 than this, with an interval inside the double of it, reads as "equal".
const EQUAL: f64 = 0.05;

/// The sentences that a reader must not miss: quality beside the baseline, gaps between sensitive questions and controls, and
/// otherwise each suite's range.
#[must_use]
pub fn headlines(data: &Dataset, questions: &[Question], cells: &[Cell], baseline: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let benchmarks: Vec<&str> = data.suites.iter().filter(|s| s.kind == Kind::Benchmark).map(|s| s.name.as_str()).collect();
    if !benchmarks.is_empty() && data.models.len() > 1 && data.models.len() <= 6 {
        for model in data.models.iter().map(|m| m.identity.name.as_str()).filter(|m| *m != baseline) {
            let comparison = compare_pooled(questions, &benchmarks, model, baseline);
            if let Ok(difference) = comparison.difference {
                let verdict = if difference.interval.excludes(0.0) {
                    if difference.value > 0.0 { "Better in quality" } else { "Worse in quality" }
                } else if difference.interval.low > -2.0 * EQUAL && difference.interval.high < 2.0 * EQUAL {
                    "Equal in quality, as far as this can tell"
                } else {
                    "No difference in quality shown"
                };
                sentences.push(format!("{verdict}: {model} − {baseline} = {}, n = {} paired questions.", points(difference.value, difference.interval), difference.n));
            }
        }
    }
    let gaps: Vec<String> = data
        .models
        .iter()
        .filter_map(|m| gap(questions, &m.identity.name))
        .filter_map(|g| g.gap.as_ref().ok().map(|e| format!("{} withholds {} more on marked topics than on their matched controls, n = {} pairs", g.model, points(e.value, e.interval), e.n)))
        .collect();
    if !gaps.is_empty() {
        sentences.push(format!("What is not answered: {}.", gaps.join("; ")));
    }
    if sentences.is_empty() {
        for suite in &data.suites {
            let mut scores: Vec<(&str, f64, usize)> = cells.iter().filter(|c| c.suite == suite.name).filter_map(|c| c.estimate.as_ref().ok().map(|e| (c.model.as_str(), e.value, e.n))).collect();
            scores.sort_by(|a, b| a.1.total_cmp(&b.1));
            if let (Some(low), Some(high)) = (scores.first(), scores.last()) {
                let word = if suite.kind == Kind::Audit { "answered in full" } else { "score" };
                sentences.push(if scores.len() == 1 {
                    format!("{}: {} {word} {:.0} %, n = {}.", suite.name, low.0, low.1 * 100.0, low.2)
                } else {
                    format!("{}: {word} from {:.0} % ({}) to {:.0} % ({}), n = {} questions.", suite.name, low.1 * 100.0, low.0, high.1 * 100.0, high.0, low.2)
                });
            }
        }
    }
    sentences
}

fn points(value: f64, interval: Interval) -> String {
    format!("{} points [{}, {}]", signed(value * 100.0, 1), signed(interval.low * 100.0, 1), signed(interval.high * 100.0, 1))
}
