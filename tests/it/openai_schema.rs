//! Requests and responses against OpenAI's own `OpenAPI` document, beside the checkout.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use candor::model::{
    self, ErrorClass, Message, OpenOptions, Parameters, Prompt, Request, Role, SampleRef, Wanted,
};
use serde_json::{Value, json};

use crate::raw_server::{Raw, RawServer};
use crate::support::{shared, skipped};

/// The document, where it and Python's validator are there.
fn document() -> Option<PathBuf> {
    let document = shared("data/openai-spec/openapi.yaml")?;
    let has_validator = Command::new("python3")
        .args(["-W", "ignore", "-c", "import jsonschema, yaml"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_validator {
        skipped("python3 has no jsonschema and yaml (pip install jsonschema pyyaml)");
        return None;
    }
    Some(document)
}

fn python(document: &Path, arguments: &[&str], input: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/openai_schema.py");
    let mut child = Command::new("python3")
        .args(["-W", "ignore", script])
        .arg(document)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin
        .write_all(input.as_bytes())
        .expect("its input is read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the script failed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Requests with every setting that there is.
fn requests(prompt: &Prompt) -> Vec<Request> {
    let with = |parameters: Parameters| Request {
        prompt: prompt.clone(),
        parameters,
        wanted: Wanted::Generate,
        about: SampleRef::default(),
    };
    vec![
        with(Parameters::default()),
        with(Parameters {
            max_tokens: 5,
            temperature: 1.0,
            top_p: Some(0.9),
            stop: vec![
                "\n\n".into(),
                "END".into(),
                "a".into(),
                "b".into(),
                "c".into(),
            ],
            seed: Some(u64::MAX),
            ..Parameters::default()
        }),
        with(Parameters {
            response_schema: Some(
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}),
            ),
            ..Parameters::default()
        }),
    ]
}

/// Asks a model; what comes of it says nothing here.
fn ask(runtime: &tokio::runtime::Runtime, spec: &str, request: &Request) -> Result<(), ErrorClass> {
    let spec = spec.parse().expect("a specification");
    runtime.block_on(async {
        let options = OpenOptions::default();
        let model = model::open(&spec, &options).await.expect("a model");
        model.answer(request).await.map(drop).map_err(|e| e.class)
    })
}

#[test]
fn every_request_is_one_that_openais_document_allows() {
    let Some(document) = document() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let say = |role, content: &str| Message {
        role,
        content: content.into(),
    };
    let chat = Prompt::Chat(vec![
        say(Role::System, "Be brief."),
        say(Role::User, "Hi"),
        say(Role::Assistant, "Yes?"),
        say(Role::User, "Why?"),
    ]);
    let text = Prompt::Text("Once".into());
    let mut lines = String::new();
    for (api, schema, prompts) in [
        ("chat", "CreateChatCompletionRequest", vec![&chat, &text]),
        ("responses", "CreateResponse", vec![&chat, &text]),
        ("completions", "CreateCompletionRequest", vec![&text]),
    ] {
        let server = RawServer::new(|_, _| Raw::json(400, &json!({"error": {"message": "no"}})));
        for stream in ["true", "false"] {
            let spec = server.spec(&format!("gpt-4o?api={api}&stream={stream}"));
            for request in prompts.iter().flat_map(|p| requests(p)) {
                let _ = ask(&runtime, &spec, &request);
            }
        }
        if api == "completions" {
            let mut request = requests(&text).remove(0);
            request.wanted = Wanted::LogLikelihood {
                continuations: vec![" upon".into()],
            };
            let _ = ask(&runtime, &server.spec("m?api=completions"), &request);
        }
        let seen = server.seen();
        assert!(seen.len() >= 6, "{api}");
        for request in seen {
            lines += &json!({"schema": schema, "body": request.body}).to_string();
            lines.push('\n');
        }
    }
    let faults = python(&document, &[], &lines);
    assert!(faults.is_empty(), "{faults}");
    let wrong =
        json!({"schema": "CreateChatCompletionRequest", "body": {"model": "m", "messages": "no"}});
    let found = python(&document, &[], &format!("{wrong}\n"));
    assert!(found.contains("messages"), "the validator finds nothing");
}

#[test]
fn the_responses_in_openais_document_are_read() {
    let Some(document) = document() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let examples = python(&document, &["--examples"], "");
    let request = requests(&Prompt::Text("Hi".into())).remove(0);
    let mut read = 0;
    for line in examples.lines() {
        let example: Value = serde_json::from_str(line).expect("a line of JSON");
        let body = example["body"].clone();
        let api = example["api"].as_str().expect("an API").to_owned();
        let server = RawServer::new(move |_, _| Raw::json(200, &body));
        let outcome = ask(&runtime, &server.spec(&format!("m?api={api}")), &request);
        assert_eq!(outcome, Ok(()), "{line}");
        assert_eq!(server.seen().len(), 1, "asked once: {line}");
        read += 1;
    }
    assert!(read >= 8, "{read} examples");
}
