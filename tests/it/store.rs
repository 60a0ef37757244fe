//! What a run directory promises: one writer, nothing lost, nothing dropped in silence, whatever happened to its files.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Endpoint, Ran, Reply, candor, export, journal, question, ran, run_suite, run_sums, says,
    sums_suite,
};

/// A server that adds one, and takes its time.
fn adder(delay: Duration) -> Endpoint {
    Endpoint::new(move |body, _| {
        let n: u64 = question(body)
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        Reply::After(delay, says(&(n + 1).to_string()))
    })
}

/// `candor run` as a process of its own, whose output nobody reads.
fn start(home: &Path, arguments: &[&str]) -> std::process::Child {
    Command::new(assert_cmd::cargo::cargo_bin("candor"))
        .current_dir(home)
        .env("CANDOR_HOME", home.join("home"))
        .arg("run")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the run starts")
}

/// A finished run of `n` sums in `home/run`.
fn finished(home: &Path, n: usize) -> Endpoint {
    sums_suite(home, n);
    let endpoint = adder(Duration::ZERO);
    run_sums(home, &endpoint.spec("adder"), &[]).exits_with(0);
    endpoint
}

fn report(home: &Path) -> Ran {
    ran(candor(home).args(["report", "run"])).exits_with(0)
}

/// Score and scorer of every trial.
fn scores(home: &Path) -> Vec<(String, String)> {
    let rows = export(home, &home.join("run"));
    rows.iter()
        .map(|row| {
            (
                row["scorer"].clone(),
                row["value"].parse::<f64>().unwrap().to_string(),
            )
        })
        .collect()
}

#[test]
fn two_processes_on_one_run_are_one_and_a_refusal() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 200);
    let endpoint = adder(Duration::from_millis(10));
    let spec = endpoint.spec("adder");
    let begin = [
        "-s",
        "sums",
        "-m",
        &spec,
        "-o",
        "run",
        "--no-cache",
        "--max-connections",
        "4",
    ];
    let mut first = start(home.path(), &begin);
    let id = first.id();
    while endpoint.requests().len() < 20 {
        std::thread::sleep(Duration::from_millis(5));
    }
    for arguments in [
        ["run", "--resume", "run", "--no-cache"].as_slice(),
        ["run", "-s", "sums", "-m", &spec, "-o", "run"].as_slice(),
        ["score", "run", "-s", "includes"].as_slice(),
    ] {
        ran(candor(home.path()).args(arguments))
            .exits_with(5)
            .says(&["run is in use by", &format!("process {id} on")]);
    }
    report(home.path());
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert_eq!(journal(&home.path().join("run")).len(), 200);
    assert_eq!(endpoint.requests().len(), 200, "nothing was asked twice");
    assert_eq!(
        scores(home.path()).len(),
        200,
        "the report read meanwhile is no longer the last word"
    );
}

