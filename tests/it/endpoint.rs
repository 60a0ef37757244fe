//! Models over HTTP, against a real server on loopback.

use std::time::Duration;

use serde_json::json;

use crate::support::{Endpoint, Reply, candor, export, journal, ran, run_suite, says, sums_suite};

#[test]
fn a_refused_key_stops_that_model_at_once_and_the_other_goes_on() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 30);
    let locked = Endpoint::new(|_, _| {
        Reply::Json(
            401,
            json!({"error": {"message": "Incorrect API key provided: sk-secret-123456", "code": "invalid_api_key"}}),
        )
    });
    let open = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    let mut command = candor(home.path());
    command.env("CANDOR_API_KEY", "sk-secret-123456").args([
        "run",
        "-s",
        suite.to_str().unwrap(),
        "-m",
        &locked.spec("locked"),
        "-m",
        &open.spec("open"),
        "-o",
        "run",
        "--no-cache",
    ]);
    let told = ran(&mut command).exits_with(4).says(&[
        "locked: given up",
        "CANDOR_API_KEY",
        "Incorrect API key",
    ]);
    assert!(!told.stderr.contains("sk-secret") && !told.stdout.contains("sk-secret"));
    assert!(
        locked.requests().len() <= 16,
        "only what was in flight reached the locked server"
    );
    assert_eq!(open.requests().len(), 30);
    assert!(
        open.headers()
            .iter()
            .all(|h| h["authorization"] == "Bearer sk-secret-123456")
    );
    for file in ["run.json", "journal.jsonl", "report.html"] {
        assert!(
            !std::fs::read_to_string(home.path().join("run").join(file))
                .unwrap()
                .contains("sk-secret"),
            "the key is in {file}"
        );
    }
}

#[test]
fn a_key_that_is_not_set_is_named_before_anything_is_sent() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 3);
    run_suite(home.path(), suite.to_str().unwrap(), "openai:gpt-4o", &[])
        .exits_with(5)
        .says(&["OPENAI_API_KEY is not set"]);
    assert!(!home.path().join("run").exists());
    run_suite(
        home.path(),
        suite.to_str().unwrap(),
        "http://192.0.2.1:9/v1#m",
        &["--offline"],
    )
    .exits_with(5)
    .says(&["--offline forbids it"]);
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 2);
    let endpoint = Endpoint::new(|_, _| Reply::Hang);
    std::fs::write(
        home.path().join("candor.toml"),
        "[http]\nidle_seconds = 0.3\nretries = 1\nbackoff_seconds = 0.01\n",
    )
    .unwrap();
    run_suite(
        home.path(),
        suite.to_str().unwrap(),
        endpoint.spec("slow"),
        &["--no-cache"],
    )
    .exits_with(5)
    .says(&["2 trials failed (timeout): ", "2 trials without an answer"]);
    let failure = &journal(&home.path().join("run"))[0]["failure"];
    assert_eq!(failure["class"], "timeout");
    assert!(
        failure["message"]
            .as_str()
            .unwrap()
            .contains("did not answer in time"),
        "{failure}"
    );
    assert_eq!(endpoint.requests().len(), 4, "each was tried once more");
}

#[test]
fn overload_is_waited_out_as_the_server_asks() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 1);
    let endpoint = Endpoint::new(|_, number| match number {
        1 => Reply::WithHeader(
            429,
            "retry-after",
            "1".into(),
            json!({"error": {"message": "slow down"}}),
        ),
        2 => Reply::Text(502, "bad gateway".into()),
        _ => Reply::Json(200, says("1")),
    });
    std::fs::write(
        home.path().join("candor.toml"),
        "[http]\nbackoff_seconds = 0.01\n",
    )
    .unwrap();
    let started = std::time::Instant::now();
    run_suite(
        home.path(),
        suite.to_str().unwrap(),
        endpoint.spec("busy"),
        &["--no-cache"],
    )
    .exits_with(0);
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "Retry-After was honoured"
    );
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn a_providers_block_is_an_outcome_and_not_a_failure() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 3);
    let endpoint = Endpoint::new(|_, number| match number {
        1 => Reply::Json(
            400,
            json!({"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}}),
        ),
        2 => Reply::Json(
            200,
            json!({"choices": [{"finish_reason": "content_filter", "message": {"content": "The begin"}}]}),
        ),
        _ => Reply::Json(
            200,
            json!({"choices": [{"finish_reason": "stop", "message": {"content": null, "refusal": "I cannot."}}]}),
        ),
    });
    run_suite(
        home.path(),
        suite.to_str().unwrap(),
        endpoint.spec("filtered"),
        &["--no-cache", "--max-connections", "1"],
    )
    .exits_with(0);
    let rows = export(home.path(), &home.path().join("run"));
    let mut statuses: Vec<&str> = rows.iter().map(|r| r["status"].as_str()).collect();
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        ["blocked_upstream", "blocked_upstream", "refused"]
    );
    let kept = journal(&home.path().join("run"))
        .iter()
        .any(|l| l["completion"]["text"] == "The begin");
    assert!(kept, "what was said before the filter struck is kept");
}

