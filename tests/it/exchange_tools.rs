//! Files that the other tools wrote themselves are read with the scores that they report, and the tools read ours. Each tool is installed in a virtual
//! environment of the build folder, once; where it cannot be, the test says that it was skipped.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::exchange::{import, mixed_run, values};
use crate::support::{candor, journal, ran, skipped};

const INSPECT: &str = "inspect_ai==0.3.285";
const LM_EVAL: &str = "lm-eval==0.4.13";
const EVERY_EVAL_EVER: &str = "every_eval_ever==0.3.0";

/// The Python of an environment in which a package is installed: `CANDOR_EXCHANGE_PYTHON`, or one of the build folder's. None, with a word on it, where
/// it cannot be installed.
fn python(package: &str, module: &str, install: &[&[&str]]) -> Option<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let named = std::env::var_os("CANDOR_EXCHANGE_PYTHON").map(PathBuf::from);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("exchange")
        .join(module);
    let python = named.clone().unwrap_or_else(|| folder.join("bin/python"));
    let quietly = |command: &mut Command| {
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let has = || quietly(Command::new(&python).args(["-c", &format!("import {module}")]));
    if !has() && named.is_none() {
        quietly(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        // The first way that succeeds.
        let _ = install.iter().any(|arguments| {
            let pip = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ];
            quietly(Command::new(&python).args(pip).args(*arguments))
        });
    }
    if has() {
        return Some(python);
    }
    skipped(&format!(
        "{package} is not installed and cannot be (python3 -m venv, pip install {package})"
    ));
    None
}

fn inspect() -> Option<PathBuf> {
    python(INSPECT, "inspect_ai", &[&[INSPECT]])
}

fn lm_eval() -> Option<PathBuf> {
    python(LM_EVAL, "lm_eval", &[&[LM_EVAL]])
}

/// Runs a script of the tests, and gives the JSON object that it prints last.
fn told(python: &Path, script: &str, home: &Path, arguments: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(script);
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("HF_HOME", home.join("hf"))
        .env("NO_PROXY", "*")
        .output()
        .expect("python starts");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let line = stdout
        .lines()
        .rfind(|l| l.starts_with('{'))
        .expect("an object");
    serde_json::from_str(line).expect("JSON")
}

