//! Servers that overload, break off, hang and rave: what they do is waited out, or written down as a failure, and ends nothing else.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::raw_server::{Raw, RawServer};
use crate::support::{candor, journal, ran, says, sums_suite};

/// Runs `n` sums against the server in quick tries, and gives the exit code with what was journalled.
fn run(home: &Path, n: usize, spec: &str, http: &str) -> (i32, String, Vec<Value>) {
    let suite = sums_suite(home, n);
    let toml = format!("[http]\nbackoff_seconds = 0.01\n{http}");
    std::fs::write(home.join("candor.toml"), toml).unwrap();
    let _ = std::fs::remove_dir_all(home.join("run"));
    let suite = suite.to_str().unwrap();
    let arguments = ["run", "-s", suite, "-m", spec, "-o", "run", "--no-cache"];
    let ran = ran(candor(home).args(arguments));
    (ran.code, ran.stderr, journal(&home.join("run")))
}

fn piece(text: &str, finish: Option<&str>) -> String {
    let choice = json!({"choices": [{"delta": {"content": text}, "finish_reason": finish}]});
    format!("data: {choice}\n\n")
}

fn answer() -> String {
    piece("1", None) + &piece("", Some("stop"))
}

fn text(line: &Value) -> &str {
    line["completion"]["text"].as_str().unwrap_or_default()
}

#[test]
fn a_stream_is_over_at_done_whatever_its_connection_does() {
    let home = tempfile::tempdir().expect("a folder");
    let held = || Raw {
        hold: Duration::from_secs(20),
        ..Raw::events(answer() + "data: [DONE]\n\n")
    };
    let broken = |end: &str| {
        let body = answer() + end;
        Raw::broken("text/event-stream", &body)
    };
    for (what, reply) in [
        (
            "held open",
            Box::new(held) as Box<dyn Fn() -> Raw + Send + Sync>,
        ),
        (
            "broken behind [DONE]",
            Box::new(move || broken("data: [DONE]\n\n")),
        ),
        ("broken behind the finish", Box::new(move || broken(""))),
        (
            "no newline behind [DONE]",
            Box::new(|| Raw::events(answer() + "data: [DONE]")),
        ),
        (
            "a type in capitals",
            Box::new(|| Raw::new(200, &["content-type: Text/Event-Stream"], answer())),
        ),
        ("no type", Box::new(|| Raw::new(200, &[], answer()))),
        (
            "a byte order mark",
            Box::new(|| Raw::events(format!("\u{feff}{}", answer()))),
        ),
    ] {
        let server = RawServer::new(move |_, _| reply());
        let started = Instant::now();
        let spec = server.spec("m?stream=true");
        let (code, stderr, lines) = run(home.path(), 1, &spec, "idle_seconds = 15\n");
        assert_eq!((code, text(&lines[0])), (0, "1"), "{what}: {stderr}");
        assert_eq!(server.seen().len(), 1, "{what}: asked once");
        assert!(started.elapsed() < Duration::from_secs(12), "{what}");
    }
}

#[test]
fn a_stream_that_breaks_off_is_not_an_answer_and_is_asked_again() {
    let home = tempfile::tempdir().expect("a folder");
    for cut in [
        Raw::events as fn(String) -> Raw,
        |body| Raw::broken("text/event-stream", &body),
        |body| Raw::events(body + "data: {\"choi"),
    ] {
        let server = RawServer::new(move |_, number| match number {
            1 => cut(piece("The answer is not ", Some("")) + &piece("1", Some(""))),
            _ => Raw::events(answer() + "data: [DONE]\n\n"),
        });
        let (code, stderr, lines) = run(home.path(), 1, &server.spec("m?stream=true"), "");
        assert_eq!((code, text(&lines[0])), (0, "1"), "{stderr}");
        assert_eq!(server.seen().len(), 2);
    }
}

