//! `--batch` against servers that take batches as `OpenAI`, Anthropic and Gemini document them: results of every kind, kills, what is asked again.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::support::{Ran, candor, journal, ran, sums_suite};

const KEY: &str = "sk-batch-0123456789abcdef";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OpenAi,
    Anthropic,
    Gemini,
}

const FORMS: [Form; 3] = [Form::OpenAi, Form::Anthropic, Form::Gemini];

/// What becomes of a request in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    Filtered,
    Failed,
    Expired,
}

type Requests = Vec<(String, Value)>;

/// A provider on loopback.
struct Provider {
    form: Form,
    address: SocketAddr,
    state: Arc<Mutex<Batches>>,
    _runtime: tokio::runtime::Runtime,
}

struct Batches {
    form: Form,
    files: BTreeMap<String, String>,
    /// Every batch that was submitted.
    submitted: Vec<(Value, Requests)>,
    /// Whether they have ended.
    ended: bool,
    /// Whether they are turned away as a whole.
    refused: bool,
    fate: fn(&str, usize) -> Fate,
    without_key: usize,
}

/// The question in a request's body.
fn question(body: &Value) -> String {
    ["/messages/0/content", "/contents/0/parts/0/text"]
        .iter()
        .find_map(|at| body.pointer(at)?.as_str())
        .unwrap_or_default()
        .to_owned()
}

