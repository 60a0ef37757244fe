//! Programs that models write: what is right passes, and what does harm is contained and told.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Endpoint, Reply, candor, journal, question, ran, says, shared};

/// Runs answers as the programs of a suite; what became of each.
fn outcomes(home: &Path, answers: &[(&str, &str)]) -> Vec<(String, String, f64)> {
    let suite = home.join("programs");
    std::fs::create_dir_all(&suite).unwrap();
    let yaml = "
format: 1
name: programs
version: '1.0'
kind: benchmark
title: Programs
licence: CC0-1.0
source: ourselves
prompt: {user: '{{ id }}'}
scorers:
  - code: {program: '{{ code }}', find: whole, seconds: 2}
";
    std::fs::write(suite.join("suite.yaml"), yaml).unwrap();
    let lines = |line: &dyn Fn(&(&str, &str)) -> Value| -> String {
        let lines = answers.iter().map(|a| format!("{}\n", line(a)));
        lines.collect::<Vec<_>>().concat()
    };
    let items = lines(&|(id, _)| json!({"id": id}));
    std::fs::write(suite.join("items.jsonl"), items).unwrap();
    let recorded = lines(&|(id, code)| json!({"sample_id": id, "answer": code}));
    std::fs::write(home.join("r.jsonl"), recorded).unwrap();
    ran(candor(home).args(["run", "-s", "programs", "-m", "replay:r.jsonl", "-o", "run"]))
        .exits_with(0);
    scores(&home.join("run"))
}

/// Every sample's score of a run: sample, label with explanation, value.
fn scores(run: &Path) -> Vec<(String, String, f64)> {
    let mut rows: Vec<_> = journal(run)
        .into_iter()
        .filter_map(|line| {
            let score = line["scores"].get(0)?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let told = format!("{} {}", text(&score["label"]), text(&score["explanation"]));
            let id = text(&line["sample"]);
            Some((id, told, score["value"].as_f64().unwrap_or(-1.0)))
        })
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

#[test]
fn what_a_program_does_to_the_machine_is_contained_and_told() {
    let home = tempfile::tempdir().unwrap();
    let secret = home.path().join("secret");
    std::fs::write(&secret, "s3cret").unwrap();
    let (secret, outside) = (secret.display().to_string(), home.path().join("outside"));
    let read = format!("open({secret:?}).read()");
    let write = format!("open({:?}, 'w').write('x')", outside.display().to_string());
    let cases: &[(&str, &str, &str)] = &[
        ("01-right", "assert 1 + 1 == 2", "passed"),
        ("02-wrong", "assert 1 + 1 == 3", "failed AssertionError"),
        ("03-loop", "while True: pass", "out_of_time"),
        ("04-forks", "import os\nwhile True: os.fork()", ""),
        (
            "05-memory",
            "x = bytearray(10 * 1024 ** 3)",
            "failed MemoryError",
        ),
        (
            "06-network",
            "import socket\nsocket.create_connection(('127.0.0.1', 1), 1)",
            "failed OSError",
        ),
        ("07-home", &read, "failed FileNotFoundError"),
        (
            "08-homes",
            "import os\nassert not os.path.exists(os.path.expanduser('~root'))",
            "passed",
        ),
        ("09-outside", &write, "failed FileNotFoundError"),
        ("10-system", "open('/usr/x', 'w')", "failed"),
        (
            "11-own",
            "open('/tmp/x', 'w').write('x')\nassert open('/tmp/x').read() == 'x'",
            "passed",
        ),
        ("12-exit", "import os\nos._exit(0)", "failed"),
        (
            "13-sys-exit",
            "import sys\nsys.exit(0)",
            "failed SystemExit",
        ),
        (
            "14-disk",
            "f = open('/tmp/x', 'wb')\nwhile True: f.write(bytes(10 ** 6))",
            "failed OSError",
        ),
        (
            "15-orphan",
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)",
            "passed",
        ),
        ("16-others", "import os\nos.kill(-1, 9)", ""),
        (
            "17-namespaces",
            "import os\nos.system('unshare -r true') == 0 or 1 / 0",
            "failed",
        ),
        (
            "18-environment",
            "import os\nassert 'CANDOR_SECRET' not in os.environ",
            "passed",
        ),
    ];
    let answers: Vec<(&str, &str)> = cases.iter().map(|(id, code, _)| (*id, *code)).collect();
    let told = outcomes(home.path(), &answers);
    assert_eq!(told.len(), cases.len());
    for ((id, _, wanted), (told_id, told, value)) in cases.iter().zip(&told) {
        assert_eq!(id, told_id);
        assert!(told.starts_with(wanted), "{id}: {told}");
        let passed = told.starts_with("passed");
        assert_eq!(*value, if passed { 1.0 } else { 0.0 }, "{id}: {told}");
        if wanted.is_empty() {
            assert!(!passed, "{id}: {told}");
        }
    }
    assert!(!outside.exists());
}