#[test]
fn errors_inside_a_success_and_replies_of_nothing_are_asked_again() {
    let home = tempfile::tempdir().expect("a folder");
    let limited = json!({"error": {"message": "Provider returned error", "code": 429}});
    let event = format!("data: {limited}\n\n");
    let failed = json!({"choices": [{"message": {"content": "ha"}, "finish_reason": "error"}]});
    let silent = says("");
    for (what, first) in [
        ("an error in a 200", limited.to_string()),
        ("an error in a stream", event),
        ("a finish that is an error", failed.to_string()),
        ("nothing", String::new()),
        ("blank lines", "\n\n\n".to_owned()),
        ("half of the JSON", "{\"choices\": [{\"mess".to_owned()),
        ("no choices", "{\"choices\": []}".to_owned()),
        (
            "a choice without a message",
            "{\"choices\": [{\"message\": null, \"finish_reason\": \"stop\"}]}".to_owned(),
        ),
        ("an answer without a word", silent.to_string()),
        (
            "a named event that is not JSON",
            "event: error\ndata: Too many requests\n\n".to_owned(),
        ),
    ] {
        let server = RawServer::new(move |_, number| match number {
            1 => Raw::new(200, &[], &first),
            _ => Raw::json(200, &says("1")),
        });
        let (code, stderr, lines) = run(home.path(), 1, &server.spec("m"), "");
        assert_eq!((code, text(&lines[0])), (0, "1"), "{what}: {stderr}");
        assert_eq!(server.seen().len(), 2, "{what}");
    }
}

#[test]
fn an_answer_that_stays_empty_is_recorded_as_empty_after_three_tries() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|_, _| Raw::json(200, &says("")));
    let (code, _, lines) = run(home.path(), 1, &server.spec("m"), "");
    assert_eq!(code, 0);
    assert_eq!(
        (lines[0]["status"].as_str(), text(&lines[0])),
        (Some("ok"), "")
    );
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_finish_that_is_an_error_is_a_failure_and_not_a_wrong_answer() {
    let home = tempfile::tempdir().expect("a folder");
    let reply = json!({"choices": [{"message": {"content": "7"}, "finish_reason": "error"}]});
    let server = RawServer::new(move |_, _| Raw::json(200, &reply));
    let (code, _, lines) = run(home.path(), 2, &server.spec("m"), "retries = 0\n");
    assert_ne!(code, 0);
    for line in lines {
        assert_eq!(
            (&line["status"], &line["failure"]["class"]),
            (&json!("error"), &json!("server"))
        );
        assert_eq!(line["scores"].as_array().map_or(0, Vec::len), 0);
    }
}

#[test]
fn no_wait_that_a_server_asks_for_ends_the_run_or_is_cut_silently() {
    let home = tempfile::tempdir().expect("a folder");
    for wait in [
        "1e300",
        "121",
        "99999999999999999999",
        "Thu, 31 Dec 9998 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Friday, 31-Dec-9999 23:59:59 GMT",
        "Fri Dec 31 23:59:59 9999",
    ] {
        let header = format!("retry-after: {wait}");
        let server = RawServer::new(move |body, _| {
            let question = body["messages"][0]["content"].as_str().unwrap_or_default();
            if question.starts_with("0 +") {
                Raw::new(429, &[&header], "{\"error\": {\"message\": \"slow down\"}}")
            } else {
                Raw::json(200, &says("1"))
            }
        });
        let (code, stderr, lines) = run(home.path(), 3, &server.spec("m"), "");
        assert_eq!(code, 4, "{wait}: {stderr}");
        assert_eq!(
            lines.iter().filter(|l| l["status"] == "ok").count(),
            2,
            "{wait}"
        );
        let failed = lines.iter().find(|l| l["status"] == "error").unwrap();
        let message = failed["failure"]["message"].as_str().unwrap();
        assert!(
            message.contains("asks to wait") && message.contains("longest_wait_seconds"),
            "{message}"
        );
        assert_eq!(server.seen().len(), 3, "{wait}: it was asked once");
    }
}

#[test]
fn a_date_to_wait_for_is_kept_in_every_form_that_http_has_had() {
    let home = tempfile::tempdir().expect("a folder");
    for form in [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    ] {
        let server = RawServer::new(move |_, number| match number {
            1 => {
                let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
                let header = format!("retry-after: {}", then.strftime(form));
                Raw::new(429, &[&header], "{\"error\": {\"message\": \"slow down\"}}")
            }
            _ => Raw::json(200, &says("1")),
        });
        let (code, stderr, _) = run(home.path(), 1, &server.spec("m"), "");
        let seen = server.seen();
        assert_eq!((code, seen.len()), (0, 2), "{form}: {stderr}");
        let waited = seen[1].at - seen[0].at;
        assert!(waited > Duration::from_millis(1900), "{form}: {waited:?}");
    }
}