/// Kills of one run at instants that nobody chose. `CANDOR_KILLS` sets how many, `CANDOR_KILL_TRIALS` of how many trials.
#[test]
fn a_run_killed_again_and_again_has_every_trial_once() {
    let number = |name, default| std::env::var(name).map_or(default, |n| n.parse().unwrap());
    let (kills, trials) = (number("CANDOR_KILLS", 5), number("CANDOR_KILL_TRIALS", 400));
    let trials = trials as usize;
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), trials);
    let endpoint = adder(Duration::from_millis(3));
    let spec = endpoint.spec("adder");
    let mut again = ["-s", "sums", "-m", &spec, "-o", "run"].to_vec();
    let seed = blake3::hash(&std::process::id().to_le_bytes());
    for kill in 0..kills {
        let more = ["--no-cache", "--max-connections", "4"];
        let mut run = start(home.path(), &[again.as_slice(), &more].concat());
        let instant = u64::from(seed.as_bytes()[kill as usize % 32]) * 400 / 255 + kill;
        std::thread::sleep(Duration::from_millis(instant));
        run.kill().unwrap();
        run.wait().unwrap();
        if home.path().join("run/run.json").exists() {
            again = ["--resume", "run"].to_vec();
        }
    }
    let finished: Vec<String> = answered(&home.path().join("run"));
    let before = endpoint.requests().len();
    let last = [&["run"], again.as_slice(), &["--no-cache"]].concat();
    ran(candor(home.path()).args(last)).exits_with(0);
    let mut counts: HashMap<String, usize> = HashMap::new();
    for line in journal(&home.path().join("run")) {
        *counts.entry(line["sample"].to_string()).or_default() += 1;
    }
    assert_eq!(counts.len(), trials);
    assert!(counts.values().all(|n| *n == 1), "every trial exactly once");
    let asked: Vec<String> = endpoint.requests()[before..].iter().map(question).collect();
    assert!(
        asked.iter().all(|q| !finished.contains(q)),
        "no finished request is repeated"
    );
    let left: Vec<_> = fs::read_dir(home.path().join("run"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.') && name != ".lock")
        .collect();
    assert!(left.is_empty(), "half-written files stay: {left:?}");
    assert_eq!(scores(home.path()).len(), trials);
}

/// The questions of a journal's whole lines.
fn answered(run: &Path) -> Vec<String> {
    let text = fs::read_to_string(run.join("journal.jsonl")).unwrap_or_default();
    let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
    let line = |l: &str| serde_json::from_str::<Value>(l).expect("a whole line");
    whole
        .lines()
        .map(|l| {
            line(l)["prompt"]["chat"][0]["content"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn scores_given_later_survive_a_touch_a_resume_and_a_lost_table() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = finished(home.path(), 6);
    let of = |scorer: &str| vec![(scorer.to_owned(), "1".to_owned()); 6];
    assert_eq!(scores(home.path()), of("number"));
    ran(candor(home.path()).args(["score", "run", "-s", "includes"])).exits_with(0);
    assert_eq!(scores(home.path()), of("includes"));
    let run = home.path().join("run");
    let touch = |name: &str, at: std::time::SystemTime| {
        let file = OpenOptions::new()
            .append(true)
            .open(run.join(name))
            .unwrap();
        file.set_modified(at).unwrap();
    };
    touch(
        "journal.jsonl",
        std::time::SystemTime::now() + Duration::from_hours(1),
    );
    report(home.path());
    assert_eq!(scores(home.path()), of("includes"), "after a touch");
    ran(candor(home.path()).args(["run", "--resume", "run", "--no-cache"])).exits_with(0);
    assert_eq!(scores(home.path()), of("includes"), "after a resume");
    fs::remove_file(run.join("scores.parquet")).unwrap();
    fs::remove_file(run.join("tables.json")).unwrap();
    assert_eq!(
        scores(home.path()),
        of("includes"),
        "after the tables were lost"
    );
    assert!(
        report(home.path()).stdout.contains("100"),
        "the headline is the new scorer's"
    );
    ran(candor(home.path()).args(["export", "run", "--format", "evidence", "-o", "e.zip"]))
        .exits_with(0);
    ran(candor(home.path()).args(["verify", "e.zip"])).exits_with(0);
    ran(candor(home.path()).args(["score", "run"])).exits_with(0);
    assert_eq!(
        scores(home.path()),
        of("number"),
        "the suite's own scorers again"
    );
    assert_eq!(endpoint.requests().len(), 6);
}

#[test]
fn tables_in_any_state_are_written_anew_from_the_journal() {
    let home = tempfile::tempdir().unwrap();
    finished(home.path(), 8);
    let run = home.path().join("run");
    let old = ["trials.parquet", "scores.parquet"].map(|name| fs::read(run.join(name)).unwrap());
    let half = |name: &str| {
        let path = run.join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let flip = |name: &str| {
        let mut bytes = fs::read(run.join(name)).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle] ^= 0x55;
        fs::write(run.join(name), bytes).unwrap();
    };
    for name in ["trials.parquet", "scores.parquet"] {
        for (what, harm) in [
            (
                "gone",
                &(|name: &str| fs::remove_file(run.join(name)).unwrap()) as &dyn Fn(&str),
            ),
            ("empty", &|name: &str| {
                fs::write(run.join(name), "").unwrap();
            }),
            ("of other bytes", &|name: &str| {
                fs::write(run.join(name), "PAR1xxxxPAR1").unwrap();
            }),
            ("cut off", &half),
            ("changed in the middle", &flip),
        ] {
            harm(name);
            assert_eq!(scores(home.path()).len(), 8, "{name} {what}");
        }
    }
    let healed = ["trials.parquet", "scores.parquet"].map(|name| fs::read(run.join(name)).unwrap());
    assert!(old == healed, "the same journal gives the same tables");
    // A crash between two renames: one table of now, one of another time.
    ran(candor(home.path()).args(["score", "run", "-s", "includes"])).exits_with(0);
    fs::write(run.join("scores.parquet"), &old[1]).unwrap();
    assert_eq!(scores(home.path())[0].0, "includes");
}

#[test]
fn every_line_left_out_is_counted_aloud_and_asked_again() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = finished(home.path(), 10);
    let path = home.path().join("run/journal.jsonl");
    let mut lines: Vec<Vec<u8>> = fs::read(&path)
        .unwrap()
        .split(|b| *b == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    // A readable key and bad UTF-8 behind it; a number that is none; scraps.
    let at = lines[2].windows(6).position(|w| w == b"\"text\"").unwrap();
    lines[2][at + 8] = 0xff;
    let nan = String::from_utf8(lines[4].clone()).unwrap();
    lines[4] = nan
        .replacen("\"total\":", "\"total\":null,\"x\":", 1)
        .into_bytes();
    lines[7] = b"{\"trial\":\"".to_vec();
    fs::write(&path, lines.join(&b'\n')).unwrap();
    assert!(
        report(home.path())
            .says(&["3 lines are skipped"])
            .stderr
            .contains(":3: this line is not a trial")
    );
    assert!(
        report(home.path()).stderr.contains("3 lines are skipped"),
        "said again, though the tables are written"
    );
    assert_eq!(scores(home.path()).len(), 7);
    ran(candor(home.path()).args(["run", "--resume", "run", "--no-cache"])).exits_with(0);
    assert_eq!(endpoint.requests().len(), 13);
    assert_eq!(scores(home.path()).len(), 10);
}

#[test]
fn a_manifest_that_was_lost_is_taken_from_its_copy_and_a_lone_journal_is_not_appended_to() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = finished(home.path(), 4);
    let run = home.path().join("run");
    let whole = fs::read_to_string(run.join("run.json")).unwrap();
    for torn in ["", &whole[..whole.len() / 2]] {
        fs::write(run.join("run.json"), torn).unwrap();
        report(home.path()).says(&["run.json cannot be read", "run.json.bak"]);
        ran(candor(home.path()).args(["run", "--resume", "run", "--no-cache"])).exits_with(0);
        assert_eq!(endpoint.requests().len(), 4);
        let manifest: Value =
            serde_json::from_str(&fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
        assert_eq!(manifest["status"], "finished");
    }
    for name in ["run.json", "run.json.bak"] {
        fs::remove_file(run.join(name)).unwrap();
    }
    let before = fs::read(run.join("journal.jsonl")).unwrap();
    run_sums(home.path(), &endpoint.spec("adder"), &[])
        .exits_with(5)
        .says(&["no run.json", "name another directory"]);
    ran(candor(home.path()).args(["run", "--resume", "run"]))
        .exits_with(5)
        .says(&["run.json cannot be read", "Restore run.json"]);
    assert_eq!(fs::read(run.join("journal.jsonl")).unwrap(), before);
}

#[test]
fn what_a_killed_writer_left_half_written_is_removed() {
    let home = tempfile::tempdir().unwrap();
    finished(home.path(), 2);
    let run = home.path().join("run");
    for name in [".trials.parquet.4242", ".run.json.4242-3"] {
        fs::write(run.join(name), "half").unwrap();
    }
    ran(candor(home.path()).args(["run", "--resume", "run", "--no-cache"])).exits_with(0);
    assert!(!run.join(".trials.parquet.4242").exists() && !run.join(".run.json.4242-3").exists());
}

#[test]
fn an_answer_that_would_not_be_read_back_is_kept_in_another_form() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("pick");
    fs::create_dir_all(&suite).unwrap();
    fs::write(suite.join("suite.yaml"), "format: 1\nname: pick\nversion: \"1\"\nkind: benchmark\ntitle: Pick\nlicence: CC0\nsource: this test\nprompt:\n  user: \"{{ question }}\"\nscorers: [includes]\n").unwrap();
    fs::write(
        suite.join("items.jsonl"),
        "{\"id\": \"a\", \"question\": \"q\", \"target\": \"deep\"}\n",
    )
    .unwrap();
    // JSON's writers nest deeper than its readers follow.
    let nested = (0..126).fold(json!("x"), |inner, _| json!([inner]));
    let endpoint = Endpoint::new(move |_, _| {
        let mut body = says("deep");
        body["extra"] = nested.clone();
        Reply::Json(200, body)
    });
    run_suite(home.path(), "pick", endpoint.spec("m"), &["--no-cache"]);
    let lines = journal(&home.path().join("run"));
    assert_eq!(lines.len(), 1, "the trial is there in any case");
    assert_eq!(lines[0]["completion"]["text"], "deep");
    assert!(
        lines[0]["completion"]["raw"].is_string(),
        "what is too deep is kept as text"
    );
    ran(candor(home.path()).args(["report", "run"])).exits_with(0);
    assert!(!report(home.path()).stderr.contains("skipped"));
}

#[test]
fn a_demo_replaces_no_run_and_nobodys_files() {
    if !crate::support::has_onnx_runtime() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    finished(home.path(), 3);
    let before = fs::read(home.path().join("run/journal.jsonl")).unwrap();
    ran(candor(home.path()).args(["demo", "--out", "run"]))
        .exits_with(5)
        .says(&["it contains a run already"]);
    assert_eq!(
        fs::read(home.path().join("run/journal.jsonl")).unwrap(),
        before
    );
    // An earlier demo neither: without a name the next one takes another folder.
    ran(candor(home.path()).arg("demo")).exits_with(0);
    let first = fs::read(home.path().join("candor-demo/journal.jsonl")).unwrap();
    ran(candor(home.path()).args(["demo", "--out", "candor-demo"]))
        .exits_with(5)
        .says(&["it contains a run already"]);
    let second = ran(candor(home.path()).arg("demo")).exits_with(0);
    assert!(
        second
            .stdout
            .ends_with("Report: candor-demo-2/report.html\n")
    );
    assert_eq!(
        fs::read(home.path().join("candor-demo/journal.jsonl")).unwrap(),
        first
    );
    let mine = home.path().join("mine");
    fs::create_dir(&mine).unwrap();
    let mut report = fs::File::create(mine.join("journal.jsonl")).unwrap();
    report.write_all(b"a diary").unwrap();
    ran(candor(home.path()).args(["demo", "--out", "mine"])).exits_with(5);
    assert_eq!(fs::read(mine.join("journal.jsonl")).unwrap(), b"a diary");
}

#[cfg(unix)]
#[test]
fn closing_the_terminal_keeps_what_is_finished_like_ctrl_c() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 300);
    let endpoint = adder(Duration::from_millis(20));
    let spec = endpoint.spec("adder");
    let mut run = start(
        home.path(),
        &[
            "-s",
            "sums",
            "-m",
            &spec,
            "-o",
            "run",
            "--no-cache",
            "--max-connections",
            "4",
        ],
    );
    let begun = Instant::now();
    while endpoint.requests().len() < 40 && begun.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("kill")
        .args(["-HUP", &run.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert!(home.path().join("run/trials.parquet").exists());
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(home.path().join("run/run.json")).unwrap())
            .unwrap();
    assert_eq!(manifest["status"], "interrupted");
}

#[cfg(unix)]
#[test]
fn a_run_directory_reaches_no_file_outside_it() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = finished(home.path(), 3);
    let outside = home.path().join("outside");
    fs::write(&outside, "precious").unwrap();
    let run = home.path().join("run");
    for name in [
        ".lock",
        "journal.jsonl",
        "trials.parquet",
        "report.html",
        "rescored.jsonl",
    ] {
        let kept = fs::read(run.join(name)).ok();
        let _ = fs::remove_file(run.join(name));
        std::os::unix::fs::symlink(&outside, run.join(name)).unwrap();
        for arguments in [
            ["run", "--resume", "run"].as_slice(),
            ["score", "run", "-s", "includes"].as_slice(),
            ["report", "run"].as_slice(),
            ["export", "run", "--format", "evidence", "-o", "e.zip"].as_slice(),
            ["run", "-s", "sums", "-m", &endpoint.spec("m"), "-o", "run"].as_slice(),
        ] {
            ran(candor(home.path()).args(arguments))
                .exits_with(5)
                .says(&["symbolic link"]);
        }
        assert_eq!(fs::read_to_string(&outside).unwrap(), "precious", "{name}");
        fs::remove_file(run.join(name)).unwrap();
        if let Some(bytes) = kept {
            fs::write(run.join(name), bytes).unwrap();
        }
    }
    report(home.path());
}
