//! `ifeval`: instructions that a program can check were followed (Zhou et al. 2023): all 25 kinds, strictly and loosely.
//!
//! Reads the row's `instruction_id_list` and `kwargs`, as `google/IFEval` has them.

mod format;
mod instruction;
mod keywords;
mod length;
mod sentences;
mod wording;
mod words;

use serde_json::Value;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::Sample;

use instruction::Instruction;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct IfEval {}

pub(super) fn make(value: Value) -> Made {
    Ok(Box::new(options::<IfEval>("ifeval", value)?))
}

impl Scorer for IfEval {
    fn name(&self) -> &'static str {
        "ifeval"
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[
            Metric::mean("prompt_strict"),
            Metric::mean("prompt_loose"),
            Metric::mean("instruction_strict"),
            Metric::mean("instruction_loose"),
        ];
        METRICS
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let instructions = instructions(sample)?;
        let answer = completion.text.as_str();
        let versions = versions(answer);
        let strict: Vec<bool> = instructions
            .iter()
            .map(|(_, i)| follows(i, answer))
            .collect();
        let loose: Vec<bool> = instructions
            .iter()
            .map(|(_, i)| versions.iter().any(|version| follows(i, version)))
            .collect();
        let missed: Vec<&str> = instructions
            .iter()
            .zip(&strict)
            .filter(|(_, followed)| !**followed)
            .map(|((id, _), _)| id.as_str())
            .collect();
        let score = |metric, value: f64| Score::new(self, metric).value(value);
        let all = |followed: &[bool]| f64::from(u8::from(followed.iter().all(|f| *f)));
        let prompt = score("prompt_strict", all(&strict));
        Ok(vec![
            if missed.is_empty() {
                prompt.label("followed")
            } else {
                prompt
                    .label("not_followed")
                    .because(format!("not followed: {}", missed.join(", ")))
            },
            score("prompt_loose", all(&loose)),
            score("instruction_strict", share(&strict)),
            score("instruction_loose", share(&loose)),
        ])
    }
}

#[allow(clippy::cast_precision_loss)]
fn share(followed: &[bool]) -> f64 {
    let count = followed.iter().filter(|f| **f).count();
    count as f64 / followed.len().max(1) as f64
}

/// A blank answer follows nothing.
fn follows(instruction: &Instruction, answer: &str) -> bool {
    !answer.trim().is_empty() && instruction.is_followed_by(answer)
}

/// The eight versions of an answer that are let pass: without its first line, its last or both, with and without asterisks.
fn versions(answer: &str) -> Vec<String> {
    let lines: Vec<&str> = answer.split('\n').collect();
    let join = |lines: &[&str]| lines.join("\n").trim().to_owned();
    let last = lines.len() - 1;
    let plain = [
        answer.to_owned(),
        join(&lines[1..]),
        join(&lines[..last]),
        join(lines.get(1..last).unwrap_or_default()),
    ];
    let bare = plain.iter().map(|version| version.replace('*', ""));
    plain.iter().cloned().chain(bare).collect()
}

/// The row's instructions by their names.
fn instructions(sample: &Sample) -> Result<Vec<(String, Instruction)>, ScoreError> {
    let missing = |what| ScoreError::Missing {
        scorer: "ifeval",
        what,
        sample: sample.id.clone(),
    };
    let list = |name: &str| sample.fields.get(name).and_then(Value::as_array);
    let ids = list("instruction_id_list").ok_or_else(|| missing("instruction_id_list"))?;
    let settings = list("kwargs").ok_or_else(|| missing("kwargs"))?;
    ids.iter()
        .zip(settings)
        .map(|(id, settings)| {
            let id = id.as_str().unwrap_or_default();
            let read = Instruction::read(id, settings);
            read.map(|i| (id.to_owned(), i))
                .map_err(|reason| ScoreError::Options {
                    scorer: "ifeval".into(),
                    reason: format!("sample {}: {id}: {reason}", sample.id),
                })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        id: String,
        kwargs: Value,
        answer: String,
        strict: bool,
        loose: bool,
    }

    #[test]
    fn instructions_are_followed_as_the_reference_says() {
        let lines = include_str!("../../../tests/golden/ifeval.jsonl").lines();
        let cases: Vec<Case> = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(cases.len() >= 500);
        let mut wrong = Vec::new();
        let mut kinds = std::collections::BTreeSet::new();
        for case in &cases {
            kinds.insert(case.id.as_str());
            let instruction = Instruction::read(&case.id, &case.kwargs).unwrap();
            let strict = follows(&instruction, &case.answer);
            let loose = versions(&case.answer)
                .iter()
                .any(|v| follows(&instruction, v));
            if (strict, loose) != (case.strict, case.loose) {
                wrong.push(format!(
                    "{} {}: ({strict}, {loose}) for ({}, {}): {:?}",
                    case.id, case.kwargs, case.strict, case.loose, case.answer
                ));
            }
        }
        assert_eq!(kinds.len(), 25);
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            cases.len(),
            wrong.join("\n")
        );
    }
}