/// The mean over samples of the mean over epochs, by suite and metric.
fn means(home: &Path, run: &str) -> HashMap<(String, String), f64> {
    let mut samples: HashMap<(String, String, String), Vec<f64>> = HashMap::new();
    for ((suite, sample, _, metric), value) in values(home, run) {
        samples
            .entry((suite, metric, sample))
            .or_default()
            .push(value);
    }
    let mut all: HashMap<(String, String), Vec<f64>> = HashMap::new();
    for ((suite, metric, _), values) in samples {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        all.entry((suite, metric)).or_default().push(mean);
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    all.into_iter()
        .map(|(key, values)| (key, mean(values)))
        .collect()
}

fn files_of(folder: &Path, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_of(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path.to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

#[test]
fn a_log_that_inspect_wrote_has_the_scores_that_it_reports() {
    let Some(python) = inspect() else { return };
    let home = tempfile::tempdir().unwrap();
    let logs = home.path().join("logs");
    let reported = told(
        &python,
        "exchange_inspect.py",
        home.path(),
        &["run", logs.to_str().unwrap()],
    );
    let whole = files_of(&logs, ".eval")
        .into_iter()
        .find(|f| !f.contains("chunked"))
        .unwrap();
    let chunked = files_of(&logs.join("chunked"), ".eval").remove(0);
    for (log, run) in [(whole, "run"), (chunked, "again")] {
        let imported = ran(candor(home.path()).args(["import", &log, "-o", run])).exits_with(0);
        assert!(
            imported
                .stdout
                .contains("imported 8 answers by 1 models on 1 suites"),
            "{}",
            imported.stdout
        );
        assert!(!imported.stderr.contains("reports"), "{}", imported.stderr);
        let means = means(home.path(), run);
        let mean = |metric: &str| means[&("capitals".to_owned(), metric.to_owned())];
        let near = |ours: f64, theirs: &Value| (ours - theirs.as_f64().unwrap()).abs() < 1e-12;
        assert!(
            near(mean("match"), &reported["match"]["accuracy"]),
            "{reported}"
        );
        assert!(
            near(mean("both/length"), &reported["length"]["mean"]),
            "{reported}"
        );
        assert!(
            !means.contains_key(&("capitals".into(), "both/odd".into())),
            "NaN"
        );
        let trials = journal(&home.path().join(run));
        let blocked = trials
            .iter()
            .filter(|t| t["status"] == "blocked_upstream")
            .count();
        let failed = trials.iter().filter(|t| t["status"] == "error").count();
        assert_eq!((blocked, failed), (2, 2));
        let long = trials.iter().find(|t| t["sample"] == "b/1").unwrap();
        assert_eq!(long["completion"]["text"].as_str().unwrap().len(), 206);
        assert_eq!(long["completion"]["reasoning"], "hmm");
        assert_eq!(long["completion"]["usage"]["prompt_tokens"], 15);
        assert_eq!(long["prompt"]["chat"][1]["content"], "Capital of Peru?");
    }
}

#[test]
fn inspect_opens_our_log_with_a_blocked_answer_in_it() {
    let Some(python) = inspect() else { return };
    let home = tempfile::tempdir().unwrap();
    mixed_run(home.path());
    ran(candor(home.path()).args(["export", "run", "--format", "inspect", "-o", "out"]))
        .exits_with(0);
    let logs = files_of(&home.path().join("out"), ".eval");
    let mut arguments = vec!["read"];
    arguments.extend(logs.iter().map(String::as_str));
    let read = told(&python, "exchange_inspect.py", home.path(), &arguments);
    let log = read.as_object().unwrap().values().next().unwrap();
    assert_eq!(
        (log["status"].as_str(), log["version"].as_u64()),
        (Some("success"), Some(2))
    );
    let ours = values(home.path(), "run");
    let samples = log["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 24);
    let mut seen = 0;
    for sample in samples {
        let epoch = sample["epoch"].as_u64().unwrap() - 1;
        let key = (
            "sums".into(),
            sample["id"].as_str().unwrap().to_owned(),
            epoch.to_string(),
            "accuracy".into(),
        );
        assert_eq!(
            sample["scores"]["number/accuracy"].as_f64(),
            ours.get(&key).copied(),
            "{key:?}"
        );
        seen += usize::from(ours.contains_key(&key));
    }
    assert_eq!(seen, ours.len());
    let blocked: Vec<&Value> = samples
        .iter()
        .filter(|s| s["stop"] == "content_filter")
        .collect();
    let trials = journal(&home.path().join("run"));
    let own = trials
        .iter()
        .filter(|t| t["status"] == "blocked_upstream")
        .count();
    assert!(own > 0);
    assert_eq!(blocked.len(), own);
    assert!(
        blocked.iter().all(|s| !s["details"]["type"].is_null()),
        "{blocked:?}"
    );
    assert!(
        blocked
            .iter()
            .any(|s| s["details"]["category"] == "violence"),
        "{blocked:?}"
    );
    let mean = log["metrics"]["number/accuracy"]["mean"].as_f64().unwrap();
    let expected = means(home.path(), "run")[&("sums".to_owned(), "accuracy".to_owned())];
    assert!((mean - expected).abs() < 1e-12);
}

#[test]
fn samples_that_lm_eval_wrote_have_the_scores_that_it_reports() {
    let Some(python) = lm_eval() else { return };
    let home = tempfile::tempdir().unwrap();
    let reported = told(
        &python,
        "exchange_lm_eval.py",
        home.path(),
        &["run", home.path().to_str().unwrap()],
    );
    let imported = import(home.path(), &home.path().join("out"), &[]).exits_with(0);
    assert!(
        imported
            .stdout
            .contains("imported 9 answers by 1 models on 3 suites"),
        "{}",
        imported.stdout
    );
    assert!(!imported.stderr.contains("reports"), "{}", imported.stderr);
    let means = means(home.path(), "run");
    let mut compared = 0;
    for (suite, metric) in [
        ("tiny_mc", "acc"),
        ("tiny_mc", "acc_norm"),
        ("tiny_gen", "exact_match,strict"),
        ("tiny_gen", "exact_match,upper"),
    ] {
        let (name, filter) = metric.split_once(',').unwrap_or((metric, "none"));
        let theirs = reported[suite][format!("{name},{filter}")]
            .as_f64()
            .unwrap();
        let ours = means[&(suite.to_owned(), metric.to_owned())];
        assert!(
            (ours - theirs).abs() < 1e-12,
            "{suite} {metric}: {ours} and {theirs}"
        );
        compared += 1;
    }
    assert_eq!(compared, 4);
    // Figures of the whole corpus are summed up again.
    ran(candor(home.path()).args(["export", "run", "--format", "lm-eval", "-o", "back"]))
        .exits_with(0);
    let back = files_of(&home.path().join("back"), ".json")
        .into_iter()
        .find(|f| f.contains("results_"))
        .unwrap();
    let back: Value = serde_json::from_str(&fs::read_to_string(back).unwrap()).unwrap();
    for (suite, name) in [
        ("tiny_roll", "word_perplexity,none"),
        ("tiny_roll", "byte_perplexity,none"),
        ("tiny_roll", "bits_per_byte,none"),
        ("tiny_mc", "f1,none"),
        ("tiny_gen", "chrf,strict"),
        ("tiny_gen", "chrf,upper"),
    ] {
        let theirs = reported[suite][name].as_f64().unwrap();
        let ours = back["results"][suite][name].as_f64().unwrap_or(f64::NAN);
        assert!(
            (ours - theirs).abs() < 1e-9,
            "{suite} {name}: {ours} and {theirs}"
        );
    }
    let run: Value =
        serde_json::from_str(&fs::read_to_string(home.path().join("run/run.json")).unwrap())
            .unwrap();
    assert_eq!(run["models"][0]["name"], "acme/dummy");
}

#[test]
fn lm_eval_loads_our_samples_and_results() {
    let Some(python) = lm_eval() else { return };
    let home = tempfile::tempdir().unwrap();
    mixed_run(home.path());
    ran(candor(home.path()).args(["export", "run", "--format", "lm-eval", "-o", "out"]))
        .exits_with(0);
    let out = home.path().join("out");
    let read = told(
        &python,
        "exchange_lm_eval.py",
        home.path(),
        &["read", out.to_str().unwrap()],
    );
    let sums = &read["samples"]["sums"];
    assert_eq!(sums["rows"], 12);
    for column in [
        "doc_id",
        "doc",
        "target",
        "arguments",
        "resps",
        "filtered_resps",
        "filter",
        "metrics",
        "doc_hash",
        "prompt_hash",
        "target_hash",
    ] {
        assert!(
            sums["columns"]
                .as_array()
                .unwrap()
                .iter()
                .any(|c| c == column),
            "{column}"
        );
    }
    let ours = means(home.path(), "run")[&("sums".to_owned(), "accuracy".to_owned())];
    assert!(
        (sums["means"]["number/accuracy"].as_f64().unwrap() - ours).abs() < 1e-12,
        "{read}"
    );
    let results = &read["results"][0]["tasks"]["sums"];
    assert!((results["number/accuracy,none"].as_f64().unwrap() - ours).abs() < 1e-12);
    assert!(results["number/accuracy_stderr,none"].as_f64().is_some());
}

#[test]
fn every_eval_ever_validates_ours() {
    let needs = ["pydantic", "rich", "jsonschema", "requests"];
    // Before Python 3.12 the package is not offered, and its validator runs.
    let bare: Vec<&str> = ["--no-deps", "--ignore-requires-python", EVERY_EVAL_EVER].to_vec();
    let Some(python) = python(EVERY_EVAL_EVER, "pydantic", &[&needs]) else {
        return;
    };
    let _ = Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(&bare)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let help = Command::new(&python)
        .args(["-m", "every_eval_ever", "validate", "--help"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !help.is_ok_and(|status| status.success()) {
        return skipped(&format!("{EVERY_EVAL_EVER} cannot be installed"));
    }
    let home = tempfile::tempdir().unwrap();
    mixed_run(home.path());
    let fixture = crate::support::fixtures().join("exchange/lm-eval");
    ran(candor(home.path())
        .arg("import")
        .arg(fixture)
        .args(["-o", "corpus"]))
    .exits_with(0);
    for run in ["run", "corpus"] {
        ran(candor(home.path()).args(["export", run, "--format", "every-eval-ever", "-o", "eee"]))
            .exits_with(0);
    }
    let records = files_of(&home.path().join("eee"), ".json");
    assert_eq!(records.len(), 4, "{records:?}");
    for record in &records {
        let record: Value = serde_json::from_str(&fs::read_to_string(record).unwrap()).unwrap();
        let results = record["evaluation_results"].as_array().unwrap();
        let has_interval = |r: &&Value| {
            r.pointer("/score_details/uncertainty/confidence_interval/lower")
                .is_some()
        };
        assert_eq!(results.iter().filter(has_interval).count(), results.len());
    }
    let output = Command::new(&python)
        .args([
            "-m",
            "every_eval_ever",
            "validate",
            "--format",
            "json",
            "data/*/*/*/*.json*",
        ])
        .current_dir(home.path().join("eee"))
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn results_that_promptfoo_wrote_have_the_scores_that_it_reports() {
    let promptfoo = std::env::var_os("CANDOR_PROMPTFOO").unwrap_or_else(|| "promptfoo".into());
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&promptfoo);
        let command = command
            .args(arguments)
            .current_dir(home.path())
            .env("PROMPTFOO_CONFIG_DIR", home.path().join("config"));
        let command = command
            .env("PROMPTFOO_DISABLE_TELEMETRY", "1")
            .env("PROMPTFOO_DISABLE_UPDATE", "1");
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    if !run(&["--version"]).is_ok_and(|status| status.success()) {
        return skipped(
            "there is no promptfoo (npm install -g promptfoo, Node 22; CANDOR_PROMPTFOO names it)",
        );
    }
    fs::write(
        home.path().join("promptfooconfig.yaml"),
        "description: echo\nprompts: ['Say {{word}}', 'Repeat: {{word}}']\nproviders: [echo, {id: echo, label: second}]\ntests:\n- vars: {word: one}\n  assert: [{type: contains, value: one}]\n- vars: {word: two}\n  assert: [{type: equals, value: three}, {type: contains, value: two, metric: has}]\n",
    )
    .unwrap();
    let _ = run(&[
        "eval",
        "--no-cache",
        "--no-table",
        "--repeat",
        "2",
        "-o",
        "out.json",
    ]);
    let out: Value =
        serde_json::from_str(&fs::read_to_string(home.path().join("out.json")).unwrap()).unwrap();
    let told = import(home.path(), &home.path().join("out.json"), &[]).exits_with(0);
    assert!(
        told.stdout
            .contains("imported 16 answers by 2 models on 1 suites"),
        "{}",
        told.stdout
    );
    let ours = values(home.path(), "run");
    let of = |metric: &str| {
        ours.iter()
            .filter(|((.., m), _)| m == metric)
            .map(|(_, v)| v)
            .sum::<f64>()
    };
    // Both models under one key of a suite and a sample: their sum is half of all.
    let theirs = out["results"]["results"].as_array().unwrap();
    let half = |name: &str| {
        theirs
            .iter()
            .map(|r| r[name].as_f64().unwrap_or(0.0))
            .sum::<f64>()
            / 2.0
    };
    assert!((of("score") - half("score")).abs() < 1e-12);
    let passed = out["results"]["stats"]["successes"].as_f64().unwrap() / 2.0;
    assert!((of("success") - passed).abs() < 1e-12);
    let trials = journal(&home.path().join("run"));
    assert!(
        trials.iter().any(|t| t["epoch"] == 1),
        "repetitions are epochs"
    );
    assert!(
        trials
            .iter()
            .all(|t| t["completion"]["text"].as_str().unwrap().contains('o'))
    );
}
