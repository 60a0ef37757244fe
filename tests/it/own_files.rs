//! A run's own files, and other people's: no output is written over them, and what a run has lost is said.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Endpoint, Ran, Reply, candor, journal, ran, run_sums, says, sums_suite};

/// A finished run of ten sums, each answered with 1.
fn finished(home: &Path) -> Endpoint {
    sums_suite(home, 10);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    run_sums(home, &endpoint.spec("m"), &[]).exits_with(0);
    endpoint
}

/// A gate that any run passes.
fn gate(home: &Path) {
    let rule =
        "[[rule]]\nname = \"Sums\"\nsuite = \"sums\"\nmetric = \"blocked\"\nat_most = \"99 %\"\n";
    fs::write(home.join("gate.toml"), rule).unwrap();
}

fn candor_says(home: &Path, arguments: &[&str]) -> Ran {
    ran(candor(home).args(arguments))
}

/// Every file of a folder with its content, but for the lock, which says who held it last.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|e| {
            (
                e.file_name().into_string().unwrap(),
                fs::read(e.path()).unwrap(),
            )
        })
        .collect();
    all.retain(|(name, _)| name != ".lock");
    all.sort();
    all
}

/// Leaves the first lines of a journal, cut exactly at a line's end.
fn cut(run: &Path, lines: usize) {
    let path = run.join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let kept: String = text.split_inclusive('\n').take(lines).collect();
    fs::write(path, kept).unwrap();
}

#[test]
fn a_journal_cut_at_a_lines_end_is_told_with_both_counts_and_nothing_is_computed_over_it() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let endpoint = finished(home);
    gate(home);
    let run = home.join("run");
    candor_says(
        home,
        &["export", "run", "--format", "evidence", "-o", "whole.zip"],
    )
    .exits_with(0);
    for left in [4, 0] {
        cut(&run, left);
        let before = contents(&run);
        let both = [
            format!("{left} complete lines"),
            "there were 10".into(),
            "--resume".into(),
        ];
        let both: Vec<&str> = both.iter().map(String::as_str).collect();
        for arguments in [
            ["report", "run"].as_slice(),
            ["compare", "run"].as_slice(),
            ["gap", "run"].as_slice(),
            ["gate", "--candidate", "run"].as_slice(),
            ["export", "run", "--format", "csv", "-o", "e.csv"].as_slice(),
            ["export", "run", "--format", "evidence", "-o", "e.zip"].as_slice(),
            ["score", "run", "-s", "includes"].as_slice(),
            ["baseline", "set", "b", "run"].as_slice(),
        ] {
            candor_says(home, arguments).exits_with(5).says(&both);
        }
        assert!(contents(&run) == before, "nothing was written over it");
    }
    assert!(!home.join("e.csv").exists() && !home.join("e.zip").exists());
    candor_says(home, &["run", "--resume", "run", "--no-cache"])
        .exits_with(0)
        .says(&["0 complete lines", "there were 10", "asked again"]);
    assert_eq!(endpoint.requests().len(), 20);
    assert_eq!(journal(&run).len(), 10);
    candor_says(home, &["gate", "--candidate", "run"]).exits_with(0);
    // A journal that is gone altogether is no other case.
    fs::remove_file(run.join("journal.jsonl")).unwrap();
    candor_says(home, &["report", "run"])
        .exits_with(5)
        .says(&["0 complete lines", "there were 10"]);
}

