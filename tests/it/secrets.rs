//! Keys and passwords: they reach the server, and nothing else.

use std::path::Path;

use serde_json::json;

use crate::raw_server::{Raw, RawServer};
use crate::support::{Ran, candor, journal, ran, says, sums_suite};

const KEY: &str = "sk-test-KEY123456";

fn run(home: &Path, spec: &str, key: &str) -> Ran {
    let suite = sums_suite(home, 2);
    let _ = std::fs::remove_dir_all(home.join("run"));
    let suite = suite.to_str().unwrap();
    let mut command = candor(home);
    command.env("CANDOR_API_KEY", key);
    ran(command.args(["run", "-s", suite, "-m", spec, "-o", "run", "--no-cache"]))
}

/// Fails where one of the words is in the output, or in a file of the run.
fn nowhere(home: &Path, ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(
            !ran.stdout.contains(word) && !ran.stderr.contains(word),
            "{word}: {}",
            ran.stderr
        );
        for file in ["run.json", "journal.jsonl", "report.html", "trials.parquet"] {
            let bytes = std::fs::read(home.join("run").join(file)).unwrap_or_default();
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{word} is in {file}");
        }
    }
}

#[test]
fn a_key_is_cut_out_of_what_a_server_says_however_it_spells_it() {
    let home = tempfile::tempdir().expect("a folder");
    let escaped = r#"{"choices": [{"finish_reason": "stop", "message": {"content": "1 \u0073k-test-KEY12345\u0036"}}]}"#;
    let halves = [("1 sk-test-", None), ("KEY123456", Some("stop"))].map(|(text, finish)| {
        let choice = json!({"choices": [{"delta": {"content": text}, "finish_reason": finish}]});
        format!("data: {choice}\n\n")
    });
    let raw = format!(r#"{{"error":{{"message":"no \u0073{}"}}}}"#, &KEY[1..]);
    let nested = json!({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}});
    let replies = [
        (200, escaped.to_owned()),
        (200, halves.concat()),
        (200, nested.to_string()),
        (401, format!("no such key: {KEY}")),
        (500, format!("{{\"{KEY}\": \"{KEY}\"}}")),
        (200, format!("data: {KEY} is not JSON\n\n")),
    ];
    for (status, reply) in replies {
        let body = reply.clone();
        let server = RawServer::new(move |_, _| Raw::new(status, &[], &body));
        std::fs::write(home.path().join("candor.toml"), "[http]\nretries = 0\n").unwrap();
        let ran = run(home.path(), &server.spec("m"), KEY);
        assert!(
            server.seen()[0]
                .head
                .contains(&format!("authorization: bearer {}", KEY.to_lowercase()))
        );
        nowhere(home.path(), &ran, &[KEY]);
        assert!(!journal(&home.path().join("run")).is_empty(), "{reply}");
    }
}

#[test]
fn a_key_is_trimmed_and_one_that_cannot_be_sent_is_named_by_its_variable() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|_, _| Raw::json(200, &says("1")));
    for key in [format!("{KEY}\n"), format!(" {KEY} "), format!("{KEY}\r\n")] {
        run(home.path(), &server.spec("m"), &key).exits_with(0);
        let head = &server.seen().last().unwrap().head.clone();
        assert!(
            head.contains(&format!("authorization: bearer {}\r\n", KEY.to_lowercase())),
            "{head}"
        );
    }
    let before = server.seen().len();
    for key in ["sk-test\nKEY123456", "sk-test-ключ"] {
        let ran = run(home.path(), &server.spec("m"), key)
            .exits_with(5)
            .says(&["CANDOR_API_KEY", "cannot be sent"]);
        nowhere(home.path(), &ran, &["KEY123456", "ключ"]);
    }
    assert_eq!(server.seen().len(), before, "nothing was sent");
}

#[test]
fn user_password_and_query_of_an_address_are_sent_and_kept_nowhere() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|_, number| match number {
        1 => Raw::json(200, &says("1 pa55word")),
        _ => Raw::new(400, &[], "no: http://user:pa55word@host/v1?key=AIzaSECRET1"),
    });
    let spec = format!("http://user:pa55word@{}/v1#m", server.address);
    let ran = run(home.path(), &spec, KEY);
    let heads: Vec<String> = server.seen().into_iter().map(|s| s.head).collect();
    // base64 of user:pa55word, in small letters.
    assert!(
        heads
            .iter()
            .all(|h| h.contains("authorization: basic dxnlcjpwytu1d29yza==")),
        "{heads:?}"
    );
    assert!(
        heads
            .iter()
            .all(|h| h.matches("authorization").count() == 1)
    );
    nowhere(home.path(), &ran, &["pa55word", KEY]);

    let toml = format!(
        "[providers.mine]\nbase_url = \"http://{}/v1?api-version=7&key=AIzaSECRET1\"\n",
        server.address
    );
    std::fs::write(home.path().join("candor.toml"), toml).unwrap();
    let ran = run(home.path(), "mine:m", KEY);
    let head = server.seen().last().unwrap().head.clone();
    assert!(
        head.starts_with("post /v1/chat/completions?api-version=7&key=aizasecret1 "),
        "{head}"
    );
    nowhere(home.path(), &ran, &["AIzaSECRET1", "api-version"]);

    let spec = format!("http://{}/v1?key=AIzaSECRET1#m", server.address);
    let ran = run(home.path(), &spec, KEY)
        .exits_with(2)
        .says(&["unknown option 'key'"]);
    nowhere(home.path(), &ran, &["AIzaSECRET1"]);
}

#[test]
fn a_key_that_would_be_sent_openly_to_another_machine_is_warned_about() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 1);
    let warned = |spec: &str| {
        let mut command = candor(home.path());
        command.env("CANDOR_API_KEY", KEY);
        let suite = suite.to_str().unwrap();
        let ran = ran(command.args(["run", "-s", suite, "-m", spec, "--dry-run"]));
        ran.stderr.contains("without encryption") && ran.stderr.contains("CANDOR_API_KEY")
    };
    assert!(warned("http://models.example/v1#m"));
    assert!(!warned("https://models.example/v1#m"));
    assert!(!warned("http://127.0.0.1:9/v1#m"));
}
