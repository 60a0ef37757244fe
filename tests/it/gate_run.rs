//! `candor gate run`: asks until the gate is decided.

use std::fs;

use serde_json::Value;

use crate::support::{Endpoint, Reply, candor, question, ran, run_sums, says, sums_suite};

/// The sum that a question of `sums_suite` asks for.
fn answer(body: &Value) -> i64 {
    let numbers: Vec<i64> = question(body)
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok())
        .collect();
    numbers.iter().take(2).sum()
}

#[test]
fn a_clear_answer_saves_calls_and_an_unclear_one_asks_all() {
    let folder = tempfile::tempdir().unwrap();
    let suite = sums_suite(folder.path(), 300);
    fs::write(
        folder.path().join("gate.toml"),
        format!(
            "suites.sums = '{}'\n[[rule]]\nname = \"Sums\"\nsuite = \"sums\"\nat_least = \"70 %\"\n",
            suite.display()
        ),
    )
    .unwrap();
    let asked =
        |right: &'static (dyn Fn(i64) -> bool + Sync), code: i32, out: &str| -> (usize, Value) {
            let endpoint = Endpoint::new(move |body, _| {
                let sum = answer(body);
                Reply::Json(
                    200,
                    says(&format!(
                        "The answer is {}.",
                        if right(sum) { sum } else { sum + 1 }
                    )),
                )
            });
            ran(candor(folder.path()).env("CANDOR_API_KEY", "k").args([
                "gate",
                "run",
                "-m",
                &endpoint.spec("m"),
                "-o",
                out,
                "--json",
                "gate.json",
                "--no-cache",
                "--max-connections",
                "8",
            ]))
            .exits_with(code);
            let json =
                serde_json::from_str(&fs::read_to_string(folder.path().join("gate.json")).unwrap())
                    .unwrap();
            (endpoint.requests().len(), json)
        };
    let (clear, json) = asked(&|_| true, 0, "right");
    assert!(clear < 150, "{clear} requests for an answer that is clear");
    assert_eq!(json["overall"], "pass");
    let (wrong, _) = asked(&|sum| sum % 3 == 0, 1, "wrong");
    assert!(wrong < 150, "{wrong} requests");
    let (all, json) = asked(&|sum| (sum * 7 + 5) % 10 < 7, 3, "open");
    assert_eq!(all, 300);
    assert!(
        json["notes"][0]
            .as_str()
            .unwrap()
            .contains("all 300 questions were asked"),
        "{json}"
    );
}

#[test]
fn an_answer_without_a_verdict_is_a_failure_to_a_gate_over_a_run_and_to_one_that_asks() {
    let home = tempfile::tempdir().unwrap();
    let suite = sums_suite(home.path(), 40);
    let judge = Endpoint::new(|body, _| {
        let good = !body.to_string().contains("7 + 1 =");
        let reply = "{\"why\": \"so\", \"label\": \"complete\", \"confidence\": 1}";
        Reply::Json(200, says(if good { reply } else { "I would rather not." }))
    });
    let model = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
    let spec = judge.spec("judge");
    let judged = format!("scorers:\n  - judge: {{models: [\"{spec}\"]}}\n");
    fs::write(
        suite.join("suite.yaml"),
        yaml.replace("scorers: [number]\n", &judged),
    )
    .unwrap();
    fs::write(
        home.path().join("candor.toml"),
        format!("[http]\nretries = 0\n[run]\njudges = [\"{spec}\"]\n"),
    )
    .unwrap();
    let gate = |most: &str| {
        let text = format!(
            "max_failures = \"{most}\"\nsuites.sums = '{}'\n[[rule]]\nname = \"Sums\"\nsuite = \"sums\"\nmetric = \"class\"\nat_least = \"99 %\"\n",
            suite.display()
        );
        fs::write(home.path().join("gate.toml"), text).unwrap();
    };
    let told = run_sums(home.path(), &model.spec("m"), &[])
        .exits_with(0)
        .says(&["4 answers have no label"]);
    assert!(told.stdout.contains("no label"), "{}", told.stdout);
    let page = fs::read_to_string(home.path().join("run/report.html")).unwrap();
    assert!(page.contains("4 without a label"));
    let live = |out: &str| {
        let arguments = [
            "gate",
            "run",
            "-m",
            &model.spec("m"),
            "-o",
            out,
            "--no-cache",
        ];
        ran(candor(home.path()).args(arguments))
    };
    let says = [
        "10 % of the trials of the candidate",
        "without a verdict (4 of 40)",
    ];
    gate("9 %");
    ran(candor(home.path()).args(["gate", "--candidate", "run"]))
        .exits_with(5)
        .says(&says);
    live("live").exits_with(5).says(&says);
    gate("10 %");
    ran(candor(home.path()).args(["gate", "--candidate", "run"])).exits_with(3);
    live("again").exits_with(3);
}
