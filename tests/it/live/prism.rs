//! Prism, which generates responses from `OpenAI`'s own document: whatever its schemas allow is read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use candor::model::{
    self, Completion, ModelError, OpenOptions, Parameters, Prompt, Request, SampleRef, Wanted,
};
use serde_json::{Value, json};

use super::asked;
use crate::packages::{self, Server};
use crate::raw_server::{Raw, RawServer};
use crate::support::{shared, sums_suite};

/// Posts JSON, and gives the body of the reply.
fn post(port: u16, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("Prism");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nauthorization: Bearer none\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).expect("sent");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("a reply");
    let text = String::from_utf8_lossy(&reply);
    let (_, body) = text.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Asks for words, through an API that always replies with one body.
fn answer(
    runtime: &tokio::runtime::Runtime,
    api: &str,
    body: Value,
) -> Result<Completion, ModelError> {
    let server = RawServer::new(move |_, _| Raw::json(200, &body));
    let spec = server
        .spec(&format!("m?api={api}"))
        .parse()
        .expect("a specification");
    let request = Request {
        prompt: Prompt::Text("Hi".into()),
        parameters: Parameters::default(),
        wanted: Wanted::Generate,
        about: SampleRef::default(),
    };
    runtime.block_on(async {
        let options = OpenOptions {
            timeouts: toml::from_str("retries = 0\nempty_retries = 0").expect("settings"),
            ..OpenOptions::default()
        };
        let model = model::open(&spec, &options).await.expect("a model");
        model.answer(&request).await
    })
}

/// The words of a generated response, where it has any; none where it holds no answer at all.
fn words(api: &str, body: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match api {
        "chat" => body
            .pointer("/choices/0/message")
            .map(|m| text(&m["content"])),
        "completions" => body.pointer("/choices/0").map(|c| text(&c["text"])),
        _ => {
            let items = body["output"].as_array()?.iter();
            let messages = items.filter(|item| item["type"] == "message");
            let parts = messages.flat_map(|item| item["content"].as_array().into_iter().flatten());
            let said = parts.filter(|part| part["type"] == "output_text");
            Some(said.map(|part| text(&part["text"])).collect())
        }
    }
}

#[test]
fn responses_that_openais_schemas_allow_are_read() {
    const EACH: usize = 12;
    let home = tempfile::tempdir().expect("a folder");
    let Some(document) = shared("data/openai-spec/openapi.yaml") else {
        return;
    };
    let Some(folder) = packages::node("prism", &["@stoplight/prism-cli@5"]) else {
        return;
    };
    let port = packages::free_port();
    let mut command = Command::new(folder.join("node_modules/.bin/prism"));
    command
        .args(["mock", "--dynamic", "--host", "127.0.0.1", "--port"])
        .arg(port.to_string())
        .arg(&document);
    let prism = Server::start(&command, port, "/", &home.path().join("prism.log"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (mut read, mut held) = (0, 0);
    for (api, path, request) in [
        (
            "chat",
            "/chat/completions",
            json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}),
        ),
        (
            "responses",
            "/responses",
            json!({"model": "gpt-4o", "input": "Hi"}),
        ),
        (
            "completions",
            "/completions",
            json!({"model": "gpt-3.5-turbo-instruct", "prompt": "Hi"}),
        ),
    ] {
        for _ in 0..EACH {
            let body = post(prism.port, path, &request);
            let expected = words(api, &body);
            match (answer(&runtime, api, body.clone()), expected) {
                (Ok(completion), Some(expected)) => {
                    read += 1;
                    held += usize::from(!expected.is_empty());
                    assert!(
                        expected.is_empty()
                            || completion.text.contains(expected.trim())
                            || completion.is_blocked(),
                        "{completion:?}\n{body}"
                    );
                }
                (Ok(completion), None) => panic!("{completion:?} of no answer: {body}"),
                (Err(error), expected) => {
                    println!(
                        "{api}: {:?} {}: {expected:?} {body}",
                        error.class, error.message
                    );
                }
            }
        }
    }
    println!("{read} responses were read, {held} of them with words");
    assert!(held >= EACH / 2, "{held} with words");
    // The same over the wire, through the binary: each trial ends, with an answer or with a failure.
    sums_suite(home.path(), 4);
    std::fs::write(
        home.path().join("candor.toml"),
        "[http]\nretries = 1\nempty_retries = 0\nbackoff_seconds = 0.01\n",
    )
    .unwrap();
    for api in ["chat", "responses", "completions"] {
        let spec = format!("http://127.0.0.1:{port}#gpt-4o?api={api}");
        let (ran, lines) = asked(home.path(), &[&spec], "none", &[]);
        assert!(matches!(ran.code, 0 | 4), "{}", ran.stderr);
        assert_eq!(lines.len(), 4, "{api}: {}", ran.stderr);
    }
}
