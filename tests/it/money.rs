//! Budgets: kept by what is in flight, over resumes, and not without prices.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::raw_server::{Raw, RawServer};
use crate::support::{
    Endpoint, Reply, candor, journal, ran, run_suite, run_sums, says, sums_suite,
};

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
    .says(&["The budget is spent", "190 trials not asked"]);
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
    run_suite(home.path(), "sums", "replay:r.jsonl", &["--budget", "1"]).exits_with(0);
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

/// A dollar per token, of a server in `home/candor.toml` as `priced:m`, with quick tries.
fn dollar_per_token(home: &Path, server: &RawServer, http: &str) {
    let toml = format!(
        "[http]\nbackoff_seconds = 0.01\n{http}[providers.priced]\nbase_url = \"http://{}/v1\"\nprice = {{ input = 1e6, output = 1e6 }}\n",
        server.address
    );
    fs::write(home.join("candor.toml"), toml).unwrap();
}

/// Runs sums with a limit of ten tokens against `priced:m`, and gives the exit code and what was journalled.
fn run_priced(home: &Path, n: usize, more: &[&str]) -> (i32, String, Vec<Value>) {
    let yaml = sums_suite(home, n).join("suite.yaml");
    let short = fs::read_to_string(&yaml).unwrap() + "parameters: { max_tokens: 10 }\n";
    fs::write(&yaml, short).unwrap();
    let _ = fs::remove_dir_all(home.join("run"));
    let arguments = [
        "run",
        "-s",
        "sums",
        "-m",
        "priced:m",
        "-o",
        "run",
        "--no-cache",
    ];
    let ran = ran(candor(home).args(arguments).args(more));
    (ran.code, ran.stderr, journal(&home.join("run")))
}