#[test]
fn the_request_carries_what_the_suite_says_and_the_cache_saves_a_second_asking() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 2);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("<think>one more</think>1")));
    let yaml = std::fs::read_to_string(suite.join("suite.yaml")).unwrap();
    std::fs::write(
        suite.join("suite.yaml"),
        format!(
            "{yaml}parameters: {{ max_tokens: 9, temperature: 0.7, top_p: 0.9, stop: [\"END\"] }}\n"
        ),
    )
    .unwrap();
    let again = |output: &str| {
        ran(candor(home.path())
            .env("CANDOR_HOME", home.path().join("home"))
            .args([
                "run",
                "-s",
                suite.to_str().unwrap(),
                "-m",
                &endpoint.spec("m"),
                "-o",
                output,
                "--epochs",
                "2",
            ]))
        .exits_with(0)
    };
    again("first");
    let body = &endpoint.requests()[0];
    assert_eq!(
        (
            body["model"].as_str(),
            body["max_tokens"].as_u64(),
            body["temperature"].as_f64(),
            body["top_p"].as_f64(),
            body["stop"][0].as_str()
        ),
        (Some("m"), Some(9), Some(0.7), Some(0.9), Some("END"))
    );
    let seeds: std::collections::HashSet<u64> = endpoint
        .requests()
        .iter()
        .map(|r| r["seed"].as_u64().expect("a seed"))
        .collect();
    assert_eq!(seeds.len(), 4, "two samples, two epochs, four seeds");
    assert_eq!(
        journal(&home.path().join("first"))[0]["completion"]["reasoning"],
        "one more"
    );
    again("second");
    assert_eq!(endpoint.requests().len(), 4, "the cache answered");
}

#[test]
fn a_budget_stops_the_run_and_the_rest_can_be_asked_later() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 50);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    std::fs::write(home.path().join("candor.toml"), format!("[providers.priced]\nbase_url = \"http://{}/v1\"\nprice = {{ input = 1000.0, output = 1000.0 }}\n", endpoint.address)).unwrap();
    // Ten tokens at $1,000 a million are a cent.
    run_suite(
        home.path(),
        suite.to_str().unwrap(),
        "priced:m",
        &["--no-cache", "--budget", "0.10", "--max-connections", "1"],
    )
    .exits_with(4)
    .says(&["The budget is spent", "--resume"]);
    assert_eq!(endpoint.requests().len(), 10);
    let dry = ran(candor(home.path()).args([
        "run",
        "-s",
        suite.to_str().unwrap(),
        "-m",
        "priced:m",
        "--dry-run",
    ]))
    .exits_with(0);
    assert!(
        dry.stdout.contains("50 requests")
            && dry.stdout.contains("at most $")
            && dry.stdout.contains("Nothing was sent"),
        "{}",
        dry.stdout
    );
    assert_eq!(endpoint.requests().len(), 10, "a dry run sends nothing");
}

#[test]
fn a_model_that_cannot_be_opened_is_left_out_told_and_asked_on_resume() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 4);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    std::fs::write(
        home.path().join("candor.toml"),
        format!(
            "[providers.keyed]\nbase_url = \"http://{}/v1\"\nkey_env = \"KEYED_API_KEY\"\n",
            endpoint.address
        ),
    )
    .unwrap();
    let start = [
        "run",
        "-s",
        suite.to_str().unwrap(),
        "-o",
        "run",
        "--no-cache",
        "-m",
    ];
    let spec = endpoint.spec("open");
    ran(candor(home.path())
        .args(start)
        .args([&spec, "-m", "keyed:m"]))
    .exits_with(4)
    .says(&["keyed:m: skipped", "KEYED_API_KEY is not set"]);
    let report = std::fs::read_to_string(home.path().join("run/report.html")).unwrap();
    assert!(
        report.contains("not asked"),
        "the report tells of the model that was left out"
    );
    ran(candor(home.path()).env("KEYED_API_KEY", "k").args([
        "run",
        "--resume",
        "run",
        "--no-cache",
    ]))
    .exits_with(0);
    assert_eq!(endpoint.requests().len(), 8);
    let rows = export(home.path(), &home.path().join("run"));
    assert_eq!(rows.iter().filter(|r| r["model"] == "keyed:m").count(), 4);
}