#[test]
fn a_tool_that_is_called_in_place_of_words_is_not_asked_for_again() {
    let home = tempfile::tempdir().expect("a folder");
    let piece = |delta: Value, finish: Option<&str>| {
        let choice = json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        format!("data: {choice}\n\n")
    };
    let call = |arguments: &str| json!({"name": "sum", "arguments": arguments});
    let calls = |arguments: &str| json!({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": call(arguments)}]});
    let streamed = piece(calls("{\"a\""), None) + &piece(calls(": 1}"), None);
    let older = piece(json!({"function_call": call("{\"a\": 1}")}), None);
    let whole = json!({"choices": [{"message": {"content": null, "function_call": call("{}")}, "finish_reason": "stop"}]});
    for (what, reply) in [
        (
            "a stream of pieces",
            streamed.clone() + &piece(json!({}), Some("tool_calls")),
        ),
        (
            "a stream that says stop",
            streamed + &piece(json!({}), Some("stop")),
        ),
        ("the older form", older + &piece(json!({}), Some("stop"))),
        ("the older form in one piece", whole.to_string()),
    ] {
        let server = RawServer::new(move |_, _| Raw::new(200, &[], &reply));
        let (code, stderr, lines) = run(home.path(), 1, &server.spec("m"), "");
        assert_eq!((code, server.seen().len()), (0, 1), "{what}: {stderr}");
        let message = &lines[0]["completion"]["raw"]["choices"][0]["message"];
        let called = message.pointer("/tool_calls/0/function/arguments");
        assert!(
            called.is_none_or(|a| a == "{\"a\": 1}"),
            "{what}: {message}"
        );
    }
}

#[test]
fn top_k_is_sent_where_it_is_taken_and_else_its_lack_is_told_once() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 3);
    let yaml = suite.join("suite.yaml");
    let drawn = std::fs::read_to_string(&yaml).unwrap()
        + "parameters: { temperature: 0.5, top_p: 0.9, top_k: 40 }\n";
    std::fs::write(&yaml, drawn).unwrap();
    let refusal = json!({"error": {"message": "Unrecognized request argument supplied: top_k", "param": null}});
    let server = RawServer::new(move |body, _| {
        let refuses = body["model"] == "narrow" && body.get("top_k").is_some();
        if refuses {
            Raw::json(400, &refusal)
        } else {
            Raw::json(200, &says("1"))
        }
    });
    let sections = ["openai", "openrouter", "together", "mistral"].map(|p| {
        format!(
            "[providers.{p}]\nbase_url = \"http://{}/v1\"\nmax_connections = 1\n",
            server.address
        )
    });
    std::fs::write(home.path().join("candor.toml"), sections.concat()).unwrap();
    let narrow = server.spec("narrow?max_connections=1");
    let own = server.spec("m?max_connections=1");
    for (model, requests, with_top_k, warned) in [
        ("openrouter:m", 3, 3, false),
        ("together:m", 3, 3, false),
        (own.as_str(), 3, 3, false),
        ("openai:gpt-4o", 3, 0, true),
        ("openai:o3-mini", 3, 0, true),
        ("mistral:m", 3, 0, true),
        (narrow.as_str(), 4, 1, true),
    ] {
        let _ = std::fs::remove_dir_all(home.path().join("run"));
        let before = server.seen().len();
        let mut command = candor(home.path());
        for provider in ["OPENAI", "OPENROUTER", "TOGETHER", "MISTRAL"] {
            command.env(format!("{provider}_API_KEY"), "key-123456");
        }
        let suite = suite.to_str().unwrap();
        let arguments = ["run", "-s", suite, "-m", model, "-o", "run", "--no-cache"];
        let stderr = ran(command.args(arguments)).exits_with(0).stderr;
        let seen = server.seen().split_off(before);
        let sent = seen.iter().filter(|s| s.body["top_k"] == 40).count();
        assert_eq!(
            (seen.len(), sent),
            (requests, with_top_k),
            "{model}: {stderr}"
        );
        let told = stderr.matches("does not accept top_k").count();
        assert_eq!(told, usize::from(warned), "{model}: {stderr}");
    }
}

