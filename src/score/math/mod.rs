//! `math`: a final answer in LaTeX or plain text is mathematically the target: `\frac{1}{2}`, `1/2` and `0.5` are one answer.
//!
//! Both are tidied ([`tidy`]), taken apart into tuples, sets, intervals, matrices and equations ([`compare`]), and expressions are compared by
//! their values at points of the complex plane ([`expression`], [`value`]).

mod compare;
mod expression;
mod tidy;
mod value;

use super::line::{AnswerLine, LineOptions};
use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options, targets};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::excerpt;

use compare::equivalent;
use tidy::last_boxed;

struct Math {
    line: AnswerLine,
}

pub(super) fn make(value: serde_json::Value) -> Made {
    let line: LineOptions = options("math", value)?;
    Ok(Box::new(Math {
        line: AnswerLine::new("math", &line)?,
    }))
}

impl Math {
    /// What the pattern captures; else what the last `\boxed{…}` holds; else the last line that is not blank.
    fn found<'a>(&self, answer: &'a str) -> Option<&'a str> {
        let last_line = || answer.lines().rev().find(|line| !line.trim().is_empty());
        let captured = self.line.captured(answer);
        captured.or_else(|| last_boxed(answer)).or_else(last_line)
    }
}

impl Scorer for Math {
    fn name(&self) -> &'static str {
        "math"
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("accuracy")];
        METRICS
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let targets = targets("math", sample)?;
        let score = Score::new(self, "accuracy");
        Ok(vec![match self.found(&completion.text) {
            None => score.right(false).because("there is no answer"),
            Some(found) => score
                .right(targets.iter().any(|target| equivalent(target, found)))
                .label(excerpt(found.trim(), 80)),
        }])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_equivalent_as_the_table_says() {
        let table = include_str!("../../../tests/fixtures/math_answers.tsv").lines();
        let rows = table.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut wrong = Vec::new();
        let mut count = 0;
        for row in rows {
            let [same, target, answer] = row.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not three cells: {row}");
            };
            count += 1;
            for (a, b) in [(target, answer), (answer, target)] {
                if equivalent(a, b) != (same == "same") {
                    wrong.push(format!("{same}: {a} / {b}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(count >= 200, "{count}");
    }

    #[test]
    fn an_answer_is_found_by_its_pattern_its_box_or_its_last_line() {
        let with = |pattern: Option<&str>| {
            let options: LineOptions =
                serde_json::from_value(serde_json::json!({ "pattern": pattern })).unwrap();
            let line = AnswerLine::new("math", &options).unwrap();
            Math { line }
        };
        let line = with(Some(r"(?i)Answer\s*:\s*([^\n]+)"));
        assert_eq!(line.found("so\nAnswer: 5\n"), Some("5"));
        assert_eq!(
            line.found(r"it is \boxed{\frac{1}{2}}."),
            Some(r"\frac{1}{2}")
        );
        assert_eq!(with(None).found("It is\n\n12\n"), Some("12"));
        assert_eq!(with(None).found(" \n"), None);
    }

    #[test]
    fn hostile_answers_end() {
        let deep = "(".repeat(100_000);
        let powers = "9^".repeat(50_000) + "9";
        for answer in [
            deep.as_str(),
            powers.as_str(),
            r"\frac",
            r"\begin{pmatrix}",
            "170!!!!",
            "}{",
        ] {
            assert!(!equivalent("1", answer), "{}", excerpt(answer, 20));
        }
    }
}
