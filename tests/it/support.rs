//! What the tests share: the binary, the data beside the checkout, a server that answers as told.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assert_cmd::Command;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

/// The binary, in an empty environment as far as candor goes: no keys, no configuration, a home of its own for the cache.
pub fn candor(home: &Path) -> Command {
    candor_at(assert_cmd::cargo::cargo_bin!("candor"), home)
}

/// The same of a binary that lies elsewhere.
pub fn candor_at(binary: &Path, home: &Path) -> Command {
    let mut command = Command::new(binary);
    for name in [
        "OPENAI_API_KEY",
        "DEEPSEEK_API_KEY",
        "CANDOR_API_KEY",
        "CANDOR_DATA",
        "CANDOR_LABELLER",
        "CANDOR_LABELLER_URL",
        "CANDOR_LOG",
        "HF_ENDPOINT",
    ] {
        command.env_remove(name);
    }
    command
        .current_dir(home)
        .env("NO_COLOR", "1")
        .env("HF_HUB_CACHE", home.join("hub"))
        .timeout(Duration::from_mins(5));
    command
}

/// stdout, stderr and exit code of a command that ends.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("the command starts");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ran {
    /// Fails the test, showing everything, where the exit code is another.
    pub fn exits_with(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Fails the test where stderr does not hold each of the words.
    pub fn says(self, words: &[&str]) -> Self {
        // Messages are wrapped to the terminal's width.
        let said = self
            .stderr
            .split_whitespace()
            .filter(|w| *w != "│")
            .collect::<Vec<_>>()
            .join(" ");
        for word in words {
            assert!(
                said.contains(word),
                "stderr does not say {word:?}:\n{}",
                self.stderr
            );
        }
        self
    }
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A copy of an export whose configuration names no architecture, so that it runs as it is, one text after the other.
pub fn undescribed(export: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let from = fixtures().join("models").join(export);
    for file in std::fs::read_dir(from).expect("the fixture").flatten() {
        std::fs::copy(file.path(), folder.path().join(file.file_name())).expect("a copy");
    }
    let config = folder.path().join("config.json");
    if let Ok(text) = std::fs::read_to_string(&config) {
        let text = text.replacen("\"architectures\"", "\"others\"", 1);
        std::fs::write(config, text).expect("written");
    }
    folder
}

/// A path in the real data beside the checkout (`CANDOR_SHARED`, else `../shared`); says so loudly where it is missing.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CANDOR_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let found = root.join(path);
    if found.exists() {
        return Some(
            found
                .canonicalize()
                .expect("an existing path has a canonical form"),
        );
    }
    skipped(&format!("there is no {}", found.display()));
    None
}

/// Says out loud that a test was skipped, and why; fails it where nothing may be skipped (`CANDOR_ALLOW_SKIPS=0`).
pub fn skipped(why: &str) {
    let may = std::env::var_os("CANDOR_ALLOW_SKIPS").is_none_or(|value| value != "0");
    assert!(
        may,
        "CANDOR_ALLOW_SKIPS=0, and this test would be skipped: {why}"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("SKIPPED {test}: {why}");
    // The harness swallows a passing test's stderr; the terminal shall still see it.
    let _ = writeln!(std::io::stdout().lock(), "SKIPPED {test}: {why}");
}

/// Whether ONNX Runtime is here or can be got: the same function as the demo's.
pub fn has_onnx_runtime() -> bool {
    match candor::model::onnx::runtime::environment(false, true) {
        Ok(_) => true,
        Err(error) => {
            skipped(&format!("no ONNX Runtime: {error}"));
            false
        }
    }
}

/// What a mock endpoint answers: status, headers, body; none hangs.
pub type Answer = Arc<dyn Fn(&Value, usize) -> Reply + Send + Sync>;

pub enum Reply {
    Json(u16, Value),
    WithHeader(u16, &'static str, String, Value),
    Text(u16, String),
    Hang,
    After(Duration, Value),
}

/// An endpoint of chat completions and text completions on loopback. It ends with the test.
pub struct Endpoint {
    pub address: SocketAddr,
    state: Arc<EndpointState>,
    _runtime: tokio::runtime::Runtime,
}

struct EndpointState {
    answer: Answer,
    seen: Mutex<Vec<(Value, HashMap<String, String>)>>,
}

impl Endpoint {
    pub fn new(answer: impl Fn(&Value, usize) -> Reply + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let state = Arc::new(EndpointState {
            answer: Arc::new(answer),
            seen: Mutex::new(Vec::new()),
        });
        let router = Router::new()
            .route("/v1/chat/completions", post(serve))
            .route("/v1/completions", post(serve))
            .with_state(Arc::clone(&state));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a free port on loopback");
        let address = listener.local_addr().expect("the port");
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            state,
            _runtime: runtime,
        }
    }

    /// The model specification of this endpoint.
    pub fn spec(&self, name: &str) -> String {
        format!("http://{}/v1#{name}", self.address)
    }

    /// Requests seen so far.
    pub fn requests(&self) -> Vec<Value> {
        self.state
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|(body, _)| body.clone())
            .collect()
    }

    /// Headers of the requests seen so far.
    pub fn headers(&self) -> Vec<HashMap<String, String>> {
        self.state
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|(_, headers)| headers.clone())
            .collect()
    }
}