#[test]
fn after_too_many_requests_all_of_a_model_pause_and_come_back_apart() {
    let home = tempfile::tempdir().expect("a folder");
    // The first eight are in flight together when the server says so.
    let server = RawServer::new(|_, number| match number {
        1..=8 => Raw {
            silence: Duration::from_millis(700),
            ..Raw::new(
                429,
                &["retry-after: 1"],
                "{\"error\": {\"message\": \"slow down\"}}",
            )
        },
        _ => Raw::json(200, &says("1")),
    });
    let (code, stderr, lines) = run(home.path(), 24, &server.spec("m?max_connections=8"), "");
    assert_eq!((code, lines.len()), (0, 24), "{stderr}");
    let seen = server.seen();
    assert_eq!(seen.len(), 32, "each of the eight was sent once more");
    let refused = seen[7].at + Duration::from_millis(700);
    let first = seen[8].at.saturating_duration_since(refused);
    assert!(
        first >= Duration::from_millis(900),
        "the next came after {first:?}"
    );
    let again = seen[8..]
        .iter()
        .filter(|s| seen[..8].iter().any(|f| f.body == s.body));
    let again: Vec<Instant> = again.map(|s| s.at).collect();
    let apart = again[7] - again[0];
    assert!(
        apart > Duration::from_millis(30),
        "all eight came again within {apart:?}"
    );
}

#[test]
fn the_time_to_the_first_token_begins_with_the_request() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|_, _| Raw {
        silence: Duration::from_millis(600),
        ..Raw::events(answer() + "data: [DONE]\n\n")
    });
    let (_, _, lines) = run(home.path(), 1, &server.spec("m?stream=true"), "");
    let timing = &lines[0]["completion"]["timing"];
    let first = timing["first_token"].as_f64().unwrap();
    assert!(
        (0.6..timing["total"].as_f64().unwrap() + 1e-6).contains(&first),
        "{timing}"
    );
}

#[test]
fn words_of_a_server_are_cut_and_made_visible_in_a_failure() {
    let home = tempfile::tempdir().expect("a folder");
    let message = format!(
        "\u{1b}]0;PWNED\u{7}\u{1b}[2J\n::error::x\u{202e}{}",
        "y".repeat(500_000)
    );
    let reply = json!({"error": {"message": message}});
    let server = RawServer::new(move |_, _| Raw::json(400, &reply));
    let (_, stderr, lines) = run(home.path(), 2, &server.spec("m"), "");
    let kept = lines[0]["failure"]["message"].as_str().unwrap();
    assert!(
        kept.chars().count() < 2_300 && kept.contains("\\u{1b}]0;PWNED"),
        "{kept}"
    );
    for shown in [kept, &stderr] {
        assert!(
            !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{shown:?}"
        );
        assert!(!shown.lines().any(|l| l.starts_with("::error")), "{shown}");
    }
    let journal = std::fs::metadata(home.path().join("run/journal.jsonl")).unwrap();
    assert!(journal.len() < 20_000);
}

#[test]
fn an_event_without_end_is_stopped_before_the_time_is_up() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|_, _| {
        let mut endless = b"data: ".to_vec();
        endless.resize(20 << 20, b'a');
        Raw::events(endless)
    });
    let started = Instant::now();
    let (code, _, lines) = run(home.path(), 1, &server.spec("m?stream=true"), "");
    let message = lines[0]["failure"]["message"].as_str().unwrap();
    assert!(
        code != 0 && message.contains("more than 16 MiB"),
        "{message}"
    );
    assert!(started.elapsed() < Duration::from_secs(15) && server.seen().len() == 1);
}

