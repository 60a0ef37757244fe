//! Groups of tasks sum up to what lm-evaluation-harness makes of them (`tests/golden/groups.py`).

use std::path::Path;

use serde_json::Value;

use crate::support::{Endpoint, Reply, candor, question, ran, says};

/// The rule of `tests/golden/groups.py`.
fn by_length() -> Endpoint {
    Endpoint::new(|body, _| {
        let even = question(body).chars().count().is_multiple_of(2);
        Reply::Json(200, says(if even { "even" } else { "odd" }))
    })
}

#[test]
fn a_group_sums_up_to_the_figures_of_lm_eval() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/groups");
    let home = tempfile::tempdir().unwrap();
    let endpoint = by_length();
    let suite = format!("lm-eval:{}#outer", golden.join("tasks").display());
    let run = ran(candor(home.path()).args([
        "run",
        "--no-cache",
        "--format",
        "json",
        "-o",
        "run",
        "-s",
        &suite,
        "-m",
        &endpoint.spec("m"),
    ]))
    .exits_with(0);
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let figures = summary["groups"].as_array().expect("groups");
    let expected = std::fs::read_to_string(golden.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let mut checked = 0;
    for (group, wanted) in expected.as_object().unwrap() {
        for (name, value) in wanted.as_object().unwrap() {
            let Some((metric, filter)) = name.split_once(',') else {
                continue;
            };
            let (metric, is_error) = match metric.strip_suffix("_stderr") {
                Some(metric) => (metric, true),
                None => (metric, false),
            };
            // lm-eval bootstraps the errors of figures of a corpus, with draws of its own.
            if is_error && metric == "bleu" {
                continue;
            }
            let own = if filter == "none" {
                metric.to_owned()
            } else {
                format!("{metric},{filter}")
            };
            let figure = figures
                .iter()
                .find(|f| f["group"] == *group && f["metric"] == own)
                .unwrap_or_else(|| panic!("{group} has no {own}: {figures:#?}"));
            let key = if is_error { "standard_error" } else { "value" };
            let found = figure[key].as_f64().expect("a number");
            // lm-eval's BLEU is a percentage, as candor's is.
            assert!(
                (found - value.as_f64().unwrap()).abs() < 1e-9,
                "{group} {name}: {found}, not {value}"
            );
            checked += 1;
        }
    }
    assert_eq!(checked, 11);
    // The tables, on the terminal and in the report, say the same.
    let report = std::fs::read_to_string(home.path().join("run/report.html")).unwrap();
    assert!(report.contains("Groups of tasks") && report.contains("Outer group"));
    let again = ran(candor(home.path()).args(["report", "run", "--format", "json"])).exits_with(0);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["groups"], summary["groups"]);
    let table = ran(candor(home.path()).args([
        "run",
        "--no-cache",
        "-o",
        "table",
        "-s",
        &suite,
        "-m",
        &endpoint.spec("m"),
    ]))
    .exits_with(0);
    assert!(
        table.stdout.contains("Outer group") && table.stdout.contains("5 of 6"),
        "{}",
        table.stdout
    );
}
