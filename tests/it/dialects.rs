//! Each API through the real binary, against a server on loopback that speaks it.

use std::time::Duration;

use candor::model::{
    self, ContinuationScore, OpenOptions, Parameters, Prompt, Request, SampleRef, Wanted,
};
use serde_json::{Value, json};

use crate::raw_server::{Raw, RawServer};
use crate::support::{candor, export, journal, ran, run_sums, says, sums_suite};

/// A reply of each API in which a filter names its category.
fn blocks() -> Vec<(&'static str, u16, Value, &'static str)> {
    vec![
        (
            "chat",
            400,
            json!({"error": {"code": "content_filter", "message": "The response was filtered due to the prompt triggering a policy.", "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": true, "severity": "high"}}}}}),
            "hate",
        ),
        (
            "responses",
            200,
            json!({"object": "response", "status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": []}),
            "content_filter",
        ),
        (
            "completions",
            200,
            json!({"choices": [{"text": "", "finish_reason": "content_filter"}]}),
            "content_filter",
        ),
        (
            "anthropic",
            200,
            json!({"type": "message", "role": "assistant", "content": [], "stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "cyber", "explanation": "Declined."}}),
            "cyber",
        ),
        (
            "gemini",
            200,
            json!({"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": true}]}}),
            "HARM_CATEGORY_HARASSMENT",
        ),
        (
            "converse",
            200,
            json!({"output": {"message": {"role": "assistant", "content": [{"text": "Blocked."}]}}, "stopReason": "guardrail_intervened", "trace": {"guardrail": {"inputAssessment": {"g": {"topicPolicy": {"topics": [{"name": "Elections", "type": "DENY", "action": "BLOCKED"}]}}}}}}),
            "Elections",
        ),
        (
            "ollama",
            200,
            json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "content_filter"}),
            "content_filter",
        ),
    ]
}

#[test]
fn a_block_of_every_api_reaches_the_report_with_its_category() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 2);
    let servers: Vec<_> = blocks()
        .into_iter()
        .map(|(api, status, body, category)| {
            (
                api,
                category,
                RawServer::new(move |_, _| Raw::json(status, &body)),
            )
        })
        .collect();
    let mut command = candor(home.path());
    command
        .args(["run", "--no-cache", "-o", "run", "-s"])
        .arg(&suite);
    for (api, _, server) in &servers {
        command.arg("-m");
        command.arg(server.spec(&format!("m?api={api}&name={api}-model")));
    }
    ran(&mut command).exits_with(0);
    let run = home.path().join("run");
    let rows = journal(&run);
    let report = std::fs::read_to_string(run.join("report.html")).expect("the report");
    for (api, category, server) in &servers {
        let own: Vec<&Value> = rows
            .iter()
            .filter(|row| row["model"] == format!("{api}-model"))
            .collect();
        assert_eq!(own.len(), 2, "{api}");
        assert!(
            own.iter().all(|row| row["status"] == "blocked_upstream"),
            "{api}: {own:?}"
        );
        assert_eq!(
            server.seen().len(),
            2,
            "{api}: a verdict is not asked again"
        );
        assert!(report.contains(category), "{api}: {category}");
    }
    assert!(report.contains("Blocked by a provider"));
}

#[test]
fn bedrock_is_asked_with_access_keys_where_there_is_no_key() {
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 1);
    let answer = json!({"output": {"message": {"role": "assistant", "content": [{"text": "2"}]}}, "stopReason": "end_turn", "usage": {"inputTokens": 9, "outputTokens": 1}});
    let server = RawServer::new(move |_, _| Raw::json(200, &answer));
    let settings = format!(
        "[providers.bedrock]\nbase_url = \"http://{}\"\n",
        server.address
    );
    std::fs::write(home.path().join("candor.toml"), settings).expect("written");
    let run = || {
        let mut command = candor(home.path());
        let asked = ["run", "--no-cache", "-m", "bedrock:amazon.nova-v1:0", "-s"];
        command.args(asked).arg(&suite);
        command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        command
    };
    ran(run()
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .args(["-o", "no"]))
    .exits_with(5)
    .says(&["AWS_ACCESS_KEY_ID is set, and AWS_REGION is not"]);
    let signed = run()
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", "a-session-token")
        .env("AWS_REGION", "eu-west-1")
        .args(["-o", "run"])
        .output()
        .expect("it runs");
    assert_eq!(signed.status.code(), Some(0), "{signed:?}");
    let [asked] = &server.seen()[..] else {
        panic!("one request");
    };
    for part in [
        "post /model/amazon.nova-v1%3a0/converse ",
        "authorization: aws4-hmac-sha256 credential=akidexample/",
        "/eu-west-1/bedrock/aws4_request, signedheaders=content-type;host;x-amz-date;x-amz-security-token, signature=",
        "x-amz-security-token: a-session-token",
    ] {
        assert!(asked.head.contains(part), "{part}: {}", asked.head);
    }
    for file in std::fs::read_dir(home.path().join("run")).expect("the run") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("read");
        let text = String::from_utf8_lossy(&bytes);
        for secret in [SECRET, "a-session-token"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}