#[test]
fn scores_that_are_gone_are_named_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    finished(home);
    gate(home);
    candor_says(home, &["score", "run", "-s", "includes"]).exits_with(0);
    fs::remove_file(home.join("run/rescored.jsonl")).unwrap();
    // The seal and the manifest each know of it.
    for lost in ["", "tables.json", "run.json"] {
        if !lost.is_empty() {
            fs::copy(
                home.join("run").join(lost),
                home.join(format!("kept-{lost}")),
            )
            .unwrap();
            fs::remove_file(home.join("run").join(lost)).unwrap();
        }
        for arguments in [
            ["report", "run"].as_slice(),
            ["compare", "run"].as_slice(),
            ["gate", "--candidate", "run"].as_slice(),
            ["run", "--resume", "run"].as_slice(),
            ["export", "run", "--format", "csv", "-o", "e.csv"].as_slice(),
        ] {
            candor_says(home, arguments)
                .exits_with(5)
                .says(&["rescored.jsonl: the file is missing", "candor score RUN"]);
        }
        if !lost.is_empty() {
            fs::copy(
                home.join(format!("kept-{lost}")),
                home.join("run").join(lost),
            )
            .unwrap();
        }
    }
    candor_says(home, &["score", "run"]).exits_with(0);
    let report = candor_says(home, &["report", "run"]).exits_with(0);
    assert!(report.stderr.is_empty(), "{}", report.stderr);
}

#[cfg(unix)]
#[test]
fn no_output_is_written_over_a_runs_own_files_however_it_is_spelled() {
    use std::os::unix::fs::symlink;
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    finished(home);
    gate(home);
    let run = home.join("run");
    fs::write(run.join("labels.jsonl"), "").unwrap();
    symlink("run/run.json", home.join("link.html")).unwrap();
    symlink("link.html", home.join("link-to-link")).unwrap();
    symlink("run/trials-1-of-2.parquet", home.join("dangling")).unwrap();
    symlink("run", home.join("folder")).unwrap();
    fs::hard_link(run.join("journal.jsonl"), home.join("hard")).unwrap();
    fs::hard_link(run.join("scores.parquet"), run.join("export.csv")).unwrap();
    let before = contents(&run);
    let absolute = run.join("tables.json");
    for output in [
        "run/run.json",
        "./run/../run/run.json.bak",
        "run/journal.jsonl",
        "run/rescored.jsonl",
        "run/.lock",
        "run/scores-2-of-3.parquet",
        absolute.to_str().unwrap(),
        "folder/trials.parquet",
        "link.html",
        "link-to-link",
        "dangling",
        "hard",
        "run/export.csv",
    ] {
        for arguments in [
            ["report", "run", "-o", output].as_slice(),
            ["export", "run", "--format", "csv", "-o", output].as_slice(),
            ["export", "run", "--format", "parquet", "-o", output].as_slice(),
            ["export", "run", "--format", "evidence", "-o", output].as_slice(),
            ["label", "run", "-o", output].as_slice(),
            ["gate", "--candidate", "run", "--junit", output].as_slice(),
            ["gate", "--candidate", "run", "--markdown", output].as_slice(),
            ["gate", "--candidate", "run", "--json", output].as_slice(),
            ["gate", "run", "-m", "demo:open", "--json", output].as_slice(),
            ["baseline", "set", "b", "run", "--store", output].as_slice(),
        ] {
            if output == "hard" && arguments[..2] == ["gate", "run"] {
                continue; // It reads no run, and knows of none under that name.
            }
            candor_says(home, arguments)
                .exits_with(2)
                .says(&["must not be overwritten"]);
            assert!(contents(&run) == before, "{arguments:?}");
        }
    }
    for arguments in [
        ["report", "run", "-o", "run/labels.jsonl"].as_slice(),
        ["export", "run", "--format", "csv", "-o", "run/report.html"].as_slice(),
        ["label", "run", "-o", "run/report.html"].as_slice(),
        ["gate", "--candidate", "run", "--json", "gate.toml"].as_slice(),
    ] {
        candor_says(home, arguments).exits_with(2);
    }
    assert!(contents(&run) == before);
    fs::remove_file(run.join("labels.jsonl")).unwrap();
    candor_says(home, &["report", "run"]).exits_with(0);
    candor_says(
        home,
        &["export", "run", "--format", "csv", "-o", "run/answers.csv"],
    )
    .exits_with(0);
}