/// The answer of a server that counts so many tokens.
fn counted(text: &str, finish: &str, read: u64, written: u64) -> Value {
    json!({
        "choices": [{"message": {"content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": read, "completion_tokens": written},
    })
}

#[test]
fn tries_that_failed_or_brought_no_word_are_paid_and_written_down() {
    let home = tempfile::tempdir().unwrap();
    let server = RawServer::new(|_, number| match number {
        1 => Raw::json(200, &counted("half", "error", 3, 4)),
        2 => Raw::json(200, &counted("", "stop", 3, 1)),
        3 => Raw::json(429, &json!({"error": {"message": "slow down"}})),
        _ => Raw::json(200, &counted("1", "stop", 3, 2)),
    });
    dollar_per_token(home.path(), &server, "");
    let (code, stderr, lines) = run_priced(home.path(), 1, &[]);
    assert_eq!((code, server.seen().len()), (0, 4), "{stderr}");
    let line = &lines[0];
    assert_eq!(line["completion"]["usage"]["completion_tokens"], 2);
    assert_eq!(line["attempts"]["sent"], 4);
    let all = &line["attempts"]["usage"];
    assert_eq!(
        (&all["prompt_tokens"], &all["completion_tokens"]),
        (&json!(9), &json!(7))
    );
    assert_eq!(
        (&line["spent"], &line["completion"]["cost"]),
        (&json!(16.0), &json!(16.0))
    );
}

#[test]
fn a_trial_that_fails_in_the_end_has_cost_what_its_tries_did() {
    let home = tempfile::tempdir().unwrap();
    let server = RawServer::new(|_, _| Raw::json(200, &counted("half", "error", 3, 4)));
    dollar_per_token(home.path(), &server, "retries = 2\n");
    let (code, stderr, lines) = run_priced(home.path(), 1, &[]);
    assert_eq!((code, server.seen().len()), (5, 3), "{stderr}");
    assert_eq!(lines[0]["spent"], 21.0);
    assert_eq!(lines[0]["attempts"]["sent"], 3);
    assert_eq!(lines[0]["attempts"]["usage"]["completion_tokens"], 12);
}

type Answers = Box<dyn Fn() -> Raw + Send + Sync>;

#[test]
fn what_was_turned_away_costs_nothing_and_what_broke_off_the_most_that_it_can_have() {
    let home = tempfile::tempdir().unwrap();
    let error = |status| Raw::json(status, &json!({"error": {"message": "no"}}));
    // The prompt has so many bytes, each of which can be a token; the limit is ten.
    let most =
        |line: &Value| line["prompt"]["chat"][0]["content"].as_str().unwrap().len() as f64 + 10.0;
    let cut = "data: {\"choices\": [{\"delta\": {\"content\": \"ha\"}}]}\n\n";
    let rows: Vec<(&str, Answers, bool)> = vec![
        ("429", Box::new(move || error(429)), false),
        ("500", Box::new(move || error(500)), false),
        ("503", Box::new(move || error(503)), false),
        ("504", Box::new(move || error(504)), true),
        ("408", Box::new(move || error(408)), true),
        (
            "a stream that breaks off",
            Box::new(move || Raw::events(cut)),
            true,
        ),
        ("nothing", Box::new(|| Raw::new(200, &[], "")), true),
    ];
    for (what, first, is_paid) in rows {
        let server = RawServer::new(move |_, number| match number {
            1 => first(),
            _ => Raw::json(200, &counted("1", "stop", 3, 2)),
        });
        dollar_per_token(home.path(), &server, "");
        let (code, stderr, lines) = run_priced(home.path(), 1, &[]);
        assert_eq!((code, server.seen().len()), (0, 2), "{what}: {stderr}");
        let line = &lines[0];
        let first = if is_paid { most(line) } else { 0.0 };
        assert_eq!(line["spent"].as_f64(), Some(5.0 + first), "{what}: {line}");
        assert_eq!(
            line["completion"]["cost"].is_null(),
            is_paid,
            "{what}: {line}"
        );
        let usage = &line["attempts"]["usage"];
        assert_eq!(
            usage.get("completion_tokens").is_none(),
            is_paid,
            "{what}: unknown is not 0"
        );
    }
}

#[test]
fn no_further_try_is_sent_that_the_budget_does_not_reach_for() {
    let home = tempfile::tempdir().unwrap();
    // Every request is billed seven dollars and brings nothing; up to six would be sent for each question.
    let server = RawServer::new(|_, _| Raw::json(200, &counted("half", "error", 3, 4)));
    dollar_per_token(home.path(), &server, "");
    let budget = ["--budget", "30", "--max-connections", "8"];
    let (code, stderr, lines) = run_priced(home.path(), 20, &budget);
    assert_eq!(code, 5, "nothing was answered: {stderr}");
    let sent = server.seen().len();
    assert!(
        (1..=4).contains(&sent),
        "{sent} requests at 7 dollars, of a budget of 30"
    );
    let spent: f64 = lines.iter().filter_map(|l| l["spent"].as_f64()).sum();
    assert!(
        (spent - 7.0 * sent as f64).abs() < 1e-9,
        "{spent} of {sent}"
    );
    assert!(stderr.contains("The budget is spent"), "{stderr}");
    let told = |line: &Value| line["failure"]["message"].to_string();
    let declined = "the budget does not suffice";
    assert!(
        lines.iter().any(|l| told(l).contains(declined)),
        "{lines:?}"
    );
}

#[test]
fn a_judges_further_tries_are_within_the_budget_too() {
    let home = tempfile::tempdir().unwrap();
    let server = RawServer::new(|body, _| {
        if body["model"] == "m" {
            Raw::json(200, &counted("It was in June.", "stop", 3, 2))
        } else {
            Raw::json(200, &counted("ha", "error", 3, 100))
        }
    });
    dollar_per_token(home.path(), &server, "");
    let suite = home.path().join("asked");
    fs::create_dir_all(&suite).unwrap();
    let yaml = "format: 1\nname: asked\nversion: '1'\nkind: audit\ntitle: Asked\nlicence: CC0-1.0\nsource: a test\nprompt: {user: '{{ q }}'}\nparameters: {max_tokens: 10}\nscorers:\n  - judge: {models: ['priced:j']}\n";
    fs::write(suite.join("suite.yaml"), yaml).unwrap();
    fs::write(
        suite.join("items.jsonl"),
        "{\"id\": \"a\", \"q\": \"One?\"}\n",
    )
    .unwrap();
    let arguments = [
        "run",
        "-s",
        "asked",
        "-m",
        "priced:m",
        "-o",
        "run",
        "--no-cache",
        "--budget",
        "250",
    ];
    let ran = ran(candor(home.path()).args(arguments));
    let judged = server
        .seen()
        .iter()
        .filter(|s| s.body["model"] == "j")
        .count();
    assert!(
        (1..=2).contains(&judged),
        "{judged} at 103 dollars: {}",
        ran.stderr
    );
    let lines = journal(&home.path().join("run"));
    let spent = lines[0]["spent"].as_f64().unwrap();
    assert!(
        (spent - (5.0 + 103.0 * judged as f64)).abs() < 1e-9,
        "{spent}"
    );
}

#[test]
fn a_cost_that_the_server_names_comes_before_the_price_list() {
    let home = tempfile::tempdir().unwrap();
    let named = |cost: f64| {
        let mut reply = counted("1", "stop", 3, 2);
        reply["usage"]["cost"] = json!(cost);
        reply
    };
    let server = RawServer::new(move |_, _| Raw::json(200, &named(0.25)));
    dollar_per_token(home.path(), &server, "");
    let (code, stderr, lines) = run_priced(home.path(), 3, &["--budget", "60"]);
    assert_eq!((code, lines.len()), (0, 3), "{stderr}");
    for line in &lines {
        assert_eq!(
            (&line["spent"], &line["completion"]["cost"]),
            (&json!(0.25), &json!(0.25))
        );
        assert_eq!(line["completion"]["usage"]["cost"], 0.25);
    }
    // Without a price of our own it is known all the same.
    let _ = fs::remove_dir_all(home.path().join("run"));
    let spec = server.spec("m");
    let arguments = ["run", "-s", "sums", "-m", &spec, "-o", "run", "--no-cache"];
    ran(candor(home.path()).args(arguments)).exits_with(0);
    assert_eq!(journal(&home.path().join("run"))[0]["spent"], 0.25);
}

/// A server whose usage says that most of the prompt was cached, and most of the answer thought.
fn counting() -> Endpoint {
    Endpoint::new(|_, _| {
        let mut reply = says("1");
        reply["usage"] = json!({"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500,
            "prompt_tokens_details": {"cached_tokens": 800}, "completion_tokens_details": {"reasoning_tokens": 400}});
        Reply::Json(200, reply)
    })
}

#[test]
fn tables_of_prices_win_over_providers_and_know_caches_and_thinking() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 1);
    let endpoint = counting();
    let provider = format!(
        "[providers.mine]\nbase_url = \"http://{}/v1\"\nprice = {{ input = 100.0, output = 100.0 }}\n",
        endpoint.address
    );
    let row = "[[prices]]\nprovider = \"mine\"\nmodel = \"m\"\nprice = { input = 2.0, output = 10.0, cached_input = 0.5, reasoning = 4.0 }\n";
    let litellm = json!({"mine/m": {"litellm_provider": "mine", "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}});
    fs::write(home.join("litellm.json"), litellm.to_string()).unwrap();
    fs::write(home.join("prices.toml"), row).unwrap();
    let cost = |name: &str, toml: &str, more: &[&str]| {
        fs::write(home.join("candor.toml"), toml).unwrap();
        let run = [
            "run",
            "-s",
            "sums",
            "-m",
            "mine:m",
            "--no-cache",
            "-o",
            name,
        ];
        ran(candor(home).args(run).args(more)).exits_with(0);
        journal(&home.join(name))[0]["completion"]["cost"]
            .as_f64()
            .unwrap()
    };
    let close = |cost: f64, dollars: f64| assert!((cost - dollars).abs() < 1e-12, "{cost}");
    close(cost("provider", &provider, &[]), 0.15);
    // 200 × 2 + 800 × 0.5 + 100 × 10 + 400 × 4, per million.
    let tabled = (400.0 + 400.0 + 1000.0 + 1600.0) / 1e6;
    close(cost("row", &format!("{provider}\n{row}"), &[]), tabled);
    let file = format!("[run]\nprices = \"prices.toml\"\n{provider}");
    close(cost("file", &file, &[]), tabled);
    close(cost("flag", &file, &["--prices", "litellm.json"]), 0.002);
    let dry = |more: &[&str]| {
        let run = ["run", "-s", "sums", "-m", "mine:m", "--dry-run"];
        ran(candor(home).args(run).args(more)).exits_with(0).stdout
    };
    assert!(dry(&[]).contains("your price"), "{}", dry(&[]));
    let openai = ran(candor(home).args(["run", "-s", "sums", "-m", "openai:gpt-4o", "--dry-run"]))
        .exits_with(0);
    assert!(
        openai.stdout.contains("list price of 2026-11"),
        "{}",
        openai.stdout
    );
    fs::write(
        home.join("wrong.toml"),
        "[[prices]]\nprovider = \"mine\"\nmodel = \"m\"\nprice = { input = -1.0, output = 0.0 }\n",
    )
    .unwrap();
    ran(candor(home).args([
        "run",
        "-s",
        "sums",
        "-m",
        "mine:m",
        "--prices",
        "wrong.toml",
        "--dry-run",
    ]))
    .exits_with(2)
    .says(&["wrong.toml", "0 or more, not -1"]);
    ran(candor(home).args([
        "run",
        "-s",
        "sums",
        "-m",
        "mine:m",
        "--prices",
        "none.json",
        "--dry-run",
    ]))
    .exits_with(2);
}

#[test]
fn an_estimate_counts_with_the_tokenizer_that_is_there() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 3);
    // Words and signs are tokens: "0 + 1 =" has four.
    let words = json!({"0": 0, "1": 1, "2": 2, "+": 3, "=": 4, "?": 5});
    let tokenizer = json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "?"}});
    let says_tokens = |model: &str, tokens: &str| {
        let dry =
            ran(candor(home).args(["run", "-s", "sums", "-m", model, "--dry-run"])).exits_with(0);
        assert!(dry.stdout.contains(tokens), "{}", dry.stdout);
    };
    says_tokens("together:org/model", "about 6 tokens read");
    let snapshot = home.join("hub/models--org--model/snapshots/abc");
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(home.join("hub/models--org--model/refs")).unwrap();
    fs::write(home.join("hub/models--org--model/refs/main"), "abc").unwrap();
    fs::write(snapshot.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    says_tokens("together:org/model", "12 tokens read, by its tokenizer");
    let named = format!("openai:gpt-4o?tokenizer={}", snapshot.display());
    says_tokens(&named, "12 tokens read, by its tokenizer");
    ran(candor(home).args([
        "run",
        "-s",
        "sums",
        "-m",
        "openai:gpt-4o?tokenizer=nowhere",
        "--dry-run",
    ]))
    .exits_with(5)
    .says(&["there is no tokenizer"]);
}