#[test]
fn humanevals_canonical_solutions_all_pass() {
    let Some(data) = shared("data/humaneval") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let file = data.join("HumanEval.jsonl.gz");
    let mut text = String::new();
    let packed = std::fs::File::open(&file).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(packed), &mut text)
        .unwrap();
    let answers: Vec<String> = text
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let of = |name: &str| row[name].as_str().unwrap().to_owned();
            // A head and a first line of its own, for the body to be found behind.
            let body = of("canonical_solution");
            let answer = format!("```python\ndef f():\n    pass\n{body}```");
            format!(
                "{}\n",
                json!({"sample_id": of("task_id"), "answer": answer})
            )
        })
        .collect();
    std::fs::write(home.path().join("r.jsonl"), answers.concat()).unwrap();
    let spec = format!("humaneval?data={}", file.display());
    ran(candor(home.path()).args(["run", "-s", &spec, "-m", "replay:r.jsonl", "-o", "run"]))
        .exits_with(0);
    let rows = scores(&home.path().join("run"));
    let wrong: Vec<_> = rows.iter().filter(|(.., value)| *value != 1.0).collect();
    assert_eq!(rows.len(), 164);
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn without_a_sandbox_no_program_runs_unless_that_is_spelled_out() {
    let home = tempfile::tempdir().unwrap();
    // Without a python3 on the path there is nothing to run in one.
    outcomes(home.path(), &[("a", "pass")]);
    let arguments = ["run", "-s", "programs", "-m", "replay:r.jsonl", "-o"];
    ran(candor(home.path())
        .env("PATH", "")
        .args(arguments)
        .arg("second"))
    .exits_with(2)
    .says(&["there is no sandbox", "--unsafe-code"]);
    assert!(!home.path().join("second").exists());
    ran(candor(home.path())
        .args(arguments)
        .args(["third", "--unsafe-code"]))
    .exits_with(0);
    assert_eq!(scores(&home.path().join("third"))[0].2, 1.0);
    // A gate that asks says the same, and takes the same flag.
    std::fs::write(
        home.path().join("gate.toml"),
        "suites.programs = 'programs'\n[[rule]]\nname = \"all\"\nsuite = \"programs\"\nmust_pass = [\"a\"]\n",
    )
    .unwrap();
    let gate = ["gate", "run", "-m", "replay:r.jsonl", "-o"];
    ran(candor(home.path()).env("PATH", "").args(gate).arg("fourth"))
        .exits_with(2)
        .says(&["there is no sandbox", "--unsafe-code"]);
    ran(candor(home.path())
        .args(gate)
        .args(["fifth", "--unsafe-code"]))
    .exits_with(0);
}

#[test]
fn pass_at_k_is_the_unbiased_estimate_over_the_epochs_of_each_problem() {
    let home = tempfile::tempdir().unwrap();
    outcomes(home.path(), &[("a", "pass"), ("b", "pass")]);
    // Of six programs two pass for a, and one for b.
    let (a, b) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let endpoint = Endpoint::new(move |body, _| {
        let is_a = question(body) == "a";
        let (asked, right) = if is_a { (&a, 2) } else { (&b, 1) };
        let passes = asked.fetch_add(1, Ordering::Relaxed) < right;
        Reply::Json(200, says(if passes { "pass" } else { "1 / 0" }))
    });
    let arguments = [
        "run",
        "--no-cache",
        "--epochs",
        "6",
        "-o",
        "six",
        "-s",
        "programs",
        "-m",
    ];
    ran(candor(home.path()).args(arguments).arg(endpoint.spec("m"))).exits_with(0);
    let html = std::fs::read_to_string(home.path().join("six/report.html")).unwrap();
    // 1 - np.prod(1 - k / np.arange(n - c + 1, n + 1)), as Chen et al. (2021) compute it: for k = 1 the mean of 2/6 and 1/6, for k = 5
    // that of 1 and 5/6.
    for (metric, value) in [("pass@1", "0.2500"), ("pass@5", "0.9167")] {
        assert!(html.contains(metric) && html.contains(value), "{metric}");
    }
    assert!(!html.contains("pass@10"));
}
