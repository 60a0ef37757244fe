//! Texts that run side by side in one batch of the embedded engine: what they are given does not depend on each other.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use candor::model::onnx::{OnnxModel, runtime};
use candor::model::{
    Completion, ErrorClass, Model, ModelError, ModelSpec, OpenOptions, Parameters, Prompt, Request,
    SampleRef, Wanted,
};
use futures::future::join_all;

use crate::published::Published;
use crate::support::{candor, fixtures, has_onnx_runtime, ran};

async fn open(folder: &Path, options: &str) -> OnnxModel {
    let spec = format!("onnx:{}{options}", folder.display());
    let spec: ModelSpec = spec.parse().expect("a specification");
    OnnxModel::open(&spec, &OpenOptions::default())
        .await
        .expect("the model loads")
}

fn request(prompt: &str, parameters: Parameters, wanted: Wanted) -> Request {
    Request {
        prompt: Prompt::Text(prompt.into()),
        parameters,
        wanted,
        about: SampleRef::default(),
    }
}

fn generate(prompt: &str, max_tokens: u32) -> Request {
    let parameters = Parameters {
        max_tokens,
        ..Parameters::default()
    };
    request(prompt, parameters, Wanted::Generate)
}

fn score(prompt: &str, continuations: &[&str]) -> Request {
    let continuations = continuations.iter().map(|c| (*c).to_owned()).collect();
    let wanted = Wanted::LogLikelihood { continuations };
    request(prompt, Parameters::default(), wanted)
}

/// Prompts that share beginnings of several lengths, greedy and sampled, short and long; and choices.
fn requests(kinds: u32) -> Vec<Request> {
    let shots = "Question: What is the capital of France?\nAnswer: Paris.\n\n".repeat(3);
    let mut requests = Vec::new();
    for i in 0..kinds {
        let question = format!("{shots}Question: How many legs have {i} cats?\nAnswer:");
        let short = format!("{i} green bottles");
        requests.push(generate(&question, 3 + 5 * i));
        let sampled = Parameters {
            max_tokens: 24,
            temperature: 1.0,
            seed: Some(u64::from(i)),
            ..Parameters::default()
        };
        requests.push(request(&short, sampled, Wanted::Generate));
        requests.push(score(
            &question,
            &[" Four", " Eight legs", " a number", " a"],
        ));
        requests.push(score(&short, &[" hanging on the wall", " standing"]));
    }
    requests
}

/// What of an answer may not change.
fn content(answer: &Completion) -> (String, Vec<f64>) {
    let scores = answer.continuations.iter().map(|c| c.log_likelihood);
    (answer.text.clone(), scores.collect())
}

fn must_agree(got: &Completion, want: &Completion, nats: f64, what: &str) {
    let (got, want) = (content(got), content(want));
    assert_eq!(got.0, want.0, "{what}");
    assert_eq!(got.1.len(), want.1.len(), "{what}");
    for (got, want) in got.1.iter().zip(&want.1) {
        assert!((got - want).abs() <= nats, "{what}: {got} and {want}");
    }
}

async fn one_by_one(model: &OnnxModel, requests: &[Request]) -> Vec<Completion> {
    let mut answers = Vec::new();
    for request in requests {
        answers.push(model.answer(request).await.expect("an answer"));
    }
    answers
}

async fn side_by_side(model: &OnnxModel, requests: &[&Request]) -> Vec<Completion> {
    let asked = requests.iter().map(|request| model.answer(request));
    let answers: Result<Vec<_>, ModelError> = join_all(asked).await.into_iter().collect();
    answers.expect("answers")
}

