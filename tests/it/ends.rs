//! How the process ends: its exit code and its files are true, whatever becomes of its output and whatever a server says.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::made_run::{MadeTrial, write_run};
use crate::support::{Endpoint, Reply, candor, journal, question, ran, run_sums, says, sums_suite};

/// The binary as a process whose ends a test holds.
fn process(home: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("candor"));
    command
        .current_dir(home)
        .env("CANDOR_HOME", home.join("home"))
        .env("NO_COLOR", "1");
    command
}

/// Two runs of which the new one fails the gate beside them.
fn failing_gate(home: &Path) {
    let answers = |wrong: usize| -> Vec<MadeTrial> {
        let value = |i: usize| f64::from(u8::from(i >= wrong));
        (0..200)
            .map(|i| MadeTrial::new("m", "sums", format!("q{i:03}"), value(i)))
            .collect()
    };
    write_run(&home.join("old"), &answers(0), |_| ());
    write_run(&home.join("new"), &answers(60), |_| ());
    fs::write(home.join("gate.toml"), "baseline = \"old\"\n[[rule]]\nname = \"Not worse\"\nsuite = \"sums\"\nmetric = \"accuracy\"\nnot_worse_than_baseline_by = \"5 points\"\n").unwrap();
}

/// A pipe whose reader has gone.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full_disk() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

#[test]
fn a_gate_that_fails_fails_though_nobody_reads_it() {
    let home = tempfile::tempdir().unwrap();
    failing_gate(home.path());
    for (name, stdout) in [("closed", closed_pipe()), ("full", full_disk())] {
        let junit = format!("{name}.xml");
        let mut gate = process(home.path());
        gate.args([
            "gate",
            "--candidate",
            "new",
            "--junit",
            &junit,
            "--json",
            "gate.json",
        ])
        .args(["--annotations", "github"]);
        let ended = gate.stdout(stdout).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{name}: {said}");
        assert!(
            fs::read_to_string(home.path().join(&junit))
                .unwrap()
                .contains("<failure")
        );
        assert!(home.path().join("gate.json").exists());
        assert_eq!(
            said.contains("cannot write to stdout"),
            name == "full",
            "{said}"
        );
    }
}

#[test]
fn a_run_goes_on_without_stderr_and_without_stdout() {
    for (stdout, stderr) in [
        (closed_pipe(), closed_pipe()),
        (full_disk(), full_disk()),
        (Stdio::null(), closed_pipe()),
    ] {
        let home = tempfile::tempdir().unwrap();
        sums_suite(home.path(), 30);
        let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
        let spec = endpoint.spec("one");
        let ended = process(home.path())
            .args([
                "run",
                "-v",
                "-s",
                "sums",
                "-m",
                &spec,
                "-o",
                "run",
                "--no-cache",
            ])
            .env("CANDOR_LOG", "debug")
            .stdout(stdout)
            .stderr(stderr)
            .status()
            .unwrap();
        assert_eq!(ended.code(), Some(0));
        let run = home.path().join("run");
        assert_eq!(journal(&run).len(), 30);
        assert!(run.join("report.html").exists() && run.join("scores.parquet").exists());
    }
}

#[test]
fn usage_errors_and_completions_keep_their_codes_without_a_reader() {
    let home = tempfile::tempdir().unwrap();
    let code = |arguments: &[&str]| {
        let mut command = process(home.path());
        let ended = command
            .args(arguments)
            .stdout(closed_pipe())
            .stderr(closed_pipe());
        ended.status().unwrap().code()
    };
    assert_eq!(code(&["completions", "bash"]), Some(0));
    assert_eq!(code(&["suites", "schema"]), Some(0));
    assert_eq!(code(&["report", "nowhere"]), Some(5));
    assert_eq!(code(&["run", "--no-such-flag"]), Some(2));
}

#[test]
fn words_of_servers_and_models_reach_no_terminal_as_they_are() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 2);
    let evil = "\u{1b}]0;PWNED\u{7}\u{1b}[2J\n::error::forged\u{202e}\u{200b}";
    let refuses = Endpoint::new(move |_, _| Reply::Json(400, json!({"error": {"message": evil}})));
    let answers = Endpoint::new(move |_, _| Reply::Json(200, says(evil)));
    fs::write(home.path().join("candor.toml"), "[http]\nretries = 0\n").unwrap();
    let name = format!("http://{}/v1#m?name=a{evil}", refuses.address);
    let outputs = [
        ran(candor(home.path()).args(["run", "-s", "sums", "-m", &name, "-o", "a", "--no-cache"])),
        ran(candor(home.path()).args(["models", "check", &refuses.spec("m")])),
        ran(candor(home.path()).args(["models", "check", &answers.spec("m")])),
        ran(candor(home.path()).args(["compare", "a"])),
        ran(candor(home.path()).args(["report", evil.trim_matches('\0')])),
    ];
    for output in outputs {
        let shown = output.stdout + &output.stderr;
        let acts = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
        assert!(!shown.contains(acts), "{shown:?}");
        let forged = shown
            .lines()
            .any(|line| line.trim_start().starts_with("::error"));
        assert!(!forged, "{shown}");
    }
}