#[test]
fn each_api_is_asked_at_its_path_with_its_key() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 1);
    for (api, path, key, reply) in [
        (
            "chat",
            "post /v1/chat/completions ",
            "authorization: bearer key-123456",
            says("1"),
        ),
        (
            "responses",
            "post /v1/responses ",
            "authorization: bearer key-123456",
            json!({"status": "completed", "error": null, "output": [{"type": "message", "content": [{"type": "output_text", "text": "1"}]}]}),
        ),
        (
            "completions",
            "post /v1/completions ",
            "authorization: bearer key-123456",
            json!({"choices": [{"text": "1", "finish_reason": "stop"}]}),
        ),
        (
            "anthropic",
            "post /v1/messages ",
            "x-api-key: key-123456",
            json!({"content": [{"type": "text", "text": "1"}], "stop_reason": "end_turn"}),
        ),
        (
            "gemini",
            "post /v1/models/m:generatecontent ",
            "x-goog-api-key: key-123456",
            json!({"candidates": [{"content": {"parts": [{"text": "1"}]}, "finishReason": "STOP"}]}),
        ),
        (
            "converse",
            "post /v1/model/m/converse ",
            "authorization: bearer key-123456",
            json!({"output": {"message": {"content": [{"text": "1"}]}}, "stopReason": "end_turn"}),
        ),
        (
            "ollama",
            "post /v1/api/chat ",
            "authorization: bearer key-123456",
            json!({"message": {"content": "1"}, "done": true, "done_reason": "stop"}),
        ),
    ] {
        let server = RawServer::new(move |_, _| Raw::json(200, &reply));
        let run = home.path().join(api);
        let mut command = candor(home.path());
        command.env("CANDOR_API_KEY", "key-123456");
        command
            .args(["run", "--no-cache", "-o", api, "-s"])
            .arg(&suite);
        command.arg("-m").arg(server.spec(&format!("m?api={api}")));
        ran(&mut command).exits_with(0);
        let seen = server.seen();
        assert!(seen[0].head.starts_with(path), "{api}: {}", seen[0].head);
        assert!(seen[0].head.contains(key), "{api}: {}", seen[0].head);
        assert_eq!(journal(&run)[0]["completion"]["text"], "1", "{api}");
    }
}

#[test]
fn an_empty_answer_is_asked_for_again_before_it_counts_as_withheld() {
    let home = tempfile::tempdir().expect("a folder");
    sums_suite(home.path(), 3);
    std::fs::write(
        home.path().join("candor.toml"),
        "[http]\nbackoff_seconds = 0.01\n",
    )
    .unwrap();
    let asked = std::sync::Mutex::new(std::collections::HashMap::<String, u32>::new());
    let server = RawServer::new(move |body, _| {
        let question = crate::support::question(body);
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(question.clone()).or_default();
        *times += 1;
        let mut answer = says(match (question.as_str(), *times) {
            ("0 + 1 =", _) | ("1 + 1 =", 1) => "",
            _ => "2",
        });
        answer["provider"] = "Upstream One".into();
        Raw::json(200, &answer)
    });
    run_sums(home.path(), &server.spec("m"), &[]).exits_with(0);
    let run = home.path().join("run");
    let mut counts: Vec<(String, u64)> = journal(&run)
        .iter()
        .map(|row| {
            let replies = row["completion"]["empty_replies"].as_u64();
            (
                row["sample"].as_str().unwrap().to_owned(),
                replies.unwrap_or(0),
            )
        })
        .collect();
    counts.sort();
    let expected = [("s0", 3), ("s1", 1), ("s2", 0)];
    assert_eq!(counts, expected.map(|(s, n)| (s.to_owned(), n)));
    assert_eq!(server.seen().len(), 3 + 2 + 1);
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("Withheld (empty)") && report.contains("Upstream One"));
    let rows = export(home.path(), &run);
    assert!(rows.iter().all(|row| row["route"] == "Upstream One"));
    let traffic = std::fs::read_to_string(run.join("traffic.jsonl")).unwrap();
    assert_eq!(
        traffic.matches("\"event\":\"empty\"").count(),
        3,
        "{traffic}"
    );
}

