//! A million trials: `compare` and `gate` within five seconds and a gigabyte. Its own recipe (`just million`), with a release build.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use polars::prelude::*;

/// Questions; two models answer each once.
const QUESTIONS: usize = 500_000;

/// A run directory as a run of so many questions leaves it, without going through a journal of a gigabyte.
fn write_run(path: &Path) {
    let models = ["old", "new"];
    let rows = QUESTIONS * models.len();
    let text = |name: &str, f: &dyn Fn(usize) -> Option<String>| {
        let values: Vec<Option<String>> = (0..rows).map(f).collect();
        StringChunked::from_iter_options(name.into(), values.into_iter()).into_column()
    };
    let whole = |name: &str, f: &dyn Fn(usize) -> i64| {
        Int64Chunked::from_iter_values(name.into(), (0..rows).map(f)).into_column()
    };
    let float = |name: &str, f: &dyn Fn(usize) -> f64| {
        Float64Chunked::from_iter_values(name.into(), (0..rows).map(f)).into_column()
    };
    let key = |i: usize| Some(blake3::hash(&i.to_le_bytes()).to_hex().to_string());
    let model = |i: usize| Some(models[i / QUESTIONS].to_owned());
    let sample = |i: usize| Some(format!("question-{:06}", i % QUESTIONS));
    // A score that leans on the question, and a little on the model.
    let right = |i: usize| {
        let question = blake3::hash(&(i % QUESTIONS).to_le_bytes()).as_bytes()[0];
        let draw = blake3::hash(format!("draw {i}").as_bytes()).as_bytes()[0];
        if question < 200 {
            draw < 250
        } else {
            draw < 60
        }
    };
    let suite = |_: usize| Some("large".to_owned());
    let trials = vec![
        text("trial_key", &key),
        whole("schedule_index", &|i| (i % QUESTIONS) as i64),
        text("model", &model),
        text("suite", &suite),
        text("sample_id", &sample),
        whole("epoch", &|_| 0),
        text("pair", &|_| None),
        text("role", &|_| None),
        text("cluster", &|_| None),
        text("status", &|_| Some("ok".into())),
        text("finish", &|_| Some("stop".into())),
        text("prompt", &|i| {
            Some(format!("What is the answer to question {}?", i % QUESTIONS))
        }),
        text("target", &|_| Some("42".into())),
        text("answer", &|i| {
            Some(format!("The answer is {}.", 42 + i64::from(!right(i))))
        }),
        text("reasoning", &|_| None),
        text("signals", &|_| None),
        text("error_class", &|_| None),
        text("error", &|_| None),
        whole("prompt_tokens", &|_| 20),
        whole("completion_tokens", &|_| 6),
        float("cost_usd", &|_| 0.000_1),
        float("queue_seconds", &|_| 0.0),
        float("first_token_seconds", &|_| 0.1),
        float("seconds", &|i| 0.5 + (i % 97) as f64 / 97.0),
        text("origin", &|_| Some("live".into())),
    ];
    let scores = vec![
        text("trial_key", &key),
        text("model", &model),
        text("suite", &suite),
        text("sample_id", &sample),
        whole("epoch", &|_| 0),
        text("scorer", &|_| Some("number".into())),
        whole("version", &|_| 1),
        text("metric", &|_| Some("accuracy".into())),
        float("value", &|i| f64::from(u8::from(right(i)))),
        text("label", &|_| None),
        text("explanation", &|_| None),
    ];
    fs::create_dir_all(path).expect("a folder");
    for (name, columns) in [("trials", trials), ("scores", scores)] {
        let mut frame = DataFrame::new_infer_height(columns).expect("columns of one length");
        let file = File::create(path.join(format!("{name}.parquet"))).expect("a file");
        ParquetWriter::new(file)
            .with_compression(ParquetCompression::Zstd(None))
            .finish(&mut frame)
            .expect("a table");
    }
    let model = |name: &str| serde_json::json!({ "name": name, "fingerprint": name, "spec": format!("replay:{name}.jsonl") });
    let manifest = serde_json::json!({
        "format": 1, "candor_version": "0.1.0", "created": "2026-11-24T00:00:00Z", "status": "finished",
        "suites": [{
            "name": "large", "version": "1", "kind": "benchmark", "title": "Many questions", "spec": "large", "content_hash": "0",
            "headline": ["number", "accuracy"], "strata": [], "samples": QUESTIONS, "available": QUESTIONS, "licence": "CC0-1.0", "source": "made here",
        }],
        "models": [model("old"), model("new")], "epochs": 1, "seed": 0, "host": "here",
    });
    fs::write(path.join("run.json"), manifest.to_string()).expect("a manifest");
}

/// Runs a command; its time, and the most memory it ever held.
fn measured(command: &mut Command) -> (Duration, u64, String) {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let held = text
            .lines()
            .find_map(|l| l.strip_prefix("VmHWM:"))
            .and_then(|l| l.trim().trim_end_matches(" kB").parse().ok());
        peak = held.unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
    let elapsed = started.elapsed();
    let output = child.wait_with_output().expect("its output");
    (
        elapsed,
        peak,
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
#[ignore = "a million trials: `just million`, with a release build"]
fn million_trials_are_compared_and_gated() {
    let folder = tempfile::tempdir().expect("a folder");
    // CANDOR_MILLION names a folder that keeps the run, for those who look for where the time goes.
    let run =
        std::env::var_os("CANDOR_MILLION").map_or_else(|| folder.path().join("run"), Into::into);
    if !run.join("run.json").exists() {
        write_run(&run);
    }
    let gate = folder.path().join("gate.toml");
    fs::write(
        &gate,
        format!(
            "baseline = \"{}#old\"\n[[rule]]\nname = \"Not worse\"\nsuite = \"large\"\nmetric = \"accuracy\"\nnot_worse_than_baseline_by = \"1 point\"\n[[rule]]\nname = \"Quick\"\nsuite = \"large\"\nmetric = \"latency_p95\"\nat_most = \"2 s\"\n",
            run.display()
        ),
    )
    .expect("a gate");
    let binary = std::env::var("CANDOR_BIN").unwrap_or_else(|_| "target/release/candor".into());
    let candidate = format!("{}#new", run.display());
    let mut figures = Vec::new();
    for (name, arguments) in [
        (
            "compare",
            vec![
                "compare",
                run.to_str().expect("a path"),
                "--baseline",
                "old",
            ],
        ),
        (
            "gate",
            vec![
                "gate",
                "-p",
                gate.to_str().expect("a path"),
                "--candidate",
                &candidate,
            ],
        ),
    ] {
        let (elapsed, peak, out) = measured(Command::new(&binary).args(&arguments));
        println!("{out}");
        println!("{name}: {:.2} s, {} MB", elapsed.as_secs_f64(), peak / 1024);
        assert!(
            out.contains("500000") || out.contains("500,000"),
            "every question counts: {out}"
        );
        figures.push((name, elapsed, peak));
    }
    for (name, elapsed, peak) in figures {
        assert!(elapsed < Duration::from_secs(5), "{name} took {elapsed:?}");
        assert!(peak < 1_000_000, "{name} held {peak} kB");
    }
}