#[test]
fn one_bad_question_does_not_end_a_model_and_a_resume_gets_past_it() {
    for (status, body) in [
        (403, "blocked by a firewall"),
        (404, "not found"),
        (401, "no"),
    ] {
        let home = tempfile::tempdir().unwrap();
        sums_suite(home.path(), 40);
        let endpoint = Endpoint::new(move |body_asked, _| {
            if question(body_asked).starts_with("7 ") {
                Reply::Text(status, body.into())
            } else {
                Reply::Json(200, says("1"))
            }
        });
        let spec = endpoint.spec("m");
        run_sums(home.path(), &spec, &["--max-connections", "1"])
            .exits_with(4)
            .says(&["1 trial without an answer", "--resume"]);
        let answered = || {
            let lines = journal(&home.path().join("run"));
            lines.iter().filter(|l| l["status"] == "ok").count()
        };
        assert_eq!(answered(), 39, "{status}");
        ran(candor(home.path()).args(["run", "--resume", "run", "--no-cache"])).exits_with(4);
        assert_eq!(
            (answered(), endpoint.requests().len()),
            (39, 41),
            "{status}"
        );
    }
}

#[test]
fn a_judge_that_cannot_be_reached_fails_the_run_and_is_asked_on_resume() {
    for status in [401_u16, 500] {
        let home = tempfile::tempdir().unwrap();
        let suite = sums_suite(home.path(), 20);
        let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let is_broken = std::sync::Arc::clone(&broken);
        let judge = Endpoint::new(move |_, _| {
            if is_broken.load(std::sync::atomic::Ordering::SeqCst) {
                Reply::Json(status, json!({"error": {"message": "no judging today"}}))
            } else {
                Reply::Json(
                    200,
                    says("{\"why\": \"so\", \"label\": \"complete\", \"confidence\": 1}"),
                )
            }
        });
        let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
        let judged = format!(
            "scorers:\n  - judge: {{models: [\"{}\"]}}\n",
            judge.spec("judge")
        );
        fs::write(
            suite.join("suite.yaml"),
            yaml.replace("scorers: [number]\n", &judged),
        )
        .unwrap();
        fs::write(
            home.path().join("candor.toml"),
            format!(
                "[http]\nretries = 0\n[run]\njudges = [\"{}\"]\n",
                judge.spec("judge")
            ),
        )
        .unwrap();
        let model = Endpoint::new(|_, _| Reply::Json(200, says("1")));
        let spec = model.spec("m");
        let told = run_sums(home.path(), &spec, &[]).exits_with(4).says(&[
            "the judge http://",
            "no judging today",
            "20 answers were kept",
            "candor score run",
        ]);
        assert!(
            judge.requests().len() <= 3,
            "{} times",
            judge.requests().len()
        );
        assert!(told.stderr.contains("candor run --resume run"));
        broken.store(false, std::sync::atomic::Ordering::SeqCst);
        ran(candor(home.path()).args(["run", "--resume", "run", "--no-cache"])).exits_with(0);
        assert_eq!(model.requests().len(), 20, "the answers were there");
        let labels = crate::support::export(home.path(), &home.path().join("run"));
        assert_eq!(
            labels.iter().filter(|r| r["label"] == "complete").count(),
            20
        );
        // Labels that are there are not replaced by none.
        broken.store(true, std::sync::atomic::Ordering::SeqCst);
        ran(candor(home.path()).args(["score", "run", "--no-cache"]))
            .exits_with(5)
            .says(&["the scores are unchanged"]);
        let labels = crate::support::export(home.path(), &home.path().join("run"));
        assert_eq!(
            labels.iter().filter(|r| r["label"] == "complete").count(),
            20
        );
    }
}