#[test]
fn an_account_without_money_ends_the_model_at_once_and_a_firewalls_page_does_not() {
    let home = tempfile::tempdir().expect("a folder");
    let broke = json!({"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}});
    let server = RawServer::new(move |_, _| Raw::json(429, &broke));
    let (_, stderr, _) = run(home.path(), 60, &server.spec("m?max_connections=2"), "");
    assert!(server.seen().len() <= 4, "{} requests", server.seen().len());
    assert!(stderr.contains("no credit or quota is left"), "{stderr}");

    let page = "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>Sorry, you have been blocked. API key";
    let server = RawServer::new(move |_, number| match number {
        1 => Raw::new(403, &["content-type: text/html"], page),
        _ => Raw::json(200, &says("1")),
    });
    let (code, stderr, lines) = run(home.path(), 20, &server.spec("m?max_connections=1"), "");
    let answered = lines.iter().filter(|l| l["status"] == "ok").count();
    assert_eq!((code, answered), (4, 19), "{stderr}");
    assert!(!stderr.contains("refused the key"), "{stderr}");
}

#[test]
fn what_a_server_does_not_take_is_left_out_from_then_on() {
    let home = tempfile::tempdir().expect("a folder");
    for (refusal, name, instead) in [
        (
            json!({"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "code": "unsupported_parameter", "param": "max_tokens"}}),
            "max_tokens",
            Some("max_completion_tokens"),
        ),
        (
            json!({"error": {"message": "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.", "code": "unsupported_value", "param": "temperature"}}),
            "temperature",
            None,
        ),
        (
            json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"], "msg": "Extra inputs are not permitted"}]}, "type": "invalid_request_error"}),
            "stream_options",
            None,
        ),
    ] {
        let server = RawServer::new(move |body, _| match body.get(name) {
            Some(_) => Raw::json(400, &refusal),
            None => Raw::json(200, &says("1")),
        });
        let spec = server.spec("m?max_connections=1&stream=true");
        let (code, stderr, _) = run(home.path(), 3, &spec, "");
        assert_eq!(code, 0, "{stderr}");
        let seen = server.seen();
        assert_eq!(seen.len(), 4, "{name} was sent once, and then no more");
        if let Some(instead) = instead {
            assert!(seen[3].body.get(instead).is_some(), "{:?}", seen[3].body);
        }
    }
}

#[test]
fn a_value_that_a_server_refuses_is_a_failure_and_not_left_out() {
    let home = tempfile::tempdir().expect("a folder");
    let reply = json!({"error": {"message": "max_tokens is too large: 1024. This model allows at most 256.", "param": "max_tokens", "code": "invalid_value"}});
    let server = RawServer::new(move |_, _| Raw::json(400, &reply));
    let (code, _, lines) = run(home.path(), 1, &server.spec("m"), "");
    assert_ne!(code, 0);
    assert_eq!(lines[0]["failure"]["class"], "bad_request");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_judge_whose_server_takes_no_schema_is_asked_in_words() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|body, _| {
        if body["model"] == "m" {
            return Raw::json(200, &says("Here it is."));
        }
        if body.get("response_format").is_some() {
            let refusal = json!({"error": {"message": "This model does not support response format `json_schema`.", "type": "invalid_request_error", "param": "response_format"}});
            return Raw::json(400, &refusal);
        }
        let verdict =
            json!({"why": "it answers", "label": "Literal compliance", "confidence": "0.9"});
        Raw::json(200, &says(&format!("```JSON\n{verdict}\n```")))
    });
    let suite = home.path().join("asked");
    std::fs::create_dir_all(&suite).unwrap();
    let judge = server.spec("j?max_connections=1");
    let yaml = format!(
        "format: 1\nname: asked\nversion: '1'\nkind: audit\ntitle: Asked\nlicence: CC0-1.0\nsource: a test\nprompt: {{user: '{{{{ q }}}}'}}\nscorers:\n  - judge: {{models: ['{judge}'], rubric: compliance}}\n"
    );
    std::fs::write(suite.join("suite.yaml"), yaml).unwrap();
    let items = "{\"id\": \"a\", \"q\": \"One?\"}\n{\"id\": \"b\", \"q\": \"Two?\"}\n";
    std::fs::write(suite.join("items.jsonl"), items).unwrap();
    let spec = server.spec("m?max_connections=1");
    let arguments = ["run", "-s", "asked", "-m", &spec, "-o", "run", "--no-cache"];
    ran(candor(home.path()).args(arguments)).exits_with(0);
    for line in journal(&home.path().join("run")) {
        assert_eq!(line["scores"][0]["label"], "literal_compliance", "{line}");
    }
    for judged in server.seen().iter().filter(|s| s.body["model"] == "j") {
        let asked = judged.body["messages"][0]["content"].as_str().unwrap();
        let form = "Reply with one JSON object and nothing else";
        assert!(
            asked.contains(form) && asked.contains("\"unhelpful_non_compliance\""),
            "{asked}"
        );
    }
    let schemas = server
        .seen()
        .iter()
        .filter(|s| s.body.get("response_format").is_some())
        .count();
    assert_eq!(schemas, 1, "the refusal is remembered");
}

#[test]
fn each_provider_is_asked_in_its_own_terms() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|_, _| Raw::json(200, &says("1")));
    let suite = sums_suite(home.path(), 1);
    let yaml = suite.join("suite.yaml");
    let with_seed = std::fs::read_to_string(&yaml).unwrap() + "parameters: { temperature: 0.5 }\n";
    std::fs::write(&yaml, with_seed).unwrap();
    let sections: String = ["openai", "mistral", "deepseek", "xai"]
        .map(|p| {
            format!(
                "[providers.{p}]\nbase_url = \"http://{}/v1\"\n",
                server.address
            )
        })
        .concat();
    std::fs::write(home.path().join("candor.toml"), sections).unwrap();
    let body = |model: &str| {
        let _ = std::fs::remove_dir_all(home.path().join("run"));
        let mut command = candor(home.path());
        for provider in ["OPENAI", "MISTRAL", "DEEPSEEK", "XAI"] {
            command.env(format!("{provider}_API_KEY"), "key-123456");
        }
        let suite = suite.to_str().unwrap();
        ran(command.args(["run", "-s", suite, "-m", model, "-o", "run", "--no-cache"]))
            .exits_with(0);
        server.seen().last().unwrap().body.clone()
    };
    for (model, has, lacks) in [
        (
            "openai:gpt-4o",
            &["max_completion_tokens", "temperature", "seed"][..],
            &["max_tokens"][..],
        ),
        (
            "openai:o3-mini",
            &["max_completion_tokens", "seed"],
            &["max_tokens", "temperature"],
        ),
        (
            "openai:ft:gpt-5:org::x",
            &["max_completion_tokens"],
            &["temperature"],
        ),
        (
            "mistral:mistral-large",
            &["max_tokens", "random_seed"],
            &["seed"],
        ),
        (
            "deepseek:deepseek-chat",
            &["max_tokens", "temperature"],
            &["seed"],
        ),
        ("xai:grok-4", &["max_tokens", "seed"], &[]),
    ] {
        let body = body(model);
        assert!(has.iter().all(|n| body.get(n).is_some()), "{model}: {body}");
        assert!(
            lacks.iter().all(|n| body.get(n).is_none()),
            "{model}: {body}"
        );
    }
}

#[test]
fn settings_that_are_not_spans_of_time_are_shown_in_their_line() {
    let home = tempfile::tempdir().expect("a folder");
    sums_suite(home.path(), 1);
    for wrong in [
        "total_seconds = -1",
        "connect_seconds = nan",
        "idle_seconds = inf",
        "total_seconds = 1e30",
        "backoff_seconds = -0.5",
        "idle_seconds = 0",
        "retries = -1",
        "longest_wait_seconds = \"long\"",
    ] {
        let toml = format!("[http]\n# a comment\n{wrong}\n");
        std::fs::write(home.path().join("candor.toml"), toml).unwrap();
        let arguments = [
            "run",
            "-s",
            "sums",
            "-m",
            "http://127.0.0.1:9/v1#m",
            "-o",
            "run",
        ];
        ran(candor(home.path()).args(arguments))
            .exits_with(2)
            .says(&["candor.toml:3"]);
    }
    let price = "[providers.x]\nbase_url = \"http://127.0.0.1:9/v1\"\nprice = { input = -1.0, output = 1.0 }\n";
    std::fs::write(home.path().join("candor.toml"), price).unwrap();
    let arguments = ["run", "-s", "sums", "-m", "x:m", "-o", "run"];
    ran(candor(home.path()).args(arguments))
        .exits_with(2)
        .says(&["candor.toml:3", "a price"]);
}

#[test]
fn an_answer_that_was_streamed_is_another_one_in_the_cache() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|body, _| match body.get("stream") {
        Some(_) => Raw::events(piece("It was in June", None) + &piece("", Some("content_filter"))),
        None => Raw::json(200, &says("1")),
    });
    let suite = sums_suite(home.path(), 1);
    let status = |spec: &str| {
        let _ = std::fs::remove_dir_all(home.path().join("run"));
        let mut command = candor(home.path());
        command.env("CANDOR_HOME", home.path().join("home"));
        let suite = suite.to_str().unwrap();
        ran(command.args(["run", "-s", suite, "-m", spec, "-o", "run"]));
        journal(&home.path().join("run"))[0]["status"].clone()
    };
    assert_eq!(status(&server.spec("m")), "ok");
    assert_eq!(status(&server.spec("m?stream=true")), "blocked_upstream");
}

#[test]
fn tokens_that_nobody_counted_cost_what_is_not_known() {
    let home = tempfile::tempdir().expect("a folder");
    let server = RawServer::new(|_, _| {
        let mut reply = says("1");
        reply.as_object_mut().unwrap().remove("usage");
        Raw::json(200, &reply)
    });
    let section = format!(
        "[providers.p]\nbase_url = \"http://{}/v1\"\nprice = {{ input = 1.0, output = 1.0 }}\n",
        server.address
    );
    let (code, _, lines) = run(home.path(), 1, "p:m", &section);
    assert_eq!(code, 0);
    assert!(lines[0]["completion"]["cost"].is_null(), "{}", lines[0]);
    assert_eq!(lines[0]["completion"]["usage"], json!({}));
}
