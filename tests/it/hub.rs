//! Models of the Hugging Face hub, against a local server of its form: the listing, files by ranges, hashes, gates, and the cache on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use candor::text::hex;
use futures::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Ran, candor, fixtures, has_onnx_runtime, ran, sums_suite};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS: &str = "model.safetensors";

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Every download of the weights breaks after so many bytes.
    Breaks(usize),
    /// The weights are not those that were announced.
    Other,
    /// Nobody gets in without a token.
    Gated,
}

struct Files {
    by_name: BTreeMap<String, Bytes>,
    fault: Mutex<Fault>,
    /// Paths that were asked for, each with the range.
    asked: Mutex<Vec<(String, Option<String>)>>,
}

/// The hub, with one repository `tiny/qwen2`. It ends with the test.
struct Hub {
    files: Arc<Files>,
    address: String,
    home: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Hub {
    fn new() -> Self {
        let models = fixtures().join("models");
        let read = |path: PathBuf| Bytes::from(fs::read(path).expect("a file of the fixture"));
        let own = ["config.json", WEIGHTS].map(|f| (f, models.join("published/qwen2").join(f)));
        let shared = ["tokenizer.json", "tokenizer_config.json"]
            .map(|f| (f, models.join("llama-optimum").join(f)));
        let mut files: BTreeMap<String, Bytes> = own
            .into_iter()
            .chain(shared)
            .map(|(name, path)| (name.to_owned(), read(path)))
            .collect();
        files.insert("pytorch_model.bin".into(), Bytes::from_static(b"pickle"));
        let files = Arc::new(Files {
            by_name: files,
            fault: Mutex::new(Fault::None),
            asked: Mutex::default(),
        });
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&files));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a free port on loopback");
        let address = format!("http://{}", listener.local_addr().expect("the port"));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            files,
            address,
            home: tempfile::tempdir().expect("a folder"),
            _runtime: runtime,
        }
    }

    fn fails_by(&self, fault: Fault) {
        *self.files.fault.lock().expect("no panic") = fault;
    }

    /// What was asked for since the last time.
    fn asked(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut *self.files.asked.lock().expect("no panic"))
    }

    fn cache(&self) -> PathBuf {
        self.home.path().join("hf/hub/models--tiny--qwen2")
    }

    fn run(&self, model: &str, more: &[&str]) -> Ran {
        let home = self.home.path();
        let suite = sums_suite(home, 1);
        let out = tempfile::tempdir_in(home).expect("a folder");
        let mut command = candor(home);
        command
            .env("HF_ENDPOINT", &self.address)
            .env("HF_HOME", home.join("hf"))
            .env_remove("HF_HUB_CACHE")
            .env_remove("HF_TOKEN")
            .args(["run", "--max-tokens", "2", "--no-cache", "-m", model, "-s"])
            .arg(&suite)
            .arg("-o")
            .arg(out.path().join("run"))
            .args(more);
        ran(&mut command)
    }
}

async fn answer(State(hub): State<Arc<Files>>, uri: Uri, headers: HeaderMap) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let range = header("range").map(str::to_owned);
    let path = uri.path().to_owned();
    hub.asked
        .lock()
        .expect("no panic")
        .push((path.clone(), range.clone()));
    let fault = *hub.fault.lock().expect("no panic");
    if fault == Fault::Gated && header("authorization").is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if path == "/api/models/tiny/qwen2/revision/main" {
        return axum::Json(listing(&hub.by_name)).into_response();
    }
    let prefix = format!("/tiny/qwen2/resolve/{COMMIT}/");
    let name = path.strip_prefix(&prefix).unwrap_or_default();
    let Some(whole) = hub.by_name.get(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let begin = range
        .and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        .unwrap_or(0);
    let status = match begin {
        0 => StatusCode::OK,
        _ => StatusCode::PARTIAL_CONTENT,
    };
    let rest = whole.slice(begin..);
    let body = match fault {
        Fault::Breaks(after) if name == WEIGHTS && after < rest.len() => {
            let begun = futures::stream::iter([Ok(rest.slice(..after))]);
            // What was sent is to arrive before the connection breaks.
            let end = futures::stream::once(async {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                Err(std::io::Error::other("the connection breaks"))
            });
            Body::from_stream(begun.chain(end))
        }
        Fault::Other if name == WEIGHTS => Body::from(vec![7; rest.len()]),
        _ => Body::from(rest),
    };
    (status, body).into_response()
}