#[test]
fn answers_from_the_cache_are_told_with_their_time() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 5);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    let spec = endpoint.spec("m");
    let run = |name: &str| {
        let mut command = candor(home.path());
        command.env("CANDOR_HOME", home.path().join("home"));
        ran(command.args(["run", "-s", "sums", "-m", &spec, "-o", name])).exits_with(0)
    };
    let cached = |name: &str| -> serde_json::Value {
        let text = fs::read_to_string(home.path().join(name).join("run.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["cached"].take()
    };
    assert!(!run("first").stderr.contains("completion cache"));
    assert!(cached("first").is_null());
    run("second").says(&[
        "5 of 5 answers came from the completion cache, recorded",
        "--no-cache",
    ]);
    assert_eq!(cached("second")["answers"], 5);
    assert!(cached("second")["oldest"].is_string());
    assert_eq!(endpoint.requests().len(), 5);
}

#[test]
fn a_damaged_cache_is_a_warning_and_the_run_goes_on() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 5);
    fs::create_dir(home.path().join("home")).unwrap();
    fs::write(
        home.path().join("home/completions.sqlite"),
        "no database ".repeat(1000),
    )
    .unwrap();
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    ran(candor(home.path())
        .env("CANDOR_HOME", home.path().join("home"))
        .args(["run", "-s", "sums", "-m", &endpoint.spec("m"), "-o", "run"]))
    .exits_with(0)
    .says(&["cannot open the completion cache", "continues without it"]);
}

#[test]
fn the_same_words_asked_at_once_are_paid_once() {
    let home = tempfile::tempdir().unwrap();
    let suite = sums_suite(home.path(), 1);
    let items: String = (0..10).fold(String::new(), |items, i| {
        format!("{items}{{\"id\": \"s{i}\", \"question\": \"1 + 1 =\", \"target\": 2}}\n")
    });
    fs::write(suite.join("items.jsonl"), items).unwrap();
    let endpoint = Endpoint::new(|_, _| Reply::After(Duration::from_millis(50), says("2")));
    ran(candor(home.path())
        .env("CANDOR_HOME", home.path().join("home"))
        .args(["run", "-s", "sums", "-m", &endpoint.spec("m"), "-o", "run"]))
    .exits_with(0);
    assert_eq!(endpoint.requests().len(), 1);
    assert_eq!(journal(&home.path().join("run")).len(), 10);
}

/// A model that fails as no model should.
struct Panics(candor::model::Identity);

#[async_trait::async_trait]
impl candor::model::Model for Panics {
    fn identity(&self) -> &candor::model::Identity {
        &self.0
    }

    fn capabilities(&self) -> candor::model::Capabilities {
        candor::model::Capabilities {
            chat: true,
            log_likelihood: false,
            concurrency: 4,
            cacheable: false,
        }
    }

    async fn generate(
        &self,
        request: &candor::model::Request,
    ) -> Result<candor::model::Completion, candor::model::ModelError> {
        assert!(!request.prompt.question().starts_with("3 "), "a defect");
        Ok(candor::model::Completion::text("1"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_its_trial_and_no_other() {
    use candor::run::{Earlier, Limits, Logs, Plan, PlanOptions, PlannedModel, execute};
    let home = tempfile::tempdir().unwrap();
    let suite = sums_suite(home.path(), 20).to_str().unwrap().to_owned();
    let options = PlanOptions::default();
    let mut plan = Plan::new(
        &[suite],
        &[],
        options,
        &candor::suite::DataOptions::default(),
        &candor::model::OpenOptions::default(),
    )
    .await
    .unwrap();
    let identity = candor::model::Identity {
        name: "panics".into(),
        fingerprint: "panics".into(),
        spec: "panics:x".into(),
    };
    let model: std::sync::Arc<dyn candor::model::Model> = std::sync::Arc::new(Panics(identity));
    let capabilities = model.capabilities();
    plan.models.push(PlannedModel {
        model,
        capabilities,
    });
    let run =
        candor::store::RunDirectory::create(&home.path().join("run"), plan.manifest()).unwrap();
    let journal_writer = run.append_to_journal().unwrap();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let (earlier, limits) = (Earlier::default(), Limits::default());
    let plan = std::sync::Arc::new(plan);
    let outcome = execute(
        plan,
        journal_writer,
        None,
        earlier,
        limits,
        Logs::default(),
        |_| (),
        stopped,
    )
    .await
    .unwrap();
    assert_eq!(
        (outcome.answered, outcome.failed, outcome.not_asked),
        (19, 1, 0)
    );
    let lines = journal(&home.path().join("run"));
    let failed = lines.iter().find(|l| l["status"] == "error").unwrap();
    assert!(
        failed["failure"]["message"]
            .as_str()
            .unwrap()
            .contains("bug in candor")
    );
}
