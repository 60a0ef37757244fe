//! A `LiteLLM` proxy: asked through its `OpenAI`, Anthropic and Gemini routes, and handing on what its upstreams signal.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::asked;
use crate::packages::{self, Server};
use crate::raw_server::{Raw, RawServer};
use crate::support::{says, sums_suite};

const KEY: &str = "sk-candor-litellm-1234";

/// The proxy, where its packages can be had. Models whose names end in `-mock` answer by themselves, the others ask `upstream`.
fn proxy(home: &Path, upstream: u16) -> Option<Server> {
    let folder = packages::python("litellm", &[&["litellm[proxy]"]], &[])?;
    let mut models = String::new();
    for (name, model, answer) in [
        ("gpt-mock", "openai/gpt-4o-mini", "1"),
        ("claude-mock", "anthropic/claude-3-5-haiku-20241022", "2"),
        ("gemini-mock", "gemini/gemini-2.0-flash", "3"),
    ] {
        let _ = write!(
            models,
            "  - model_name: {name}\n    litellm_params: {{model: {model}, api_key: none, mock_response: \"{answer}\"}}\n"
        );
    }
    for (name, model, base) in [
        ("gpt", "openai/gpt-4o-mini", "/v1"),
        ("claude", "anthropic/claude-3-5-haiku-20241022", ""),
        ("gemini", "gemini/gemini-2.0-flash", ""),
    ] {
        let _ = write!(
            models,
            "  - model_name: {name}\n    litellm_params: {{model: {model}, api_key: none, api_base: 'http://127.0.0.1:{upstream}{base}'}}\n"
        );
    }
    let settings = format!(
        "model_list:\n{models}general_settings: {{master_key: {KEY}}}\nlitellm_settings: {{drop_params: true, num_retries: 0}}\nrouter_settings: {{num_retries: 0, disable_cooldowns: true}}\n"
    );
    let config = home.join("litellm.yaml");
    std::fs::write(&config, settings).unwrap();
    let port = packages::free_port();
    let mut command = Command::new(folder.join("bin/litellm"));
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--telemetry", "False", "--config"])
        .arg(&config)
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    let log = home.join("litellm.log");
    let ready = "/health/liveliness";
    Some(Server::start(&command, port, ready, &log))
}

#[test]
fn litellm_is_asked_through_its_openai_anthropic_and_gemini_routes() {
    let home = tempfile::tempdir().expect("a folder");
    sums_suite(home.path(), 2);
    let Some(proxy) = proxy(home.path(), packages::free_port()) else {
        return;
    };
    let base = format!("http://127.0.0.1:{}", proxy.port);
    for (model, answer, route) in [
        ("v1#gpt-mock?api=chat", "1", Some("https://api.openai.com")),
        ("v1#gpt-mock?api=chat&stream=true", "1", None),
        ("v1#gpt-mock?api=responses", "1", None),
        ("v1#claude-mock?api=chat", "2", None),
        ("v1#claude-mock?api=anthropic", "2", None),
        ("v1#claude-mock?api=anthropic&stream=true", "2", None),
        ("v1beta#gemini-mock?api=gemini", "3", None),
    ] {
        let spec = format!("{base}/{model}");
        let (ran, lines) = asked(home.path(), &[&spec], KEY, &[]);
        let stderr = ran.exits_with(0).stderr;
        assert_eq!(lines.len(), 2, "{model}: {stderr}");
        for line in lines {
            let completion = &line["completion"];
            assert_eq!(completion["text"], answer, "{model}: {line}");
            assert_eq!(completion["finish"], "stop", "{model}: {line}");
            if let Some(route) = route {
                let served = completion["served"]["route"].as_str().unwrap_or_default();
                assert!(served.starts_with(route), "{model}: {line}");
            }
        }
    }
    let (ran, _) = asked(
        home.path(),
        &[&format!("{base}/v1#gpt-mock")],
        "sk-candor-wrong-key",
        &[],
    );
    ran.exits_with(5)
        .says(&["refused the key", "CANDOR_API_KEY"]);
    let (ran, lines) = asked(home.path(), &[&format!("{base}/v1#absent")], KEY, &[]);
    ran.exits_with(5).says(&["does not know this model"]);
    assert_eq!(lines[0]["failure"]["class"], "not_found");
}

