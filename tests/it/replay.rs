//! Recorded answers, and scoring a stored run again.

use std::fs;

use serde_json::json;

use crate::support::{candor, export, ran, run_suite, sums_suite};

#[test]
fn recordings_are_found_by_sample_id_by_field_or_by_prompt() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 3);
    for (name, row) in [
        ("by-id", json!({"sample_id": "s1", "answer": "2"})),
        (
            "by-field",
            json!({"question": "1 + 1 =", "deep": {"er": "2"}}),
        ),
        ("by-prompt", json!({"prompt": "1 + 1 =", "response": "2"})),
        (
            "as-body",
            json!({"sample_id": "s1", "response": {"choices": [{"finish_reason": "stop", "message": {"content": "2"}}]}}),
        ),
    ] {
        let file = home.path().join(format!("{name}.jsonl"));
        fs::write(&file, format!("{row}\n")).unwrap();
        let options = if name == "by-field" {
            "?key=question&answer=deep.er"
        } else {
            ""
        };
        ran(candor(home.path()).args([
            "run",
            "-s",
            suite.to_str().unwrap(),
            "-m",
            &format!("replay:{}{options}", file.display()),
            "-o",
            name,
        ]))
        .exits_with(4)
        .says(&["2 questions are not in the recording"]);
        let rows = export(home.path(), &home.path().join(name));
        let right: Vec<&str> = rows
            .iter()
            .filter(|r| r["value"] == "1.0")
            .map(|r| r["sample_id"].as_str())
            .collect();
        assert_eq!((rows.len(), right), (3, vec!["s1"]), "{name}");
    }
}

#[test]
fn scores_are_made_anew_without_asking_and_bad_rows_are_named() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 2);
    fs::write(home.path().join("r.jsonl"), "{\"sample_id\": \"s0\", \"answer\": \"It is 1\"}\n{\"sample_id\": \"s1\", \"answer\": \"It is 3\"}\n").unwrap();
    run_suite(home.path(), suite.to_str().unwrap(), "replay:r.jsonl", &[]).exits_with(0);
    ran(candor(home.path()).args(["score", "run", "-s", "exact", "includes"])).exits_with(0);
    let rows = export(home.path(), &home.path().join("run"));
    let verdicts: Vec<(&str, &str, &str)> = rows
        .iter()
        .map(|r| {
            (
                r["sample_id"].as_str(),
                r["scorer"].as_str(),
                r["value"].as_str(),
            )
        })
        .collect();
    for want in [
        ("s0", "exact", "0.0"),
        ("s0", "includes", "1.0"),
        ("s1", "exact", "0.0"),
        ("s1", "includes", "0.0"),
    ] {
        assert!(verdicts.contains(&want), "{want:?} in {verdicts:?}");
    }
    ran(candor(home.path()).args(["score", "run", "-s", "splendour"]))
        .exits_with(2)
        .says(&["unknown scorer 'splendour'", "exact, includes"]);
    fs::write(
        home.path().join("bad.jsonl"),
        "{\"sample_id\": \"s0\", \"answer\": \"1\"}\n{\"sample_id\": \n",
    )
    .unwrap();
    ran(candor(home.path()).args([
        "run",
        "-s",
        suite.to_str().unwrap(),
        "-m",
        "replay:bad.jsonl",
        "-o",
        "other",
    ]))
    .exits_with(5)
    .says(&["bad.jsonl:2"]);
}

#[test]
fn a_run_and_its_copy_count_every_trial_once() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 5);
    let rows: Vec<String> = (0..5)
        .map(|i| {
            format!(
                "{}\n",
                json!({"sample_id": format!("s{i}"), "answer": i + 1})
            )
        })
        .collect();
    fs::write(home.path().join("r.jsonl"), rows.concat()).unwrap();
    for output in ["a", "b"] {
        ran(candor(home.path()).args([
            "run",
            "-s",
            suite.to_str().unwrap(),
            "-m",
            "replay:r.jsonl",
            "-o",
            output,
        ]))
        .exits_with(0);
    }
    ran(candor(home.path()).args(["export", "a", "b", "--format", "csv", "-o", "both.csv"]))
        .exits_with(0);
    assert_eq!(
        fs::read_to_string(home.path().join("both.csv"))
            .unwrap()
            .lines()
            .count(),
        1 + 5
    );
}
