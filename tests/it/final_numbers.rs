//! The number a text arrives at, against cases made by hand: `tests/fixtures/final_numbers.jsonl`.

use std::collections::BTreeSet;

use candor::text::answer_number;
use serde_json::Value;

use crate::support::fixtures;

#[test]
fn every_number_is_read_as_a_person_reads_it() {
    let text = std::fs::read_to_string(fixtures().join("final_numbers.jsonl")).expect("the cases");
    let cases: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let languages: BTreeSet<&str> = cases
        .iter()
        .filter_map(|c| c["language"].as_str())
        .collect();
    assert!(
        cases.len() >= 200 && languages.len() >= 20,
        "{} cases in {languages:?}",
        cases.len()
    );
    let mut wrong = Vec::new();
    for case in &cases {
        let read = answer_number(case["text"].as_str().expect("a text"));
        let same = match (read, case["number"].as_f64()) {
            (Some(read), Some(want)) => (read - want).abs() <= 1e-9 * want.abs().max(1.0),
            (read, want) => read == want,
        };
        if !same {
            wrong.push(format!(
                "{:?} wanted of {}, {read:?} read: {}",
                case["number"], case["text"], case["why"]
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