fn listing(files: &BTreeMap<String, Bytes>) -> Value {
    let file = |(name, bytes): (&String, &Bytes)| {
        let sha256 = hex(&Sha256::digest(bytes));
        let mut file = json!({"rfilename": name, "size": bytes.len(), "blobId": &sha256[..40]});
        if name.ends_with(".safetensors") {
            file["lfs"] = json!({"sha256": sha256, "size": bytes.len(), "pointerSize": 134});
        }
        file
    };
    let siblings: Vec<Value> = files.iter().map(file).collect();
    json!({"id": "tiny/qwen2", "sha": COMMIT, "siblings": siblings})
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files_below(&path)),
            path => found.push(path),
        }
    }
    found
}

#[test]
fn a_repository_is_downloaded_once_and_then_used_offline() {
    if !has_onnx_runtime() {
        return;
    }
    let hub = Hub::new();
    let model = "onnx:hf:tiny/qwen2";
    hub.run(model, &["--offline"])
        .exits_with(5)
        .says(&["tiny/qwen2 is not in", "--offline forbids"]);
    assert!(hub.asked().is_empty());
    hub.run(model, &[]).exits_with(0);
    let asked: Vec<String> = hub.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!(asked.len(), 5, "the listing and four files: {asked:?}");
    assert!(!asked.iter().any(|path| path.contains("pytorch_model")));
    // As the hub's own tools keep it.
    let snapshot = hub.cache().join("snapshots").join(COMMIT);
    let main = fs::read_to_string(hub.cache().join("refs/main")).expect("the branch");
    assert_eq!(main, COMMIT);
    let weights = fs::read(snapshot.join(WEIGHTS)).expect("the weights");
    assert_eq!(weights, hub.files.by_name[WEIGHTS]);
    let blob = hub
        .cache()
        .join("blobs")
        .join(hex(&Sha256::digest(&weights)));
    assert_eq!(fs::read(blob).expect("the blob"), weights);

    hub.run(model, &[]).exits_with(0);
    assert_eq!(hub.asked().len(), 1, "the listing alone");
    hub.run(&format!("{model}@{COMMIT}"), &["--offline"])
        .exits_with(0);
    hub.run(model, &["--offline"]).exits_with(0);
    assert!(hub.asked().is_empty());
}

#[test]
fn a_broken_download_goes_on_and_is_never_taken_for_a_whole_one() {
    if !has_onnx_runtime() {
        return;
    }
    let hub = Hub::new();
    let model = "onnx:hf:tiny/qwen2";
    hub.fails_by(Fault::Breaks(1000));
    hub.run(model, &[]).exits_with(5).says(&[
        WEIGHTS,
        "cannot be downloaded",
        "continues from there",
    ]);
    let ranges: Vec<_> = hub
        .asked()
        .into_iter()
        .filter(|(path, _)| path.ends_with(WEIGHTS))
        .map(|(_, range)| range)
        .collect();
    let from = |n: usize| Some(format!("bytes={n}-"));
    assert_eq!(ranges, [None, from(1000), from(2000), from(3000)]);
    let whole = files_below(&hub.cache())
        .iter()
        .any(|path| path.ends_with(WEIGHTS));
    assert!(!whole, "no snapshot holds the weights");
    hub.run(model, &["--offline"]).exits_with(5);

    hub.fails_by(Fault::None);
    hub.asked();
    hub.run(model, &[]).exits_with(0);
    let asked = hub.asked();
    let last = asked.iter().find(|(path, _)| path.ends_with(WEIGHTS));
    assert_eq!(last.and_then(|(_, range)| range.clone()), from(4000));
}

#[test]
fn content_of_another_hash_is_deleted_and_a_closed_gate_is_explained() {
    if !has_onnx_runtime() {
        return;
    }
    let hub = Hub::new();
    hub.fails_by(Fault::Other);
    hub.run("onnx:hf:tiny/qwen2", &[])
        .exits_with(5)
        .says(&["its SHA-256 is", "was deleted"]);
    let left = files_below(&hub.cache());
    let incomplete = left
        .iter()
        .any(|p| p.to_string_lossy().ends_with("incomplete"));
    assert!(!incomplete, "{left:?}");
    hub.fails_by(Fault::Gated);
    hub.run("onnx:hf:tiny/qwen2", &[])
        .exits_with(5)
        .says(&["401", "gated", "HF_TOKEN"]);
    hub.fails_by(Fault::None);
    hub.run("onnx:hf:tiny/other", &[])
        .exits_with(5)
        .says(&["404", "Check the name"]);
    hub.run("onnx:hf:../../etc", &[])
        .exits_with(5)
        .says(&["is not owner/name"]);
}
