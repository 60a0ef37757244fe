//! The choice a text settles on, against cases made by hand: `tests/fixtures/choice_letters.jsonl`.

use std::collections::BTreeSet;

use candor::text::answer_choice;
use serde_json::Value;

use crate::support::fixtures;

#[test]
fn every_choice_is_read_as_a_person_reads_it() {
    let text = std::fs::read_to_string(fixtures().join("choice_letters.jsonl")).expect("the cases");
    let cases: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let languages: BTreeSet<&str> = cases
        .iter()
        .filter_map(|c| c["language"].as_str())
        .collect();
    assert!(
        cases.len() >= 300 && languages.len() >= 20,
        "{} cases in {languages:?}",
        cases.len()
    );
    let mut wrong = Vec::new();
    for case in &cases {
        let choices: Vec<String> =
            serde_json::from_value(case["choices"].clone()).expect("choices");
        let text = case["text"].as_str().expect("a text");
        let letter =
            |index: usize| char::from(b'A' + u8::try_from(index).expect("a letter")).to_string();
        let read = answer_choice(text, &choices).map(letter);
        if read.as_deref() != case["letter"].as_str() {
            wrong.push(format!(
                "{} wanted of {text:?}, {read:?} read: {}",
                case["letter"], case["why"]
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
