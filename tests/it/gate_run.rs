//! `candor gate run`: asks until the gate is decided.

use std::fs;

use serde_json::Value;

use crate::support::{Endpoint, Reply, candor, question, ran, says, sums_suite};

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
