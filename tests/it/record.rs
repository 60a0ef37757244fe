//! `--record`: raw exchanges, which `replay:` answers from.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Endpoint, Reply, candor, journal, question, ran, run_sums, says, sums_suite};

const KEY: &str = "sk-recorded-0123456789abcdef";

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// Answers with odd characters, its first request with a failure that is tried again, one with a filter's verdict, and echoes the key.
fn endpoint() -> Endpoint {
    Endpoint::new(|body, number| {
        let asked = question(body);
        match (number, asked.starts_with("2 ")) {
            (1, _) => Reply::Json(
                500,
                serde_json::json!({"error": {"message": format!("overloaded, {KEY}")}}),
            ),
            (_, true) => Reply::Json(
                400,
                serde_json::json!({"error": {"message": "Content Exists Risk", "code": "invalid_request_error"}}),
            ),
            _ => Reply::Json(
                200,
                says(&format!(
                    "<think>hm</think> {asked} 1\u{202e}\u{0} é\u{301}\n {KEY}"
                )),
            ),
        }
    })
}

#[test]
fn a_recording_answers_again_to_the_byte_and_holds_no_key() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 5);
    let endpoint = endpoint();
    fs::write(home.join("candor.toml"), "[http]\nbackoff_seconds = 0.01\n").unwrap();
    let model = endpoint.spec("m");
    let run = [
        "run",
        "-s",
        "sums",
        "-m",
        &model,
        "--no-cache",
        "--epochs",
        "2",
        "--record",
        "calls.jsonl",
        "-o",
        "live",
    ];
    ran(candor(home).args(run).env("CANDOR_API_KEY", KEY)).exits_with(0);
    let recorded = rows(&home.join("calls.jsonl"));
    assert_eq!(recorded.len(), 10);
    let exchanges: Vec<&Value> = recorded
        .iter()
        .flat_map(|r| r["exchanges"].as_array().unwrap())
        .collect();
    assert_eq!(exchanges.len(), 11, "a failure and its repetition");
    assert!(exchanges.iter().any(|e| e["status"] == 500));
    assert!(exchanges.iter().all(|e| e["request"]["messages"].is_array()
        && e["url"].as_str().unwrap().ends_with("/chat/completions")));
    for file in ["calls.jsonl", "live/journal.jsonl", "live/run.json"] {
        let text = fs::read_to_string(home.join(file)).unwrap();
        assert!(
            !text.contains(KEY) && !text.contains("sk-recorded"),
            "{file}"
        );
    }
    let replay = [
        "run",
        "-s",
        "sums",
        "-m",
        "replay:calls.jsonl",
        "--epochs",
        "2",
        "-o",
        "again",
    ];
    ran(candor(home).args(replay)).exits_with(0);
    let said = |run: &str| {
        let mut said: Vec<Value> = journal(&home.join(run))
            .iter()
            .map(|line| {
                let completion = &line["completion"];
                serde_json::json!([
                    line["sample"],
                    line["epoch"],
                    line["status"],
                    completion["text"],
                    completion["reasoning"],
                    completion["finish"],
                    completion["signals"],
                    completion["usage"],
                    line["scores"]
                ])
            })
            .collect();
        said.sort_by_key(ToString::to_string);
        said
    };
    assert_eq!(said("live"), said("again"));
    assert!(said("again").iter().any(|t| t[2] == "blocked_upstream"));
    // A recording is not written over.
    ran(candor(home).args(run).args(["-o", "other"])).exits_with(2);
    let other = [
        "run",
        "-s",
        "sums",
        "-m",
        &model,
        "--record",
        "calls.jsonl",
        "-o",
        "other",
    ];
    ran(candor(home).args(other))
        .exits_with(5)
        .says(&["calls.jsonl", "exists already"]);
    ran(candor(home).args([
        "run",
        "-s",
        "sums",
        "-m",
        &model,
        "--record",
        "live/journal.jsonl",
        "-o",
        "other",
    ]))
    .exits_with(2);
}

#[test]
fn a_recording_of_several_models_wants_one_named_and_goes_on_with_its_run() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 3);
    let endpoint = Endpoint::new(|body, _| Reply::Json(200, says(body["model"].as_str().unwrap())));
    let (a, b) = (endpoint.spec("a"), endpoint.spec("b"));
    run_sums(home, &a, &["-m", &b, "--record", "calls.jsonl"]).exits_with(0);
    let replay = |model: &str, name: &str| {
        ran(candor(home).args(["run", "-s", "sums", "-m", model, "-o", name]))
    };
    replay("replay:calls.jsonl", "both")
        .exits_with(5)
        .says(&["several models (a, b)", "?model=NAME"]);
    replay("replay:calls.jsonl?model=b", "b").exits_with(0);
    assert!(
        journal(&home.join("b"))
            .iter()
            .all(|line| line["completion"]["text"] == "b")
    );
    replay("replay:calls.jsonl?model=c", "c")
        .exits_with(5)
        .says(&["no answer of the model 'c'"]);
    // Answers from the completion cache are in it too: a recording has an answer to every question.
    for (name, record) in [("warm", None), ("cached", Some("cached.jsonl"))] {
        let mut command = candor(home);
        command
            .args(["run", "-s", "sums", "-m", &a, "-o", name])
            .env("CANDOR_HOME", home.join("cache"));
        if let Some(record) = record {
            command.args(["--record", record]);
        }
        ran(&mut command).exits_with(0);
    }
    assert_eq!(rows(&home.join("cached.jsonl")).len(), 3);
    replay("replay:cached.jsonl", "from-cached").exits_with(0);
    // A run that is gone on with adds to its recording.
    fs::remove_file(home.join("run/journal.jsonl")).unwrap();
    for table in ["trials.parquet", "scores.parquet", "tables.json"] {
        fs::remove_file(home.join("run").join(table)).unwrap();
    }
    ran(candor(home).args([
        "run",
        "--resume",
        "run",
        "--no-cache",
        "--record",
        "calls.jsonl",
    ]))
    .exits_with(0);
    assert_eq!(rows(&home.join("calls.jsonl")).len(), 12);
}

#[test]
fn what_judges_were_asked_is_recorded_beside_the_answer() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let suite = sums_suite(home, 2);
    let verdict = r#"{"label": "complete", "why": "it answers", "confidence": 0.9}"#;
    let judge = Endpoint::new(move |_, _| Reply::Json(200, says(verdict)));
    let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
    let judged = format!("[number, judge: {{models: [\"{}\"]}}]", judge.spec("judge"));
    fs::write(suite.join("suite.yaml"), yaml.replace("[number]", &judged)).unwrap();
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    let flags = ["--judge", &judge.spec("judge"), "--record", "calls.jsonl"];
    run_sums(home, &endpoint.spec("m"), &flags).exits_with(0);
    let rows = rows(&home.join("calls.jsonl"));
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let exchange = &row["judges"][0]["exchanges"][0];
        let said = exchange["response"]["choices"][0]["message"]["content"].as_str();
        assert_eq!(said, Some(verdict));
        assert_eq!(exchange["request"]["model"], "judge");
        assert_eq!(row["judges"][0]["judge"], judge.spec("judge"));
        assert_eq!(row["exchanges"].as_array().unwrap().len(), 1);
        assert_eq!(row["answer"]["text"], "1");
    }
}