#[test]
fn a_run_begins_in_no_folder_where_it_would_write_over_something() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 3);
    fs::create_dir(home.join("run")).unwrap();
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    for name in [
        "report.html",
        "tables.json",
        "trials.parquet",
        "scores-1-of-2.parquet",
        "rescored.jsonl",
        "run.json.bak",
        ".lock",
    ] {
        let path = home.join("run").join(name);
        fs::write(&path, "somebody's").unwrap();
        run_sums(home, &endpoint.spec("m"), &[])
            .exits_with(5)
            .says(&["name another directory", name]);
        assert_eq!(fs::read_dir(home.join("run")).unwrap().count(), 1, "{name}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's");
        fs::remove_file(path).unwrap();
    }
    fs::write(home.join("run/notes.md"), "mine").unwrap();
    run_sums(home, &endpoint.spec("m"), &[]).exits_with(0);
    assert_eq!(
        fs::read_to_string(home.join("run/notes.md")).unwrap(),
        "mine"
    );
}

/// A limit on the size of files that ends the process where nobody listens for its signal.
#[cfg(target_os = "linux")]
#[test]
fn a_file_larger_than_the_process_may_write_is_an_error_and_what_is_there_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 300);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says(&"long ".repeat(100))));
    let spec = endpoint.spec("m");
    let binary = assert_cmd::cargo::cargo_bin("candor");
    let ended = Command::new("sh")
        .args(["-c", "ulimit -f 64; exec \"$@\"", "sh"])
        .arg(binary)
        .args(["run", "-s", "sums", "-m", &spec, "-o", "run", "--no-cache"])
        .current_dir(home)
        .env("CANDOR_HOME", home.join("home"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(5), "{said}");
    assert!(
        said.contains("journal.jsonl") && said.contains("File too large"),
        "{said}"
    );
    let text = fs::read_to_string(home.join("run/journal.jsonl")).unwrap();
    let whole = text.matches('\n').count();
    assert!(whole > 0);
    candor_says(home, &["run", "--resume", "run", "--no-cache"]).exits_with(0);
    let lines = journal(&home.join("run"));
    assert_eq!(lines.len(), 300);
    let mut samples: Vec<&Value> = lines.iter().map(|l| &l["sample"]).collect();
    samples.sort_by_key(ToString::to_string);
    samples.dedup();
    assert_eq!(samples.len(), 300);
}

#[test]
fn usage_errors_show_arguments_and_do_not_act_on_them() {
    let home = tempfile::tempdir().unwrap();
    for evil in ["\u{202e}evil", "a\u{1b}[2Jb", "x\n::error::forged", "\u{7}"] {
        for arguments in [
            vec!["report".to_owned(), format!("--{evil}")],
            vec![evil.to_owned()],
            vec!["run".to_owned(), "--limit".to_owned(), evil.to_owned()],
        ] {
            let told = ran(candor(home.path()).args(&arguments)).exits_with(2);
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!told.stderr.contains(acts), "{:?}", told.stderr);
            assert!(!told.stderr.contains("\n::error"), "{}", told.stderr);
            let shown = ["\\u{202e}", "\\u{1b}", "\\n", "\\u{7}"];
            assert!(
                shown.iter().any(|s| told.stderr.contains(s)),
                "{}",
                told.stderr
            );
        }
    }
}

#[test]
fn a_cache_that_another_process_holds_does_not_hold_the_run() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 10);
    fs::create_dir(home.join("home")).unwrap();
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    let run = |out: &str| {
        let mut command = candor(home);
        command.env("CANDOR_HOME", home.join("home"));
        command.args(["run", "-s", "sums", "-m", &endpoint.spec("m"), "-o", out]);
        let begun = std::time::Instant::now();
        (ran(&mut command).exits_with(0), begun.elapsed())
    };
    let (_, free) = run("free");
    fs::remove_file(home.join("home/completions.sqlite")).unwrap();
    let (_, _) = run("again");
    let cache = rusqlite::Connection::open(home.join("home/completions.sqlite")).unwrap();
    cache
        .execute_batch("DELETE FROM completions; BEGIN IMMEDIATE")
        .unwrap();
    let (told, held) = run("held");
    told.says(&["cannot be written", "are no longer cached"]);
    assert!(
        held < free + std::time::Duration::from_millis(2500),
        "{held:?} against {free:?}"
    );
}