async fn serve(
    State(state): State<Arc<EndpointState>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    let headers = headers
        .iter()
        .map(|(k, v)| (k.to_string(), v.to_str().unwrap_or_default().to_owned()))
        .collect();
    let number = {
        let mut seen = state.seen.lock().unwrap();
        seen.push((body.clone(), headers));
        seen.len()
    };
    let status = |code| StatusCode::from_u16(code).expect("a status");
    match (state.answer)(&body, number) {
        Reply::Json(code, value) => (status(code), axum::Json(value)).into_response(),
        Reply::WithHeader(code, name, header, value) => {
            (status(code), [(name, header)], axum::Json(value)).into_response()
        }
        Reply::Text(code, text) => (status(code), text).into_response(),
        Reply::Hang => std::future::pending().await,
        Reply::After(delay, value) => {
            tokio::time::sleep(delay).await;
            axum::Json(value).into_response()
        }
    }
}

/// A chat completion that says `text`.
pub fn says(text: &str) -> Value {
    json!({"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
}

/// A text completion that echoes its prompt, a token per character, each of the log-probability that `of` gives it; after it stands `text`.
pub fn echoes(prompt: &str, text: &str, of: impl Fn(char) -> f64) -> Value {
    let tokens: Vec<String> = prompt.chars().map(String::from).collect();
    let offsets: Vec<usize> = (0..tokens.len()).collect();
    let likely = |(i, c): (usize, char)| (i > 0).then(|| of(c));
    let token_logprobs: Vec<Option<f64>> = prompt.chars().enumerate().map(likely).collect();
    let logprobs = json!({"tokens": tokens, "text_offset": offsets, "token_logprobs": token_logprobs, "top_logprobs": null});
    json!({"choices": [{"index": 0, "finish_reason": "stop", "text": format!("{prompt}{text}"), "logprobs": logprobs}]})
}

/// What the user asked last.
pub fn question(body: &Value) -> String {
    body["messages"]
        .as_array()
        .and_then(|m| m.last())
        .and_then(|m| m["content"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// SpeechMap's answers as the run `home/run`, and where they came from; says that it was skipped where they are not there.
pub fn speechmap_run(home: &Path) -> Option<PathBuf> {
    let data = shared("data/speechmap")?;
    ran(candor(home)
        .args(["import", "speechmap"])
        .arg(&data)
        .args(["-o", "run"]))
    .exits_with(0);
    Some(data)
}

/// Writes a suite of `n` sums into a folder, and gives its path.
pub fn sums_suite(folder: &Path, n: usize) -> PathBuf {
    let suite = folder.join("sums");
    std::fs::create_dir_all(&suite).expect("a folder");
    std::fs::write(
        suite.join("suite.yaml"),
        "format: 1\nname: sums\nversion: \"1\"\nkind: benchmark\ntitle: Sums\nlicence: CC0\nsource: this test\nprompt:\n  user: \"{{ question }}\"\nscorers: [number]\n",
    )
    .expect("suite.yaml");
    let items = (0..n).fold(String::new(), |mut items, i| {
        let item =
            json!({"id": format!("s{i}"), "question": format!("{i} + 1 ="), "target": i + 1});
        let _ = writeln!(items, "{item}");
        items
    });
    std::fs::write(suite.join("items.jsonl"), items).expect("items.jsonl");
    suite
}

/// `candor run` puts a suite to a model, into `home/run`.
pub fn run_suite(
    home: &Path,
    suite: impl AsRef<OsStr>,
    model: impl AsRef<OsStr>,
    more: &[&str],
) -> Ran {
    let mut command = candor(home);
    command.args(["run", "-o", "run", "-s"]).arg(suite);
    ran(command.arg("-m").arg(model).args(more))
}

/// The same with the sums of [`sums_suite`], past the cache.
pub fn run_sums(home: &Path, model: &str, more: &[&str]) -> Ran {
    run_suite(home, "sums", model, &[&["--no-cache"][..], more].concat())
}

/// The lines of a run's journal.
pub fn journal(run: &Path) -> Vec<Value> {
    std::fs::read_to_string(run.join("journal.jsonl"))
        .expect("the journal")
        .lines()
        .map(|l| serde_json::from_str(l).expect("a whole line"))
        .collect()
}

/// A run's export as rows of column → value.
pub fn export(home: &Path, run: &Path) -> Vec<HashMap<String, String>> {
    let path = home.join("export.csv");
    ran(candor(home).args([
        "export",
        run.to_str().unwrap(),
        "--format",
        "csv",
        "-o",
        path.to_str().unwrap(),
    ]))
    .exits_with(0);
    let text = std::fs::read_to_string(path).expect("the export");
    let mut lines = text.lines().map(split_csv);
    let head = lines.next().expect("a header");
    lines
        .map(|row| head.iter().cloned().zip(row).collect())
        .collect()
}

/// One line of CSV without line breaks inside fields.
fn split_csv(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                field.push(characters.next().unwrap_or('"'));
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}