impl Batches {
    /// Answers a call.
    fn call(&mut self, method: &Method, path: &str, query: &str, body: &str) -> (u16, String) {
        let json = serde_json::from_str::<Value>(body).unwrap_or(Value::Null);
        let number = |id: &str| {
            id.rsplit(['_', '-', '/'])
                .next()
                .and_then(|n| n.parse::<usize>().ok())
        };
        let made = || self.submitted.len();
        let reply = match (self.form, method.as_str(), path) {
            (Form::OpenAi, "POST", "/v1/files") => {
                let parts: Vec<&str> = body.split("\r\n").collect();
                assert!(body.contains("name=\"purpose\"\r\n\r\nbatch"), "{body}");
                let lines = parts
                    .iter()
                    .find(|part| part.starts_with("{\"custom_id\""))
                    .unwrap();
                let id = format!("file-{}", self.files.len() + 1);
                self.files.insert(id.clone(), (*lines).to_owned());
                json!({"id": id, "object": "file", "purpose": "batch"})
            }
            (Form::OpenAi, "POST", "/v1/batches") => {
                assert_eq!(json["completion_window"], "24h");
                let file = &self.files[json["input_file_id"].as_str().unwrap()];
                let requests = file.lines().map(|line| {
                    let line: Value = serde_json::from_str(line).unwrap();
                    assert_eq!(
                        (&line["method"], &line["url"]),
                        (&json!("POST"), &json["endpoint"])
                    );
                    (
                        line["custom_id"].as_str().unwrap().to_owned(),
                        line["body"].clone(),
                    )
                });
                let requests = requests.collect();
                let batch = json!({"id": format!("batch_{}", made() + 1), "object": "batch", "status": "validating", "metadata": json["metadata"]});
                self.submitted.push((batch.clone(), requests));
                batch
            }
            (Form::Anthropic, "POST", "/v1/messages/batches") => {
                let requests = json["requests"].as_array().unwrap().iter();
                let requests: Requests = requests
                    .map(|r| {
                        (
                            r["custom_id"].as_str().unwrap().to_owned(),
                            r["params"].clone(),
                        )
                    })
                    .collect();
                assert!(
                    requests
                        .iter()
                        .all(|(id, _)| id.len() <= 64
                            && id.chars().all(|c| c.is_ascii_alphanumeric()))
                );
                let batch = json!({"id": format!("msgbatch_{}", made() + 1), "type": "message_batch", "processing_status": "in_progress",
                    "request_counts": {"processing": requests.len(), "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
                    "created_at": jiff::Timestamp::now().to_string(), "results_url": null});
                self.submitted.push((batch.clone(), requests));
                batch
            }
            (Form::Gemini, "POST", "/v1beta/models/m:batchGenerateContent") => {
                let batch = &json["batch"];
                let requests = batch["input_config"]["requests"]["requests"]
                    .as_array()
                    .unwrap()
                    .iter();
                let requests = requests
                    .map(|r| {
                        (
                            r["metadata"]["key"].as_str().unwrap().to_owned(),
                            r["request"].clone(),
                        )
                    })
                    .collect();
                let operation = json!({"name": format!("batches/{}", made() + 1), "metadata": {"displayName": batch["display_name"], "state": "BATCH_STATE_PENDING"}});
                self.submitted.push((operation.clone(), requests));
                operation
            }
            (Form::OpenAi, "GET", "/v1/batches")
            | (Form::Anthropic, "GET", "/v1/messages/batches") => {
                assert_eq!(query, "limit=100");
                let all: Vec<&Value> = self.submitted.iter().map(|(batch, _)| batch).collect();
                json!({"object": "list", "data": all, "has_more": false})
            }
            (Form::Gemini, "GET", "/v1beta/batches") => {
                let all: Vec<&Value> = self.submitted.iter().map(|(batch, _)| batch).collect();
                json!({"operations": all})
            }
            (_, "GET", path) => {
                let wants_results = path.ends_with("/results");
                let path = path
                    .trim_end_matches("/content")
                    .trim_end_matches("/results");
                return self.show(number(path).unwrap() - 1, path, wants_results);
            }
            other => panic!("nobody calls {other:?}"),
        };
        if self.refused && self.form == Form::Anthropic {
            return (400, json!({"type": "error", "error": {"type": "invalid_request_error", "message": "requests: too many"}}).to_string());
        }
        (200, reply.to_string())
    }

    /// How far a batch is, or its results.
    fn show(&self, at: usize, path: &str, wants_results: bool) -> (u16, String) {
        let (mut batch, requests) = self.submitted[at].clone();
        let fates: Vec<(String, String, Fate)> = requests
            .iter()
            .map(|(id, body)| (id.clone(), question(body), (self.fate)(&question(body), at)))
            .collect();
        let lines = |rows: Vec<Value>| {
            let rows = rows.iter().map(Value::to_string);
            rows.flat_map(|row| [row, "\n".into()]).collect::<String>()
        };
        match self.form {
            Form::OpenAi if path.contains("/files/") => {
                let wants_errors = path.contains("/err-");
                let rows = fates.iter().filter_map(|(id, question, fate)| {
                    let row = |status: u16, body: Value| json!({"id": "r", "custom_id": id, "response": {"status_code": status, "request_id": "q", "body": body}, "error": null});
                    let (is_error, row) = match fate {
                        Fate::Answered => (false, row(200, chat(question))),
                        Fate::Filtered => (true, row(400, json!({"error": {"message": "Content Exists Risk", "code": "invalid_request_error"}}))),
                        Fate::Failed => (true, row(500, json!({"error": {"message": "overloaded"}}))),
                        Fate::Expired => (true, json!({"id": "r", "custom_id": id, "response": null, "error": {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}})),
                    };
                    (is_error == wants_errors).then_some(row)
                });
                (200, lines(rows.collect()))
            }
            Form::OpenAi => {
                if self.refused {
                    batch["status"] = json!("failed");
                    batch["errors"] = json!({"object": "list", "data": [{"code": "invalid", "message": "the model does not take batches", "line": 1}]});
                } else if self.ended {
                    let expired = fates.iter().any(|(.., f)| *f == Fate::Expired);
                    batch["status"] = json!(if expired { "expired" } else { "completed" });
                    batch["output_file_id"] = json!(format!("out-{}", at + 1));
                    batch["error_file_id"] = json!(format!("err-{}", at + 1));
                } else {
                    batch["status"] = json!("in_progress");
                }
                (200, batch.to_string())
            }
            Form::Anthropic if wants_results => {
                let rows = fates.iter().map(|(id, question, fate)| {
                    let result = match fate {
                        Fate::Answered => json!({"type": "succeeded", "message": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": answer(question)}], "stop_reason": "end_turn", "usage": {"input_tokens": 1000, "output_tokens": 100}}}),
                        Fate::Filtered => json!({"type": "errored", "error": {"type": "error", "error": {"type": "invalid_request_error", "message": "Output blocked by content filtering policy"}}}),
                        Fate::Failed => json!({"type": "errored", "error": {"type": "error", "error": {"type": "api_error", "message": "Internal server error"}}}),
                        Fate::Expired => json!({"type": "expired"}),
                    };
                    json!({"custom_id": id, "result": result})
                });
                (200, lines(rows.collect()))
            }
            Form::Anthropic => {
                if self.ended {
                    batch["processing_status"] = json!("ended");
                    batch["results_url"] = json!("https://elsewhere.example/results");
                }
                (200, batch.to_string())
            }
            Form::Gemini => {
                if self.ended {
                    let rows = fates.iter().filter_map(|(id, question, fate)| {
                        let response = match fate {
                            Fate::Answered => json!({"response": {"candidates": [{"content": {"role": "model", "parts": [{"text": answer(question)}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 100}}}),
                            Fate::Filtered => json!({"response": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 1000}}}),
                            Fate::Failed => json!({"error": {"code": 13, "message": "Internal error"}}),
                            Fate::Expired => return None,
                        };
                        let mut row = response;
                        row["metadata"] = json!({"key": id});
                        Some(row)
                    });
                    let rows: Vec<Value> = rows.collect();
                    batch["done"] = json!(true);
                    batch["metadata"]["state"] = json!("BATCH_STATE_SUCCEEDED");
                    batch["response"] = json!({"inlinedResponses": {"inlinedResponses": rows}});
                } else {
                    batch["metadata"]["state"] = json!("BATCH_STATE_RUNNING");
                }
                if self.refused {
                    batch["error"] =
                        json!({"code": 9, "message": "the model does not take batches"});
                }
                (200, batch.to_string())
            }
        }
    }
}

fn answer(question: &str) -> String {
    let first: i64 = question
        .split(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap();
    (first + 1).to_string()
}

fn chat(question: &str) -> Value {
    json!({"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer(question)}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}})
}

async fn serve(
    State(state): State<Arc<Mutex<Batches>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut state = state.lock().unwrap();
    let keys = ["authorization", "x-api-key", "x-goog-api-key"];
    let has_key = keys.iter().any(|name| {
        headers
            .get(*name)
            .is_some_and(|value| value.to_str().unwrap().ends_with(KEY))
    });
    state.without_key += usize::from(!has_key);
    let body = String::from_utf8_lossy(&body);
    let (status, text) = state.call(&method, uri.path(), uri.query().unwrap_or_default(), &body);
    (StatusCode::from_u16(status).unwrap(), text).into_response()
}

fn resume(home: &Path) -> Ran {
    ran(&mut command(home, &["--resume", "run"]))
}

fn command(home: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = candor(home);
    for name in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"] {
        command.env(name, KEY);
    }
    command.arg("run").args(arguments).arg("--no-cache");
    command
}

impl Provider {
    fn new(form: Form, fate: fn(&str, usize) -> Fate) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let state = Arc::new(Mutex::new(Batches {
            form,
            files: BTreeMap::new(),
            submitted: Vec::new(),
            ended: true,
            refused: false,
            fate,
            without_key: 0,
        }));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&state));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            form,
            address,
            state,
            _runtime: runtime,
        }
    }

    fn name(&self) -> &'static str {
        match self.form {
            Form::OpenAi => "openai",
            Form::Anthropic => "anthropic",
            Form::Gemini => "gemini",
        }
    }

    fn set(&self, change: impl FnOnce(&mut Batches)) {
        change(&mut self.state.lock().unwrap());
    }

    /// The questions of each batch so far.
    fn submitted(&self) -> Vec<usize> {
        let state = self.state.lock().unwrap();
        state
            .submitted
            .iter()
            .map(|(_, requests)| requests.len())
            .collect()
    }

    /// Writes the project's configuration.
    fn configure(&self, home: &Path) {
        let version = if self.form == Form::Gemini {
            "v1beta"
        } else {
            "v1"
        };
        let name = self.name();
        let toml = format!(
            "[http]\nbackoff_seconds = 0.05\nretries = 1\n[providers.{name}]\nbase_url = \"http://{}/{version}\"\n[[prices]]\nprovider = \"{name}\"\nmodel = \"m\"\nprice = {{ input = 2.0, output = 10.0, batch_input = 1.0, batch_output = 5.0 }}\n",
            self.address
        );
        fs::write(home.join("candor.toml"), toml).unwrap();
    }

    fn run(&self, home: &Path, more: &[&str]) -> Ran {
        let model = format!("{}:m", self.name());
        let arguments = ["-s", "sums", "-m", &model, "-o", "run", "--batch"];
        ran(&mut command(home, &[&arguments[..], more].concat()))
    }
}

fn by_sample(home: &Path) -> BTreeMap<String, Value> {
    let lines = journal(&home.join("run"));
    lines
        .into_iter()
        .map(|line| (line["sample"].as_str().unwrap().to_owned(), line))
        .collect()
}

#[test]
fn a_batch_is_submitted_polled_and_merged_and_what_it_left_is_asked_again() {
    for form in FORMS {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        sums_suite(home, 6);
        // In the first batch, one is filtered, one fails, one expires.
        let provider = Provider::new(form, |question, batch| match (&question[..1], batch) {
            ("2", _) => Fate::Filtered,
            ("3", 0) => Fate::Failed,
            ("4", 0) => Fate::Expired,
            _ => Fate::Answered,
        });
        provider.configure(home);
        provider
            .run(home, &[])
            .exits_with(4)
            .says(&["Asking in batches", "candor run --resume run"]);
        assert_eq!(provider.submitted(), [6], "{form:?}");
        let first = by_sample(home);
        assert_eq!(first["s0"]["completion"]["text"], "1", "{form:?}");
        assert_eq!(
            first["s2"]["status"], "blocked_upstream",
            "{form:?}: {}",
            first["s2"]
        );
        for failed in ["s3", "s4"] {
            assert_eq!(
                first[failed]["status"], "error",
                "{form:?}: {}",
                first[failed]
            );
        }
        // 1,000 tokens read at 1 dollar a million, 100 written at 5.
        let cost = first["s0"]["completion"]["cost"].as_f64().unwrap();
        assert!((cost - 0.0015).abs() < 1e-12, "{form:?}: {cost}");
        resume(home).exits_with(0);
        assert_eq!(provider.submitted(), [6, 2], "{form:?}: only what failed");
        assert!(
            by_sample(home)
                .values()
                .all(|line| line["status"] != "error")
        );
        assert_eq!(
            provider.state.lock().unwrap().without_key,
            0,
            "every call carries the key"
        );
        for file in ["batches.jsonl", "journal.jsonl", "run.json"] {
            assert!(
                !fs::read_to_string(home.join("run").join(file))
                    .unwrap()
                    .contains(KEY)
            );
        }
    }
}

#[test]
#[cfg(unix)]
fn a_process_killed_between_submitting_and_collecting_pays_nothing_twice() {
    for form in FORMS {
        // Killed after the batch's id was written down, and just before.
        for forgets_id in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let home = home.path();
            sums_suite(home, 5);
            let provider = Provider::new(form, |_, _| Fate::Answered);
            provider.configure(home);
            provider.set(|state| state.ended = false);
            let model = format!("{}:m", provider.name());
            let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("candor"))
                .args([
                    "run",
                    "-s",
                    "sums",
                    "-m",
                    &model,
                    "-o",
                    "run",
                    "--batch",
                    "--no-cache",
                ])
                .envs(
                    ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"]
                        .map(|name| (name, KEY)),
                )
                .current_dir(home)
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            let ledger = home.join("run/batches.jsonl");
            let begun = Instant::now();
            while !fs::read_to_string(&ledger).is_ok_and(|text| text.contains("\"submitted\"")) {
                assert!(
                    begun.elapsed() < Duration::from_mins(1),
                    "{form:?}: nothing was submitted"
                );
                std::thread::sleep(Duration::from_millis(50));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            if forgets_id {
                let text = fs::read_to_string(&ledger).unwrap();
                fs::write(&ledger, text.lines().next().unwrap().to_owned() + "\n").unwrap();
            }
            provider.set(|state| state.ended = true);
            resume(home).exits_with(0);
            assert_eq!(provider.submitted(), [5], "{form:?}, {forgets_id}");
            assert_eq!(by_sample(home).len(), 5);
        }
    }
}

