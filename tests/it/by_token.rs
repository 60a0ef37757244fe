//! Texts token by token, and texts that are longer than the model's context: in a batch, and one after the other, the same.

use std::fs;

use candor::model::onnx::OnnxModel;
use candor::model::{
    Model as _, ModelSpec, OpenOptions, Parameters, Prompt, Request, SampleRef, TokenRequest,
    TokenText, Wanted,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{fixtures, has_onnx_runtime};

/// Tokens of the smallest context.
const CONTEXT: usize = 16;

/// Two ways to run a model: published weights in a batch, an export of optimum one text after the other.
const MODELS: [&str; 2] = ["published/qwen3", "llama-optimum"];

/// A fixture's folder, with the tokenizer that all share, and a context of so many tokens.
fn folder(name: &str, context: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let models = fixtures().join("models");
    for own in [models.join("llama-optimum"), models.join(name)] {
        for file in fs::read_dir(own).expect("the fixture").flatten() {
            let is_shared = file.file_name().to_string_lossy().starts_with("tokenizer");
            if is_shared || file.path().parent() == Some(models.join(name).as_path()) {
                fs::copy(file.path(), folder.path().join(file.file_name())).expect("a copy");
            }
        }
    }
    let path = folder.path().join("config.json");
    let text = fs::read_to_string(&path).expect("the configuration");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    config["max_position_embeddings"] = json!(context);
    if name == MODELS[1] {
        // What is not described runs as it is, one text after the other.
        config["architectures"] = json!([]);
    }
    fs::write(path, config.to_string()).expect("written");
    folder
}

async fn open(folder: &TempDir) -> OnnxModel {
    let spec = format!("onnx:{}", folder.path().display());
    let spec: ModelSpec = spec.parse().expect("a specification");
    let opened = OnnxModel::open(&spec, &OpenOptions::default()).await;
    opened.expect("the model loads")
}

/// The log-probabilities of a text's tokens, none of the first, and how many tokens were written after it.
async fn read_aloud(model: &OnnxModel, ids: &[u32], more: u32) -> (Vec<Option<f64>>, usize) {
    let request = TokenRequest {
        text: TokenText::Ids(ids.to_vec()),
        parameters: Parameters {
            max_tokens: more,
            ..Parameters::default()
        },
        echo: true,
        likeliest: 0,
    };
    let by_token = model.by_token().expect("its tokens can be seen");
    let written = by_token.write(&request, None).await.expect("an answer");
    let told = written.prompt.iter().map(|token| token.log_probability);
    (told.collect(), written.tokens.len())
}

async fn score(model: &OnnxModel, prompt: &str, continuation: &str) -> f64 {
    let request = Request {
        prompt: Prompt::Text(prompt.into()),
        parameters: Parameters::default(),
        wanted: Wanted::LogLikelihood {
            continuations: vec![continuation.to_owned()],
        },
        about: SampleRef::default(),
    };
    let answer = model.answer(&request).await.expect("a score");
    answer.continuations[0].log_likelihood
}

#[tokio::test]
async fn a_prompt_that_is_read_aloud_is_told_what_it_is_scored() {
    if !has_onnx_runtime() {
        return;
    }
    let (prompt, rest) = ("The river", " is wide and 东京 is far.");
    for name in MODELS {
        let model = open(&folder(name, 256)).await;
        let before = model.tokens(prompt).expect("tokens").len();
        let ids = model.tokens(&format!("{prompt}{rest}")).expect("tokens");
        let want = score(&model, prompt, rest).await;
        let others = (0..3).map(|_| read_aloud(&model, &ids, 2));
        for (told, written) in futures::future::join_all(others).await {
            assert_eq!(
                (told.len(), told[0], written),
                (ids.len(), None, 2),
                "{name}"
            );
            let sum: f64 = told[before..].iter().flatten().sum();
            assert!((sum - want).abs() < 1e-4, "{name}: {sum} and {want}");
        }
        assert_eq!(read_aloud(&model, &ids, 0).await.1, 0, "{name}");
    }
}

#[tokio::test]
async fn a_text_longer_than_the_context_is_scored_in_windows() {
    if !has_onnx_runtime() {
        return;
    }
    let text = "Ten green bottles hang on the wall, and one of them falls. 东京 is far away.";
    for name in MODELS {
        let whole = open(&folder(name, 256)).await;
        let ids = whole.tokens(text).expect("tokens");
        assert!(
            ids.len() > 2 * CONTEXT && ids.len() % CONTEXT != 0,
            "{}",
            ids.len()
        );
        // Every token once, each window as long as the context; the first follows the end-of-text token, which is what these texts begin with.
        let begin = whole.tokens("<|im_end|>").expect("tokens");
        assert_eq!(begin.len(), 1);
        let mut want = 0.0;
        for start in (0..ids.len()).step_by(CONTEXT) {
            let end = (start + CONTEXT).min(ids.len());
            let window = match start {
                0 => [&begin, &ids[..end]].concat(),
                _ => ids[end - CONTEXT - 1..end].to_vec(),
            };
            let (told, _) = read_aloud(&whole, &window, 0).await;
            let new = window.len() - (end - start);
            want += told[new..].iter().flatten().sum::<f64>();
        }
        let small = open(&folder(name, CONTEXT)).await;
        let got = score(&small, "", text).await;
        assert!((got - want).abs() < 1e-3, "{name}: {got} and {want}");
    }
}
