//! Cases made by hand, a line of JSON each in `tests/fixtures`: read, and held against what a reader makes of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::fixtures;

/// Fails with every case of which `wrong` tells something. There are at least so many cases, in twenty languages or more.
pub fn hold(file: &str, at_least: usize, wrong: impl Fn(&Value) -> Option<String>) {
    let text = std::fs::read_to_string(fixtures().join(file)).expect("the cases");
    let cases: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let languages: BTreeSet<&str> = cases
        .iter()
        .filter_map(|c| c["language"].as_str())
        .collect();
    assert!(
        cases.len() >= at_least && languages.len() >= 20,
        "{} cases in {languages:?}",
        cases.len()
    );
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
