//! A million trials: `compare` and `gate` within five seconds and a gigabyte. Its own recipe (`just million`), with a release build.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::made_run::{MadeTrial, write_run};

/// Questions; two models answer each once.
const QUESTIONS: usize = 500_000;

/// Two models, each question once; a score that leans on the question, and a little on the model.
fn trials() -> Vec<MadeTrial> {
    (0..2 * QUESTIONS)
        .map(|i| {
            let (model, question) = (["old", "new"][i / QUESTIONS], i % QUESTIONS);
            let difficulty = blake3::hash(&question.to_le_bytes()).as_bytes()[0];
            let draw = blake3::hash(&(i as u64).to_be_bytes()).as_bytes()[0];
            let right = if difficulty < 200 {
                draw < 250
            } else {
                draw < 60
            };
            let mut trial = MadeTrial::new(
                model,
                "large",
                format!("question-{question:06}"),
                f64::from(u8::from(right)),
            );
            trial.seconds = 0.5 + (i % 97) as f64 / 97.0;
            trial.cost = Some(0.000_1);
            trial
        })
        .collect()
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
        write_run(&run, &trials(), |_| ());
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