#[tokio::test]
async fn answers_do_not_depend_on_the_batch_nor_on_the_order() {
    if !has_onnx_runtime() {
        return;
    }
    for (name, kinds) in [
        ("llama-dynamic", 2),
        ("qwen2", 8),
        ("gemma3", 2),
        ("phi3-long", 2),
    ] {
        let requests = requests(kinds);
        let folder = Published::new(name);
        let alone = one_by_one(
            &open(folder.path(), "?share_prefixes=false").await,
            &requests,
        )
        .await;
        let model = open(folder.path(), "").await;
        for size in [8, 32] {
            let mut order: Vec<usize> = (0..requests.len()).collect();
            order.reverse();
            order.rotate_left(size / 5);
            for together in order.chunks(size) {
                let asked: Vec<&Request> = together.iter().map(|i| &requests[*i]).collect();
                let answers = side_by_side(&model, &asked).await;
                for (i, answer) in together.iter().zip(&answers) {
                    let what = format!("{name}, {size} together, {i}");
                    must_agree(answer, &alone[*i], 1e-5, &what);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_shared_beginning_is_read_once_and_changes_no_score() {
    if !has_onnx_runtime() {
        return;
    }
    let folder = Published::new("qwen2");
    let (sharing, alone) = (
        open(folder.path(), "").await,
        open(folder.path(), "?share_prefixes=false").await,
    );
    let requests: Vec<Request> = requests(3)
        .into_iter()
        .filter(|r| r.wanted != Wanted::Generate)
        .collect();
    let want = one_by_one(&alone, &requests).await;
    let asked: Vec<&Request> = requests.iter().collect();
    for _ in 0..2 {
        let got = side_by_side(&sharing, &asked).await;
        for (got, want) in got.iter().zip(&want) {
            must_agree(got, want, 1e-5, "shared and not");
        }
    }
    let told = sharing.activity().expect("it keeps count").shared;
    assert!(told.shared * 10 > told.tokens * 7, "{told:?}");
    let told = alone.activity().expect("it keeps count").shared;
    assert_eq!(told.shared, 0);
}

/// The option that lets a fixture keep so many tokens.
fn ceiling(folder: &Path, tokens: usize) -> String {
    let text = fs::read_to_string(folder.join("config.json")).expect("the configuration");
    let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let count = |key: &str| {
        config[key]
            .as_u64()
            .map(|n| usize::try_from(n).expect("a count"))
    };
    let heads = count("num_attention_heads").expect("heads");
    let width = count("head_dim").unwrap_or(count("hidden_size").expect("a size") / heads);
    let kept = count("num_key_value_heads").unwrap_or(heads);
    let layers = count("num_hidden_layers").expect("layers");
    let bytes = tokens * layers * kept * width * 2 * 4;
    #[allow(clippy::cast_precision_loss)] // a few kilobytes
    let gigabytes = bytes as f64 / 1e9;
    format!("?kv_cache_gb={gigabytes:.9}")
}

#[tokio::test]
async fn a_small_memory_changes_no_answer_and_says_what_does_not_fit() {
    if !has_onnx_runtime() {
        return;
    }
    let folder = Published::new("qwen2");
    let requests = requests(3);
    let want = one_by_one(&open(folder.path(), "").await, &requests).await;
    let longest = {
        let model = open(folder.path(), "").await;
        let tokens = |r: &Request| model.tokens(&r.prompt.display()).expect("tokens").len();
        requests.iter().map(tokens).max().unwrap_or(0)
    };
    // The longest fits, and one or two others beside it.
    let fits = longest + 64;
    let small = open(folder.path(), &ceiling(folder.path(), fits)).await;
    let asked: Vec<&Request> = requests.iter().collect();
    let got = side_by_side(&small, &asked).await;
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        must_agree(got, want, 1e-5, &format!("with little memory, {i}"));
    }
    let long = generate(&"bottles of beer on the wall ".repeat(12), 1);
    let tokens = small.tokens(&long.prompt.display()).expect("tokens").len();
    assert!(tokens > fits, "{tokens} tokens fit");
    let error = small.answer(&long).await.expect_err("it does not fit");
    assert_eq!(error.class, ErrorClass::BadRequest);
    assert!(error.message.contains("kv_cache_gb"), "{error}");
    must_agree(
        &small.answer(&requests[0]).await.expect("an answer"),
        &want[0],
        0.0,
        "afterwards",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_frees_its_place() {
    if !has_onnx_runtime() {
        return;
    }
    let folder = Published::new("qwen2");
    let model = Arc::new(open(folder.path(), &ceiling(folder.path(), 160)).await);
    let again = generate("Ten", 40);
    let want = model.answer(&again).await.expect("an answer");
    let endless: Vec<_> = (0..20)
        .map(|i| {
            let model = Arc::clone(&model);
            tokio::spawn(async move { model.answer(&generate(&format!("{i} bottles"), 90)).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    for task in &endless {
        task.abort();
    }
    let answered = tokio::time::timeout(Duration::from_mins(1), model.answer(&again));
    let answered = answered.await.expect("in time").expect("an answer");
    must_agree(&answered, &want, 0.0, "afterwards");
}

#[tokio::test]
async fn an_export_with_grouped_attention_runs_in_a_batch_too() {
    if !has_onnx_runtime() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let export = fixtures().join("models/qwen2-genai");
    for file in fs::read_dir(&export).expect("the fixture").flatten() {
        fs::copy(file.path(), folder.path().join(file.file_name())).expect("a copy");
    }
    let model = open(folder.path(), "").await;
    let requests = requests(2);
    let alone = one_by_one(&model, &requests).await;
    let asked: Vec<&Request> = requests.iter().rev().collect();
    let together = side_by_side(&model, &asked).await;
    for (i, (got, want)) in together.iter().rev().zip(&alone).enumerate() {
        must_agree(got, want, 1e-5, &format!("{i}"));
    }
    let told = model.activity().expect("it keeps count").shared;
    assert!(told.shared > 0, "{told:?}");
    let same = fs::read(export.join("model.onnx")).expect("the graph");
    assert_eq!(
        fs::read(folder.path().join("model.onnx")).expect("the graph"),
        same
    );
}

#[test]
fn the_certificate_says_what_was_compared() {
    if !has_onnx_runtime() {
        return;
    }
    let (home, folder) = (
        tempfile::tempdir().expect("a folder"),
        Published::new("qwen2"),
    );
    let Some(runtime) = runtime::discover(false).into_iter().next() else {
        return;
    };
    // Rounded weights are kept in a home of the test's own.
    for options in ["", "?weights=int8", "?weights=int4"] {
        let spec = format!("onnx:{}{options}", folder.path().display());
        let mut check = candor(home.path());
        check
            .args(["models", "check", &spec, "--batch-invariance"])
            .env("CANDOR_HOME", home.path())
            .env("ORT_DYLIB_PATH", &runtime.path);
        let told = ran(&mut check).exits_with(0).stdout;
        assert!(
            told.contains("asked 1 at a time, and in other orders 8 and 32 at a time"),
            "{told}"
        );
        assert!(told.contains("texts that differ: 0 of 32"), "{told}");
        assert!(told.contains("of 128 log-likelihoods"), "{told}");
    }
}