#[test]
fn a_route_is_pinned_without_fallbacks_where_the_provider_has_routes() {
    let home = tempfile::tempdir().expect("a folder");
    sums_suite(home.path(), 1);
    let server = RawServer::new(|_, _| Raw::json(200, &says("1")));
    let toml = format!(
        "[providers.openrouter]\nbase_url = \"http://{}/v1\"\n",
        server.address
    );
    std::fs::write(home.path().join("candor.toml"), toml).unwrap();
    let run = |model: &str| {
        let mut command = candor(home.path());
        command
            .env("OPENROUTER_API_KEY", "key-123456")
            .env("OPENAI_API_KEY", "key-123456");
        ran(command.args(["run", "--no-cache", "-s", "sums", "-o", "run", "-m", model]))
    };
    run("openrouter:z-ai/glm-4.7?route=cerebras").exits_with(0);
    let body = &server.seen()[0].body;
    assert_eq!(
        body["provider"],
        json!({"only": ["cerebras"], "allow_fallbacks": false})
    );
    let rows = export(home.path(), &home.path().join("run"));
    assert_eq!(rows[0]["route"], "cerebras");
    run("openai:gpt-4o?route=cerebras").says(&["openrouter"]);
}

#[test]
fn continuations_are_scored_by_a_server_that_echoes_its_prompt() {
    let server = RawServer::new(|body, _| {
        let prompt = body["prompt"].as_str().unwrap_or_default();
        // One token per character; the likelier, the later in the alphabet.
        let tokens: Vec<String> = prompt
            .chars()
            .map(String::from)
            .chain(["!".into()])
            .collect();
        let scores: Vec<Option<f64>> = std::iter::once(None)
            .chain(
                prompt
                    .chars()
                    .skip(1)
                    .map(|c| Some(-f64::from(u32::from('z') - u32::from(c).min(122)))),
            )
            .chain([Some(-9.0)])
            .collect();
        let best: Vec<Value> = scores
            .iter()
            .map(|s| json!({"z": s.unwrap_or(0.0).max(-3.0)}))
            .collect();
        let offsets: Vec<usize> = (0..tokens.len()).collect();
        Raw::json(
            200,
            &json!({"choices": [{"text": format!("{prompt}!"), "logprobs": {"tokens": tokens, "token_logprobs": scores, "top_logprobs": best, "text_offset": offsets}, "finish_reason": "length"}], "usage": {"prompt_tokens": prompt.len(), "completion_tokens": 1}}),
        )
    });
    let request = Request {
        prompt: Prompt::Text("abc".into()),
        parameters: Parameters::default(),
        wanted: Wanted::LogLikelihood {
            continuations: vec!["zy".into(), "m".into()],
        },
        about: SampleRef::default(),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ask = |api: &str| {
        let spec = server
            .spec(&format!("m?api={api}"))
            .parse()
            .expect("a specification");
        let request = &request;
        runtime.block_on(async move {
            let model = model::open(&spec, &OpenOptions::default())
                .await
                .expect("a model");
            let answer = tokio::time::timeout(Duration::from_secs(20), model.answer(request));
            answer.await.expect("in time")
        })
    };
    let scores = ask("completions").expect("scores").continuations;
    let score = |log_likelihood, is_greedy, tokens| ContinuationScore {
        log_likelihood,
        is_greedy,
        tokens,
    };
    assert_eq!(scores, [score(-1.0, true, 2), score(-13.0, false, 1)]);
    assert_eq!(server.seen()[0].body["echo"], true);
    let error = ask("chat").expect_err("chat completions score nothing");
    assert!(error.message.contains("?api=completions"), "{error}");
}
