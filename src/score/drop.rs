//! `drop`: DROP's two metrics (Dua et al. 2019), by its evaluation script: bags of normalised tokens, numbers that must agree, and spans
//! that are matched one to one.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fancy_regex::Regex;

use super::line::{AnswerLine, LineOptions};
use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options, targets};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::excerpt;

struct Drop {
    line: AnswerLine,
}

pub(super) fn make(value: serde_json::Value) -> Made {
    let line: LineOptions = options("drop", value)?;
    Ok(Box::new(Drop {
        line: AnswerLine::new("drop", &line)?,
    }))
}

impl Scorer for Drop {
    fn name(&self) -> &'static str {
        "drop"
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("f1"), Metric::mean("exact_match")];
        METRICS
    }

    /// The best of the targets, each metric by itself; a blank target is passed over.
    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let answer = self.line.of(&completion.text);
        let golds = targets("drop", sample)?.iter();
        let all = golds
            .filter(|gold| !gold.trim().is_empty())
            .map(|gold| agreement(&[answer.as_ref()], &[gold]));
        let best = all.fold((false, 0.0), |best: (bool, f64), one| {
            (best.0 || one.0, best.1.max(one.1))
        });
        Ok(vec![
            Score::new(self, "f1")
                .value(best.1)
                .label(excerpt(&answer, 80)),
            Score::new(self, "exact_match").right(best.0),
        ])
    }
}

/// Whether spans are the same, and their F1, from 0 to 1, rounded as the script rounds percentages to two digits.
#[allow(clippy::cast_precision_loss)]
fn agreement(predicted: &[&str], gold: &[&str]) -> (bool, f64) {
    let spans = |all: &[&str]| all.iter().map(|s| normalised(s)).collect::<Vec<_>>();
    let (predicted, gold) = (spans(predicted), spans(gold));
    let set = |all: &[String]| all.iter().cloned().collect::<BTreeSet<_>>();
    let same = predicted.len() == gold.len() && set(&predicted) == set(&gold);
    let bags = |all: &[String]| {
        let bag = |span: &String| span.split_whitespace().map(str::to_owned).collect::<Bag>();
        all.iter().map(bag).collect::<Vec<_>>()
    };
    let (predicted, gold) = (bags(&predicted), bags(&gold));
    let table: Vec<Vec<f64>> = gold
        .iter()
        .map(|gold| predicted.iter().map(|p| f1(p, gold)).collect())
        .collect();
    let spans = predicted.len().max(gold.len()).max(1);
    let percent = 100.0 * best_matching(&table) / spans as f64;
    let rounded: f64 = format!("{percent:.2}").parse().unwrap_or(percent);
    (same, rounded / 100.0)
}

type Bag = BTreeSet<String>;

/// F1 of two bags; none where the target's numbers are not among the answer's.
#[allow(clippy::cast_precision_loss)]
fn f1(predicted: &Bag, gold: &Bag) -> f64 {
    let mut numbers = gold.iter().filter(|word| number(word).is_some()).peekable();
    if numbers.peek().is_some() && !numbers.any(|n| predicted.contains(n)) {
        return 0.0;
    }
    let common = gold.intersection(predicted).count() as f64;
    let share = |of: &Bag| {
        if of.is_empty() {
            1.0
        } else {
            common / of.len() as f64
        }
    };
    let (precision, recall) = (share(predicted), share(gold));
    if precision == 0.0 && recall == 0.0 {
        return 0.0;
    }
    2.0 * precision * recall / (precision + recall)
}

/// The largest sum of entries of which no two share a row or a column.
///
/// Rows are added one after the other, each by the path of changes that loses least (the Hungarian method).
fn best_matching(table: &[Vec<f64>]) -> f64 {
    let columns = table.first().map_or(0, Vec::len);
    let size = table.len().max(columns);
    let cost = |row: usize, column: usize| {
        let entry = table.get(row).and_then(|row| row.get(column));
        -entry.copied().unwrap_or(0.0)
    };
    let (mut row_price, mut column_price) = (vec![0.0; size + 1], vec![0.0; size + 1]);
    // The row that each column belongs to; column 0 holds the row that is being added.
    let mut row_of = vec![0; size + 1];
    for row in 1..=size {
        row_of[0] = row;
        let mut least = vec![f64::INFINITY; size + 1];
        let (mut from, mut seen) = (vec![0; size + 1], vec![false; size + 1]);
        let mut column = 0;
        while row_of[column] != 0 {
            seen[column] = true;
            let at = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for j in (1..=size).filter(|j| !seen[*j]) {
                let reduced = cost(at - 1, j - 1) - row_price[at] - column_price[j];
                if reduced < least[j] {
                    (least[j], from[j]) = (reduced, column);
                }
                if least[j] < step {
                    (step, next) = (least[j], j);
                }
            }
            for j in 0..=size {
                if seen[j] {
                    row_price[row_of[j]] += step;
                    column_price[j] -= step;
                } else {
                    least[j] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[from[column]];
            column = from[column];
        }
    }
    (1..=size).map(|j| -cost(row_of[j] - 1, j - 1)).sum()
}

/// Lower case, without punctuation and articles, numbers as numbers.
fn normalised(span: &str) -> String {
    static ARTICLES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(a|an|the)\b").ok());
    let tokens = span.split([' ', '-']).map(|token| {
        let lower = token.to_lowercase();
        let bare = if number(&lower).is_some() {
            lower
        } else {
            lower.replace(|c: char| c.is_ascii_punctuation(), "")
        };
        let value = number(&bare).map_or(bare, |n| format!("{n:?}"));
        match ARTICLES.as_ref() {
            Some(articles) => articles.replace_all(&value, " ").into_owned(),
            None => value,
        }
    });
    let words: Vec<String> = tokens
        .flat_map(|t| t.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    words.join(" ")
}

/// A token as Python's `float` reads it: digits in groups that single underscores join, infinities, and what is not a number.
fn number(token: &str) -> Option<f64> {
    let token = token.trim();
    let bytes = token.as_bytes();
    let joins = |i: usize| {
        let digit = |j: usize| bytes.get(j).is_some_and(u8::is_ascii_digit);
        i > 0 && digit(i - 1) && digit(i + 1)
    };
    let underscores = token.match_indices('_').map(|(i, _)| i);
    if !underscores.clone().all(joins) {
        return None;
    }
    token.replace('_', "").parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        predicted: Vec<String>,
        gold: Vec<String>,
        exact_match: f64,
        f1: f64,
    }

    #[test]
    fn spans_agree_as_the_official_script_says() {
        let cases = include_str!("../../tests/golden/drop.jsonl").lines();
        let cases: Vec<Case> = cases.map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(cases.len() >= 200);
        for case in cases {
            let texts = |all: &[String]| {
                all.iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join("\u{1}")
            };
            let (predicted, gold): (Vec<&str>, Vec<&str>) = (
                case.predicted.iter().map(String::as_str).collect(),
                case.gold.iter().map(String::as_str).collect(),
            );
            let (same, f1) = agreement(&predicted, &gold);
            let shown = format!("{} / {}", texts(&case.predicted), texts(&case.gold));
            assert_eq!(same, case.exact_match == 1.0, "{shown}");
            assert!(
                (100.0 * f1 - case.f1).abs() < 1e-9,
                "{shown}: {f1} {}",
                case.f1
            );
        }
    }
}
