//! A run killed in the middle goes on: every trial once, nothing paid twice.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Endpoint, Reply, candor, journal, question, ran, says, sums_suite};

/// Right answers to `N + 1 =`.
fn adder(delay: Duration) -> impl Fn(&serde_json::Value, usize) -> Reply {
    move |body, _| {
        let n: u64 = question(body)
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        Reply::After(delay, says(&(n + 1).to_string()))
    }
}

#[test]
fn a_killed_run_resumes_without_repeating_a_finished_request() {
    const TRIALS: usize = 2000;
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), TRIALS);
    let endpoint = Endpoint::new(adder(Duration::from_millis(4)));
    let run = home.path().join("run");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("candor"))
        .current_dir(home.path())
        .args([
            "run",
            "-s",
            suite.to_str().unwrap(),
            "-m",
            &endpoint.spec("adder"),
            "-o",
            run.to_str().unwrap(),
            "--no-cache",
            "--max-connections",
            "8",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the run starts");
    let started = Instant::now();
    while endpoint.requests().len() < TRIALS / 3 && started.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("the end");
    let kept: Vec<String> = journal_of_a_killed_run(&run);
    assert!(
        kept.len() > 100 && kept.len() < TRIALS,
        "{} trials were kept",
        kept.len()
    );
    // As if power had failed in the middle of a line.
    OpenOptions::new()
        .append(true)
        .open(run.join("journal.jsonl"))
        .and_then(|mut f| f.write_all(b"{\"trial\":\"0123"))
        .expect("a torn line");
    let before = endpoint.requests().len();
    let told =
        ran(candor(home.path()).args(["run", "--resume", run.to_str().unwrap(), "--no-cache"]))
            .exits_with(0);
    assert!(
        told.stderr.contains("the last line is incomplete"),
        "{}",
        told.stderr
    );
    let asked_again: Vec<String> = endpoint.requests()[before..].iter().map(question).collect();
    let finished: std::collections::HashSet<&String> = kept.iter().collect();
    assert!(
        asked_again.iter().all(|q| !finished.contains(q)),
        "a finished request was repeated"
    );
    let mut counts: HashMap<String, usize> = HashMap::new();
    for line in journal(&run) {
        *counts
            .entry(line["sample"].as_str().unwrap().to_owned())
            .or_default() += 1;
        assert_eq!(line["scores"][0]["value"], json!(1.0));
    }
    assert_eq!(counts.len(), TRIALS);
    assert!(counts.values().all(|n| *n == 1), "every trial exactly once");
}

/// Questions of the whole lines of a journal.
fn journal_of_a_killed_run(run: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(run.join("journal.jsonl")).expect("the journal");
    let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
    whole
        .lines()
        .map(|l| {
            serde_json::from_str::<serde_json::Value>(l).expect("a whole line")["prompt"]["chat"][0]
                ["content"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished_and_says_how_to_go_on() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 500);
    let endpoint = Endpoint::new(adder(Duration::from_millis(20)));
    let run = home.path().join("run");
    let child = Command::new(assert_cmd::cargo::cargo_bin("candor"))
        .current_dir(home.path())
        .args([
            "run",
            "-s",
            suite.to_str().unwrap(),
            "-m",
            &endpoint.spec("adder"),
            "-o",
            run.to_str().unwrap(),
            "--no-cache",
            "--max-connections",
            "4",
        ])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the run starts");
    while endpoint.requests().len() < 60 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(interrupted.success());
    let output = child.wait_with_output().expect("the end");
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("of 500 trials finished and were kept")
            && said.contains("candor run --resume"),
        "{said}"
    );
    assert!(!journal(&run).is_empty());
    let manifest: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
    assert_eq!(manifest["status"], "interrupted");
    ran(candor(home.path()).args(["run", "--resume", run.to_str().unwrap(), "--no-cache"]))
        .exits_with(0);
    assert_eq!(journal(&run).len(), 500);
}

#[test]
fn failed_trials_are_asked_again_and_a_changed_suite_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 20);
    let endpoint = Endpoint::new(|body, number| {
        if number <= 3 {
            Reply::Json(400, json!({"error": {"message": "no"}}))
        } else {
            adder(Duration::ZERO)(body, number)
        }
    });
    let run = home.path().join("run");
    let start = ran(candor(home.path()).args([
        "run",
        "-s",
        suite.to_str().unwrap(),
        "-m",
        &endpoint.spec("adder"),
        "-o",
        run.to_str().unwrap(),
        "--no-cache",
        "--max-connections",
        "1",
    ]))
    .exits_with(4);
    start.says(&["3 trials without an answer", "--resume"]);
    ran(candor(home.path()).args(["run", "--resume", run.to_str().unwrap(), "--no-cache"]))
        .exits_with(0);
    assert_eq!(
        endpoint.requests().len(),
        23,
        "only the failed ones were asked again"
    );
    let items = suite.join("items.jsonl");
    let changed = std::fs::read_to_string(&items)
        .unwrap()
        .replace("0 + 1", "0 + 2");
    std::fs::write(&items, changed).unwrap();
    ran(candor(home.path()).args(["run", "--resume", run.to_str().unwrap()]))
        .exits_with(2)
        .says(&["'sums' has changed"]);
}

#[test]
fn shards_of_one_plan_read_together_are_the_whole() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 21);
    let endpoint = Endpoint::new(adder(Duration::ZERO));
    for shard in ["1/2", "2/2"] {
        let run = home.path().join(format!("run-{}", &shard[..1]));
        ran(candor(home.path()).args([
            "run",
            "-s",
            suite.to_str().unwrap(),
            "-m",
            &endpoint.spec("adder"),
            "-o",
            run.to_str().unwrap(),
            "--no-cache",
            "--shard",
            shard,
        ]))
        .exits_with(0);
        assert!(
            run.join(format!("trials-{}-of-2.parquet", &shard[..1]))
                .exists()
        );
    }
    assert_eq!(endpoint.requests().len(), 21);
    ran(candor(home.path()).args(["report", "run-1", "run-2", "-o", "both.html"])).exits_with(0);
    let html = std::fs::read_to_string(home.path().join("both.html")).unwrap();
    assert!(html.contains("n = 21"), "both halves are in the report");
}