/// What an upstream says to the nth request for a sum, by the sum's first number.
fn signal(sum: &str, time: usize) -> Raw {
    let filter = json!({"hate": {"filtered": false, "severity": "safe"}, "violence": {"filtered": true, "severity": "high"}});
    match (sum, time) {
        ("1", _) => Raw::json(
            400,
            &json!({"error": {"message": "The response was filtered due to the prompt triggering a content management policy.", "type": null, "param": "prompt", "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": filter}}}),
        ),
        ("2", 1) => Raw::new(
            429,
            &["retry-after: 1", "content-type: application/json"],
            "{\"error\": {\"message\": \"Rate limit reached\", \"code\": \"rate_limit_exceeded\"}}",
        ),
        ("3", 1) => Raw::json(200, &says("")),
        ("4", _) => Raw::json(
            400,
            &json!({"error": {"message": "Content Exists Risk", "type": "invalid_request_error", "param": null, "code": "invalid_request_error"}}),
        ),
        ("5", _) => {
            let mut cut = says("Well, in June");
            cut["choices"][0]["finish_reason"] = "content_filter".into();
            Raw::json(200, &cut)
        }
        ("6", _) => {
            let mut refused = says("");
            refused["choices"][0]["message"] =
                json!({"role": "assistant", "content": null, "refusal": "I can't help with that."});
            Raw::json(200, &refused)
        }
        ("7", 1) => Raw::json(503, &json!({"error": {"message": "overloaded"}})),
        _ => Raw::json(200, &says("1")),
    }
}

#[test]
fn what_an_upstream_signals_comes_through_litellm() {
    let home = tempfile::tempdir().expect("a folder");
    sums_suite(home.path(), 8);
    let times: Mutex<HashMap<String, usize>> = Mutex::default();
    let upstream = RawServer::new(move |body, _| {
        let text = body.to_string();
        // An Anthropic and a Gemini body is told by its names.
        if body.get("contents").is_some() {
            return Raw::json(
                200,
                &json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7}}),
            );
        }
        if text.contains("claude") {
            return Raw::json(
                200,
                &json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [], "stop_reason": "refusal", "stop_sequence": null, "usage": {"input_tokens": 7, "output_tokens": 1}}),
            );
        }
        let asked = body["messages"][0]["content"].as_str().unwrap_or_default();
        let sum = asked.split(' ').next().unwrap_or_default().to_owned();
        let mut times = times.lock().unwrap();
        let time = times.entry(sum.clone()).or_default();
        *time += 1;
        signal(&sum, *time)
    });
    let Some(proxy) = proxy(home.path(), upstream.address.port()) else {
        return;
    };
    let base = format!("http://127.0.0.1:{}", proxy.port);
    let (ran, lines) = asked(home.path(), &[&format!("{base}/v1#gpt")], KEY, &[]);
    println!("{}", ran.stderr);
    let of = |sum: usize| {
        let line = lines.iter().find(|l| l["sample"] == format!("s{sum}"));
        line.unwrap_or_else(|| panic!("no trial of {sum}: {}", ran.stderr))
    };
    for (sum, status, text) in [
        (0, "ok", Some("1")),
        (1, "blocked_upstream", None),
        (2, "ok", Some("1")),
        (3, "ok", Some("1")),
        (4, "blocked_upstream", None),
        (5, "blocked_upstream", None),
        (7, "ok", Some("1")),
    ] {
        let line = of(sum);
        assert_eq!(line["status"], status, "{line}");
        if let Some(text) = text {
            assert_eq!(line["completion"]["text"], text, "{line}");
        }
    }
    assert_eq!(of(3)["completion"]["empty_replies"], 1, "{}", of(3));
    let route = format!("http://127.0.0.1:{}", upstream.address.port());
    let served: &Value = &of(0)["completion"]["served"];
    assert!(
        served["route"]
            .as_str()
            .is_some_and(|r| r.starts_with(&route)),
        "{served}"
    );
    println!("{}\n{}", of(1), of(6));
    for model in ["v1#claude?api=anthropic", "v1beta#gemini?api=gemini"] {
        let (ran, lines) = asked(home.path(), &[&format!("{base}/{model}")], KEY, &[]);
        for line in &lines {
            assert_eq!(line["status"], "blocked_upstream", "{}{line}", ran.stderr);
        }
    }
}
