//! Every task of lm-evaluation-harness that needs no Python, two documents of each, in one command: that it ends with a report, how long it
//! takes and how much memory. Documents are made up (`candor lm-eval check --write-rows`), since the datasets are not at hand.
//!
//! `pip download lm-eval==0.4.13 --no-deps && unzip -q lm_eval-*.whl`, then
//! `CANDOR_LM_EVAL_TASKS=lm_eval/tasks cargo test --test it every_task -- --ignored --nocapture`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Endpoint, Reply, candor, echoes, ran, says, skipped};

/// Answers in words, and log-probabilities by the length of a token.
fn mock() -> Endpoint {
    Endpoint::new(|body, _| {
        let answer = match body["prompt"].as_str() {
            Some(prompt) => echoes(prompt, " A", |c| -f64::from(u32::from(c) % 7) / 10.0),
            None => says("A"),
        };
        Reply::Json(200, answer)
    })
}

/// The most memory that a process has held, in MiB.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

#[test]
#[ignore = "takes minutes, and needs lm-eval's task files (CANDOR_LM_EVAL_TASKS)"]
fn every_task_runs_to_the_end_in_one_command() {
    let Some(tasks) = std::env::var_os("CANDOR_LM_EVAL_TASKS").map(PathBuf::from) else {
        return skipped("CANDOR_LM_EVAL_TASKS names no folder of task files");
    };
    let tasks = tasks.canonicalize().expect("the folder is there");
    let home = tempfile::tempdir().unwrap();
    let check = ["lm-eval", "check", "--write-rows", "docs"];
    let checked = ran(candor(home.path()).args(check).arg(&tasks));
    println!("{}", checked.stdout.lines().last().unwrap_or_default());
    for (form, api) in [("likelihood", "?api=completions"), ("letter", "")] {
        let endpoint = mock();
        let suite = format!("lm-eval:{}#*?form={form}&data=docs", tasks.display());
        let log = std::fs::File::create(home.path().join("log")).unwrap();
        let begun = Instant::now();
        let mut run = Command::new(assert_cmd::cargo::cargo_bin!("candor"))
            .current_dir(home.path())
            .args(["run", "--no-cache", "--limit", "2", "-o", form])
            .args([
                "-s",
                &suite,
                "-m",
                &format!("{}{api}", endpoint.spec("mock")),
            ])
            .env("HF_ENDPOINT", "http://127.0.0.1:1")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("candor starts");
        let mut most = 0;
        let ended = loop {
            if let Some(ended) = run.try_wait().expect("a process") {
                break ended;
            }
            most = most.max(peak(run.id()).unwrap_or(0));
            std::thread::sleep(Duration::from_millis(100));
        };
        println!(
            "{form}: exit {:?}, {:.0} s, {most} MiB, {} requests",
            ended.code(),
            begun.elapsed().as_secs_f64(),
            endpoint.requests().len()
        );
        let said = std::fs::read_to_string(home.path().join("log")).unwrap();
        assert!(
            home.path().join(form).join("report.html").is_file(),
            "no report: {said}"
        );
    }
}