#[test]
fn a_batch_that_is_turned_away_says_why_and_an_api_without_batches_is_refused() {
    for form in FORMS {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        sums_suite(home, 3);
        let provider = Provider::new(form, |_, _| Fate::Answered);
        provider.configure(home);
        provider.set(|state| state.refused = true);
        let why = if form == Form::Anthropic {
            "too many"
        } else {
            "does not take batches"
        };
        provider.run(home, &[]).exits_with(5);
        let line = &journal(&home.join("run"))[0];
        assert!(
            line["failure"]["message"].as_str().unwrap().contains(why),
            "{form:?}: {line}"
        );
    }
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 1);
    ran(candor(home.path()).args(["run", "-s", "sums", "-m", "ollama:m?api=ollama", "--batch"]))
        .exits_with(5)
        .says(&["has no batches", "without --batch"]);
}

#[test]
fn vertex_is_not_asked_in_the_batches_of_the_gemini_api() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 1);
    ran(candor(home.path())
        .args([
            "run",
            "-s",
            "sums",
            "-m",
            "vertex:gemini-2.5-flash",
            "--batch",
        ])
        .env("VERTEX_ACCESS_TOKEN", "token")
        .env("GOOGLE_CLOUD_PROJECT", "project")
        .env("GOOGLE_CLOUD_LOCATION", "europe-north1"))
    .exits_with(5)
    .says(&["Cloud Storage", "gemini:NAME", "without --batch"]);
}

#[test]
fn a_batch_stays_within_the_budget_at_batch_prices() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    sums_suite(home, 20);
    let provider = Provider::new(Form::OpenAi, |_, _| Fate::Answered);
    provider.configure(home);
    // Each can cost 7 bytes read and 1,000 tokens written at batch prices: 0.005007 dollars, and takes 0.0015.
    provider
        .run(home, &["--max-tokens", "1000", "--budget", "0.0255"])
        .exits_with(4)
        .says(&["The budget is spent"]);
    let spent: f64 = journal(&home.join("run"))
        .iter()
        .map(|l| l["spent"].as_f64().unwrap())
        .sum();
    assert!(spent <= 0.0255, "{spent}");
    assert_eq!(
        provider.submitted()[0],
        5,
        "as many as fit if each costs the most"
    );
    assert!(
        provider.submitted().iter().sum::<usize>() >= 12,
        "{:?}",
        provider.submitted()
    );
}
