//! Budgets: kept by what is in flight, over resumes, and not without prices.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::{Endpoint, Reply, candor, journal, ran, run_sums, says, sums_suite};

/// A server whose answers of ten tokens cost so many US dollars each, as `priced:m` in `home/candor.toml`.
fn priced(home: &Path, dollars: f64) -> Endpoint {
    let endpoint = Endpoint::new(|_, _| Reply::After(Duration::from_millis(30), says("1")));
    let million = dollars / 10.0 * 1e6;
    let toml = format!(
        "[providers.priced]\nbase_url = \"http://{}/v1\"\nprice = {{ input = {million}, output = {million} }}\n",
        endpoint.address
    );
    fs::write(home.join("candor.toml"), toml).unwrap();
    endpoint
}

#[test]
fn what_is_in_flight_does_not_exceed_a_budget_nor_does_a_resume() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 200);
    let endpoint = priced(home.path(), 0.01);
    run_sums(
        home.path(),
        "priced:m",
        &["--budget", "0.10", "--max-connections", "64"],
    )
    .exits_with(4)
    .says(&["The budget is spent", "190 trials were not asked"]);
    assert_eq!(endpoint.requests().len(), 10);
    let resume = |budget: &str| {
        let arguments = [
            "run",
            "--resume",
            "run",
            "--no-cache",
            "--max-connections",
            "64",
            "--budget",
            budget,
        ];
        ran(candor(home.path()).args(arguments)).exits_with(4);
        endpoint.requests().len()
    };
    assert_eq!(resume("0.10"), 10, "it is spent");
    assert_eq!(resume("0.15"), 15, "what was spent counts");
    ran(candor(home.path()).args(["run", "--resume", "run", "--no-cache"])).exits_with(4);
    assert_eq!(endpoint.requests().len(), 15, "a budget stands");
    let spent: f64 = journal(&home.path().join("run"))
        .iter()
        .map(|l| l["spent"].as_f64().unwrap())
        .sum();
    assert!((spent - 0.15).abs() < 1e-9);
}

#[test]
fn amounts_too_small_to_print_still_add_up() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 100);
    let endpoint = priced(home.path(), 0.000_000_4);
    run_sums(home.path(), "priced:m", &["--budget", "0.000001"]).exits_with(4);
    assert_eq!(endpoint.requests().len(), 2);
}

#[test]
fn a_budget_without_a_price_is_refused_before_anything_is_sent() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 5);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    let spec = endpoint.spec("m");
    let run = [
        "run", "-s", "sums", "-m", &spec, "-o", "run", "--budget", "1",
    ];
    ran(candor(home.path()).args(run)).exits_with(2).says(&[
        "a budget needs prices",
        "[providers.http]",
        "candor.toml",
    ]);
    fs::write(home.path().join("candor.toml"), "[run]\nbudget = 1.0\n").unwrap();
    ran(candor(home.path()).args(&run[..7]))
        .exits_with(2)
        .says(&["a budget needs prices"]);
    assert!(endpoint.requests().is_empty() && !home.path().join("run").exists());
    fs::write(
        home.path().join("candor.toml"),
        "[providers.http]\nprice = { input = 1.0, output = 1.0 }\n",
    )
    .unwrap();
    ran(candor(home.path()).args(run)).exits_with(0);
}

#[test]
fn a_recording_costs_nothing_and_needs_no_price() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 1);
    fs::write(
        home.path().join("r.jsonl"),
        "{\"sample_id\": \"s0\", \"answer\": \"1\"}\n",
    )
    .unwrap();
    ran(candor(home.path()).args([
        "run",
        "-s",
        "sums",
        "-m",
        "replay:r.jsonl",
        "-o",
        "run",
        "--budget",
        "1",
    ]))
    .exits_with(0);
}

#[test]
fn amounts_that_are_none_are_refused_where_they_stand() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 1);
    for (toml, says) in [
        ("[run]\nbudget = -1.0\n", "above 0"),
        ("[run]\nbudget = nan\n", "above 0"),
        (
            "[providers.x]\nprice = { input = -0.05, output = 1.0 }\n",
            "0 or more",
        ),
        (
            "[providers.x]\nprice = { input = 1.0, output = inf }\n",
            "0 or more",
        ),
    ] {
        fs::write(home.path().join("candor.toml"), toml).unwrap();
        ran(candor(home.path()).args(["run", "-s", "sums", "-m", "demo:open"]))
            .exits_with(2)
            .says(&["candor.toml:2", says]);
    }
    fs::remove_file(home.path().join("candor.toml")).unwrap();
    for budget in ["--budget=-1", "--budget=0", "--budget=nan"] {
        ran(candor(home.path()).args(["gate", "run", "-m", "demo:open", budget])).exits_with(2);
        ran(candor(home.path()).args(["run", "-s", "sums", "-m", "demo:open", budget]))
            .exits_with(2);
    }
}

#[test]
fn a_dry_run_needs_no_key() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 3);
    let dry =
        ran(candor(home.path()).args(["run", "-s", "sums", "-m", "openai:gpt-4o", "--dry-run"]))
            .exits_with(0);
    assert!(
        dry.stdout.contains("at most $") && dry.stdout.contains("Nothing was sent"),
        "{}",
        dry.stdout
    );
}
