//! A million trials: `compare` and `gate` within five seconds and a gigabyte; a hundred thousand of an audit: the report within twenty
//! seconds and 600 MB; two hundred thousand: `candor view` within three seconds, 300 ms per request and 500 MB, the report within twenty
//! seconds and 600 MB. Their own recipe (`just million`), with a release build.

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
pub fn measured(command: &mut Command) -> (Duration, u64, String) {
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

/// Pairs of an audit; two models answer both sides of each once.
const PAIRS: usize = 25_000;

/// Words that make no two answers alike, some hundred of them.
fn words(seed: usize) -> String {
    const WORDS: [&str; 16] = [
        "council",
        "strike",
        "river",
        "letter",
        "border",
        "harvest",
        "minister",
        "treaty",
        "railway",
        "market",
        "winter",
        "newspaper",
        "election",
        "bridge",
        "garrison",
        "archive",
    ];
    let hash = blake3::hash(&seed.to_le_bytes());
    let mut drawn = hash.as_bytes().iter().cycle();
    let mut next = |i: usize| WORDS[(usize::from(*drawn.next().expect("it cycles")) + i) % 16];
    (0..60).fold(format!("In {} the", 1900 + seed % 120), |text, i| {
        text + " " + next(i) + if i % 9 == 8 { ", and then the" } else { "" }
    })
}

/// One in seven of the strict model's sensitive answers is withheld, in one of a few phrases.
fn paired_trials(pairs: usize) -> Vec<MadeTrial> {
    (0..4 * pairs)
        .map(|i| {
            let (model, rest) = (["open", "strict"][i / (2 * pairs)], i % (2 * pairs));
            let (pair, role) = (rest / 2, ["sensitive", "control"][rest % 2]);
            let withheld = model == "strict" && role == "sensitive" && pair % 7 == 0;
            let country = ["Aland", "Borduria", "Cascadia", "Drassen", "Elbonia"][pair % 5];
            let mut trial = MadeTrial::new(
                model,
                "audit",
                format!("{pair:05}-{role}"),
                f64::from(u8::from(!withheld)),
            )
            .side(&format!("{pair:05}"), role)
            .stratum("jurisdiction", country)
            .label(if withheld { "denial" } else { "complete" });
            trial.cluster = Some(format!("event {}", pair / 4));
            trial.answer = Some(if withheld {
                format!("I am sorry, but I cannot talk about this ({}).", pair % 3)
            } else {
                words(i)
            });
            trial
        })
        .collect()
}

#[test]
#[ignore = "a hundred thousand trials: `just million`, with a release build"]
fn a_hundred_thousand_paired_trials_of_an_audit_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let run =
        std::env::var_os("CANDOR_PAIRED").map_or_else(|| folder.path().join("run"), Into::into);
    if !run.join("run.json").exists() {
        write_run(&run, &paired_trials(PAIRS), |_| ());
    }
    let binary = std::env::var("CANDOR_BIN").unwrap_or_else(|_| "target/release/candor".into());
    let page = folder.path().join("report.html");
    let (elapsed, peak, out) = measured(
        Command::new(&binary)
            .arg("report")
            .arg(&run)
            .arg("-o")
            .arg(&page),
    );
    println!(
        "{out}report: {:.2} s, {} MB",
        elapsed.as_secs_f64(),
        peak / 1024
    );
    assert!(out.contains("n = 25000 pairs"), "every pair counts: {out}");
    assert!(elapsed < Duration::from_secs(20), "it took {elapsed:?}");
    assert!(peak < 600_000, "it held {peak} kB");
}

#[cfg(unix)]
#[test]
#[ignore = "two hundred thousand trials: `just million`, with a release build"]
fn two_hundred_thousand_trials_are_served_while_another_run_is_written_and_all_of_them_are_reported()
 {
    let folder = tempfile::tempdir().expect("a folder");
    // CANDOR_SERVED names a folder that keeps the run, as CANDOR_MILLION does.
    let home =
        std::env::var_os("CANDOR_SERVED").map_or_else(|| folder.path().to_path_buf(), Into::into);
    let home = home.as_path();
    if !home.join("run/run.json").exists() {
        write_run(&home.join("run"), &paired_trials(2 * PAIRS), |_| ());
    }
    let binary = std::env::var("CANDOR_BIN").unwrap_or_else(|_| "target/release/candor".into());
    let binary = fs::canonicalize(binary).expect("a release build");
    let started = Instant::now();
    let viewed = crate::view::Viewed::at(&binary, home, &["run"]);
    viewed.json("find");
    let first = started.elapsed();
    viewed.wait("read", |state| state["reading"] == false);
    println!("first answer {first:?}, all read {:?}", started.elapsed());
    crate::support::sums_suite(home, 20_000);
    let rows = (0..20_000).map(|i| format!("{{\"sample_id\":\"s{i}\",\"answer\":\"{i}\"}}\n"));
    fs::write(home.join("r.jsonl"), rows.collect::<String>()).expect("a recording");
    let mut beside = Command::new(&binary)
        .current_dir(home)
        .args([
            "run",
            "-o",
            "beside",
            "--no-cache",
            "-s",
            "./sums",
            "-m",
            "replay:r.jsonl?name=m",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a run beside it");
    let mut slowest = Duration::ZERO;
    for path in [
        "find",
        "find?first=99000&most=60",
        "find?verdict=withheld",
        "find?search=harvest%2C%20and%20then%20the",
        "find?search=the",
        "find?search=nothing%20has%20this",
        "find?search=cannot%20talk&model=strict&group=jurisdiction%3A%20Aland",
        "find?sort=spread",
        "find?sort=lowest&changed=1",
        "find?model=strict&group=jurisdiction%3A%20Aland&paired=role",
        "question?q=audit/31234-sensitive",
        "state",
        "head",
    ] {
        let asked = Instant::now();
        viewed.json(path);
        let took = asked.elapsed();
        println!("{path}: {took:?}");
        slowest = slowest.max(took);
    }
    let status = fs::read_to_string(format!("/proc/{}/status", viewed.id())).unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let peak: u64 = peak.map_or(0, |l| l.trim().trim_end_matches(" kB").parse().expect("kB"));
    println!("view: {} MB", peak / 1024);
    let _ = beside.wait();
    drop(viewed);
    let (elapsed, held, out) = measured(
        Command::new(&binary)
            .current_dir(home)
            .args(["report", "run"]),
    );
    println!(
        "{out}report: {:.2} s, {} MB",
        elapsed.as_secs_f64(),
        held / 1024
    );
    assert!(
        home.join("run/report_files/index.js").exists(),
        "its transcripts lie beside it"
    );
    assert!(first < Duration::from_secs(3), "{first:?}");
    assert!(slowest < Duration::from_millis(300), "{slowest:?}");
    assert!(peak < 500_000, "{peak} kB");
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
    assert!(held < 600_000, "the report held {held} kB");
}
