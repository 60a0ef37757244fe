//! `candor serve`, through the binary and its sockets.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use candor::model::onnx::OnnxModel;
use candor::model::{ModelSpec, OpenOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::published::Published;
use crate::support::{Endpoint, Reply, candor, has_onnx_runtime, ran, says};

/// A server that ends with the test.
pub struct Served {
    pub address: String,
    pub home: TempDir,
    child: Child,
    runtime: tokio::runtime::Runtime,
}

/// A response: status, headers, text.
pub struct Got {
    pub status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The events of a stream, the last of which is `[DONE]`.
    fn events(&self) -> Vec<Value> {
        let mut data: Vec<&str> = self
            .text
            .lines()
            .filter_map(|l| l.strip_prefix("data: "))
            .collect();
        assert_eq!(data.pop(), Some("[DONE]"), "{}", self.text);
        let events = data.into_iter().map(serde_json::from_str);
        events.map(|e| e.expect("JSON")).collect()
    }
}

impl Served {
    pub fn start(model: &str, arguments: &[&str], key: Option<&str>) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("candor"));
        command
            .args(["serve", "--port", "0", "-m", model])
            .args(arguments)
            .current_dir(home.path())
            .env_remove("CANDOR_API_KEY")
            .env_remove("CANDOR_SERVE_KEY")
            .stdout(Stdio::piped());
        if let Some(key) = key {
            command.env("CANDOR_SERVE_KEY", key);
        }
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line
            .split("http://")
            .nth(1)
            .and_then(|l| l.split('/').next());
        Self {
            address: address
                .unwrap_or_else(|| panic!("no address in {line:?}"))
                .to_owned(),
            home,
            child,
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn send(&self, request: reqwest::RequestBuilder) -> Got {
        self.runtime.block_on(async {
            let response = request.send().await.expect("a response");
            Got {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                text: response.text().await.expect("a body"),
            }
        })
    }

    pub fn get(&self, path: &str) -> Got {
        self.send(client().get(self.url(path)))
    }

    pub fn post(&self, path: &str, body: &Value) -> Got {
        self.send(client().post(self.url(path)).json(body))
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("kill is there").success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    candor::net::client().no_proxy().build().expect("a client")
}

fn ask(question: &str, more: &Value) -> Value {
    let mut body = json!({"model": "demo:open", "temperature": 0, "max_tokens": 24, "messages": [{"role": "user", "content": question}]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// What `candor models check` says of a model.
fn checked(home: &Path, arguments: &[&str]) -> Value {
    let done = ran(candor(home)
        .args(["models", "check", "--json"])
        .args(arguments))
    .exits_with(0);
    serde_json::from_str(&done.stdout).expect("JSON")
}

const QUESTION: &str = "What is the capital of France?";

#[test]
fn a_chat_answers_as_the_model_itself_does_whole_and_streamed() {
    if !has_onnx_runtime() {
        return;
    }
    let served = Served::start("demo:open", &[], None);
    let direct = checked(
        served.home.path(),
        &["demo:open", "--prompt", QUESTION, "--max-tokens", "24"],
    );
    let answer = direct["completion"]["text"].as_str().expect("an answer");
    assert!(!answer.is_empty());

    let path = "/v1/chat/completions";
    let whole = served.post(
        path,
        &ask(
            QUESTION,
            &json!({"logprobs": true, "top_logprobs": 3, "n": 2}),
        ),
    );
    assert_eq!(whole.status, 200, "{}", whole.text);
    let whole = whole.json();
    assert_eq!(whole["object"], "chat.completion");
    for number in 0..2 {
        let choice = &whole["choices"][number];
        assert_eq!(choice["index"], number);
        assert_eq!(choice["message"]["content"], answer);
        let content = choice["logprobs"]["content"].as_array().expect("tokens");
        let spelled: Vec<u8> = content
            .iter()
            .flat_map(|t| t["bytes"].as_array().expect("bytes"))
            .map(|b| u8::try_from(b.as_u64().expect("a byte")).expect("a byte"))
            .collect();
        assert_eq!(
            String::from_utf8(spelled).expect("UTF-8").trim_start(),
            answer.trim_start()
        );
        // Greedy: each token is the likeliest.
        for token in content {
            assert_eq!(token["logprob"], token["top_logprobs"][0]["logprob"]);
            assert_eq!(token["top_logprobs"].as_array().map(Vec::len), Some(3));
        }
    }
    let usage = &direct["completion"]["usage"];
    assert_eq!(whole["usage"]["prompt_tokens"], usage["prompt_tokens"]);
    let written = usage["completion_tokens"].as_u64().expect("counted");
    assert_eq!(whole["usage"]["completion_tokens"], 2 * written);

    let streamed = served.post(
        path,
        &ask(
            QUESTION,
            &json!({"stream": true, "stream_options": {"include_usage": true}}),
        ),
    );
    let kind = streamed.headers["content-type"].to_str().expect("text");
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let events = streamed.events();
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let text: String = events
        .iter()
        .filter_map(|e| e["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, answer);
    assert!(events.len() > 4, "it came in one piece: {events:?}");
    let (last, before) = (&events[events.len() - 1], &events[events.len() - 2]);
    assert_eq!(last["usage"]["completion_tokens"], written);
    assert_eq!(last["choices"], json!([]));
    let finish = &whole["choices"][0]["finish_reason"];
    assert_eq!(before["choices"][0]["finish_reason"], *finish);
}

#[test]
fn seeds_and_stop_strings_hold() {
    if !has_onnx_runtime() {
        return;
    }
    let served = Served::start("demo:open", &[], None);
    let text = |more: Value| {
        let got = served.post("/v1/chat/completions", &ask(QUESTION, &more));
        assert_eq!(got.status, 200, "{}", got.text);
        let choices = got.json()["choices"].as_array().expect("choices").clone();
        let texts = choices
            .iter()
            .map(|c| c["message"]["content"].as_str().expect("text").to_owned());
        texts.collect::<Vec<_>>()
    };
    let warm = json!({"temperature": 1.5, "seed": 5, "n": 3});
    let drawn = text(warm.clone());
    assert_eq!(drawn, text(warm));
    // The second of three is the first of the next seed.
    assert_eq!(text(json!({"temperature": 1.5, "seed": 6}))[0], drawn[1]);

    let whole = text(json!({}))[0].clone();
    let (start, stop) = whole.split_at(whole.char_indices().nth(4).expect("five characters").0);
    let stop: String = stop.chars().take(3).collect();
    assert_eq!(text(json!({"stop": [stop]}))[0], start);
    let streamed = served.post(
        "/v1/chat/completions",
        &ask(QUESTION, &json!({"stop": stop, "stream": true})),
    );
    let shown: String = streamed
        .events()
        .iter()
        .filter_map(|e| e["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(shown, start);
}

#[test]
fn a_prompt_is_scored_as_the_model_itself_scores_it_by_text_and_by_token_ids() {
    if !has_onnx_runtime() {
        return;
    }
    let published = Published::new("qwen2");
    let spec = format!("onnx:{}?name=tiny", published.path().display());
    let served = Served::start(&spec, &[], None);
    // candor's own client of the API against candor itself.
    let remote = format!("http://{}/v1#tiny?api=completions", served.address);
    let asked = [
        "--plain",
        "--prompt",
        "The river is wide.",
        "--continuations",
        " A boat",
        " 东京 is far",
        " x",
    ];
    let direct = checked(served.home.path(), &[&[spec.as_str()], &asked[..]].concat());
    let through = checked(
        served.home.path(),
        &[&[remote.as_str()], &asked[..]].concat(),
    );
    let scores = |value: &Value| {
        value["completion"]["continuations"]
            .as_array()
            .expect("scores")
            .clone()
    };
    assert_eq!(scores(&direct).len(), 3);
    for (direct, through) in scores(&direct).iter().zip(scores(&through)) {
        let log = |v: &Value| v["log_likelihood"].as_f64().expect("a number");
        assert!(
            (log(direct) - log(&through)).abs() < 1e-5,
            "{direct} {through}"
        );
        assert_eq!(direct["is_greedy"], through["is_greedy"]);
        assert_eq!(direct["tokens"], through["tokens"]);
    }

    let text = "The river is wide. 东京";
    let spec: ModelSpec = spec.parse().expect("a specification");
    let model = served
        .runtime
        .block_on(OnnxModel::open(&spec, &OpenOptions::default()))
        .expect("it loads");
    let ids = model.tokens(text).expect("tokens");
    let body = |prompt: Value, max_tokens: u32| json!({"model": "tiny", "prompt": prompt, "max_tokens": max_tokens, "echo": true, "logprobs": 2, "temperature": 0, "seed": 1234});
    let both = served
        .post("/v1/completions", &body(json!([ids, ids]), 1))
        .json();
    let by_text = served.post("/v1/completions", &body(json!(text), 0)).json();
    let by_text = &by_text["choices"][0];
    assert_eq!(by_text["text"], text);
    let list =
        |choice: &Value, name: &str| choice["logprobs"][name].as_array().expect("a list").clone();
    for choice in both["choices"].as_array().expect("two") {
        for name in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
            // One token more was written.
            let (ours, theirs) = (list(choice, name), list(by_text, name));
            assert_eq!(ours.len(), ids.len() + 1, "{name}");
            assert_eq!(ours[..ids.len()], theirs[..], "{name}");
        }
    }
    assert_eq!(both["usage"]["prompt_tokens"], 2 * ids.len());
    assert_eq!(list(by_text, "token_logprobs")[0], Value::Null);
    // What a token's offset says of the text: those before it spell what is before it.
    let offsets: Vec<usize> = list(by_text, "text_offset")
        .iter()
        .map(|o| usize::try_from(o.as_u64().expect("a number")).expect("small"))
        .collect();
    assert!(offsets.is_sorted() && offsets[0] == 0, "{offsets:?}");
    // The token itself is always listed, under the name that it has among the tokens.
    for (token, top) in list(by_text, "tokens")
        .iter()
        .zip(list(by_text, "top_logprobs"))
        .skip(1)
    {
        assert!(
            top.get(token.as_str().expect("text")).is_some(),
            "{token} {top}"
        );
    }
}

#[test]
fn models_without_tokens_of_their_own_are_served_in_words() {
    let upstream = Endpoint::new(|_, _| Reply::Json(200, says("Paris.")));
    let served = Served::start(&upstream.spec("far"), &[], None);
    let body = |more: Value| {
        let mut body = ask(QUESTION, &more);
        body["model"] = json!("far");
        body
    };
    let got = served.post("/v1/chat/completions", &body(json!({}))).json();
    assert_eq!(got["choices"][0]["message"]["content"], "Paris.");
    assert_eq!(got["usage"]["total_tokens"], 10);
    let streamed = served
        .post("/v1/chat/completions", &body(json!({"stream": true})))
        .events();
    assert_eq!(streamed[1]["choices"][0]["delta"]["content"], "Paris.");
    let refused = served.post("/v1/chat/completions", &body(json!({"logprobs": true})));
    assert_eq!(refused.status, 400);
    let error = &refused.json()["error"];
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|m| m.contains("cannot be seen")),
        "{error}"
    );
    // The same before the first event of a stream.
    let refused = served.post(
        "/v1/chat/completions",
        &body(json!({"logprobs": true, "stream": true})),
    );
    assert_eq!(refused.status, 400);
}

#[test]
fn faults_have_openais_shape() {
    let upstream = Endpoint::new(|_, _| Reply::Json(200, says("Paris.")));
    let served = Served::start(&upstream.spec("far"), &["--max-request", "1"], None);
    let of = |got: &Got| {
        (
            got.status,
            got.json()["error"]["param"].clone(),
            got.json()["error"]["code"].clone(),
        )
    };
    let post = |body: &Value| of(&served.post("/v1/chat/completions", body));
    assert_eq!(
        post(&ask(QUESTION, &json!({}))),
        (404, json!("model"), json!("model_not_found"))
    );
    assert_eq!(
        post(&ask(QUESTION, &json!({"model": "far", "temperature": 9}))),
        (400, json!("temperature"), Value::Null)
    );
    assert_eq!(
        post(&json!({"model": "far"})),
        (400, Value::Null, Value::Null)
    );
    let large = ask(&"x".repeat(2 << 20), &json!({"model": "far"}));
    assert_eq!(post(&large).0, 413);
    assert_eq!(served.get("/v2/x").status, 404);
    assert_eq!(served.get("/v1/completions").status, 404);
    let models = served.get("/v1/models").json();
    assert_eq!(
        (&models["object"], &models["data"][0]["id"]),
        (&json!("list"), &json!("far"))
    );
    assert_eq!(served.get("/v1/models/far").json()["id"], "far");
    assert_eq!(served.get("/v1/models/near").status, 404);
    let page = served.get("/metrics").text;
    assert!(
        page.contains(
            "candor_http_requests_total{route=\"/v1/chat/completions\",status=\"413\"} 1"
        ),
        "{page}"
    );
}

#[test]
fn a_key_is_asked_for_and_other_sites_pages_are_turned_away() {
    let upstream = Endpoint::new(|_, _| Reply::Json(200, says("Paris.")));
    let served = Served::start(&upstream.spec("far"), &[], Some("s3cret"));
    assert_eq!(served.get("/health").status, 200);
    let with = |name: &'static str, value: &str| {
        served.send(
            client()
                .get(served.url("/v1/models"))
                .bearer_auth("s3cret")
                .header(name, value),
        )
    };
    for path in ["/v1/models", "/metrics"] {
        let got = served.get(path);
        assert_eq!(
            (got.status, &got.json()["error"]["code"]),
            (401, &json!("invalid_api_key"))
        );
    }
    assert_eq!(with("accept", "*/*").status, 200);
    assert_eq!(with("origin", "https://evil.example").status, 403);
    // The Host of a name that was rebound to this machine, on a socket of our own.
    let mut socket = TcpStream::connect(&served.address).expect("a connection");
    socket
        .write_all(b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer s3cret\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[test]
fn a_full_queue_turns_away_and_a_client_that_leaves_gives_its_place_back() {
    let upstream = Endpoint::new(|_, _| Reply::Hang);
    let served = Served::start(&upstream.spec("far"), &["--queue", "1"], None);
    let body = ask(QUESTION, &json!({"model": "far"}));
    let url = served.url("/v1/chat/completions");
    let first = {
        let request = client().post(&url).json(&body);
        served
            .runtime
            .spawn(async move { request.send().await.map(|r| r.status()) })
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    let in_flight = |count: usize| {
        let line = format!("candor_requests_in_flight {count}\n");
        while !served.get("/metrics").text.contains(&line) {
            assert!(Instant::now() < deadline, "never {count} in flight");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    in_flight(1);
    let refused = served.post("/v1/chat/completions", &body);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error"]["code"], "queue_full");
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .expect("text")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    first.abort();
    in_flight(0);
}

#[test]
fn an_answer_that_takes_too_long_is_given_up() {
    let upstream = Endpoint::new(|_, _| Reply::Hang);
    let served = Served::start(&upstream.spec("far"), &["--timeout", "1"], None);
    for stream in [false, true] {
        let got = served.post(
            "/v1/chat/completions",
            &ask(QUESTION, &json!({"model": "far", "stream": stream})),
        );
        assert_eq!(
            (got.status, &got.json()["error"]["code"]),
            (504, &json!("timeout"))
        );
    }
}

#[test]
fn at_the_end_answers_in_progress_are_finished_and_nobody_new_is_let_in() {
    let upstream = Endpoint::new(|_, _| Reply::After(Duration::from_secs(2), says("Paris.")));
    let mut served = Served::start(&upstream.spec("far"), &[], None);
    let request = client()
        .post(served.url("/v1/chat/completions"))
        .json(&ask(QUESTION, &json!({"model": "far"})));
    let answer = served.runtime.spawn(async move {
        let response = request.send().await?;
        response.json::<Value>().await
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    while upstream.requests().is_empty() {
        assert!(Instant::now() < deadline, "it never asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    served.signal("-TERM");
    let answer = served
        .runtime
        .block_on(answer)
        .expect("it ends")
        .expect("an answer");
    assert_eq!(answer["choices"][0]["message"]["content"], "Paris.");
    let status = served.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert!(TcpStream::connect(&served.address).is_err());
}

#[test]
fn what_cannot_be_served_says_why() {
    let home = tempfile::tempdir().expect("a folder");
    let serve = |arguments: &[&str]| {
        ran(candor(home.path())
            .args(["serve", "-m", "https://127.0.0.1:9/v1#x"])
            .args(arguments))
    };
    // An address that no machine has (RFC 5737): the warning comes before the attempt.
    serve(&["--host", "192.0.2.1", "--port", "0"])
        .exits_with(5)
        .says(&[
            "192.0.2.1:0 is open to other machines, and anybody who reaches it can use the model",
            "cannot listen at",
        ]);
    serve(&["--key-env", "NO_SUCH_VARIABLE"])
        .exits_with(2)
        .says(&["NO_SUCH_VARIABLE is not set"]);
    ran(candor(home.path())
        .env("CANDOR_SERVE_KEY", " ")
        .args(["serve", "-m", "demo:open"]))
    .exits_with(2)
    .says(&["CANDOR_SERVE_KEY must be printable ASCII"]);
}
