//! Controls of generation: penalties, biases, min-p, answers held to a schema. The same in a batch, one after the other, and over the server's API; refused
//! beforehand where a model does not have them.

use std::path::Path;

use candor::model::onnx::OnnxModel;
use candor::model::{
    Completion, Message, Model as _, ModelSpec, OpenOptions, Parameters, Prompt, Request, Role,
    SampleRef, TokenRequest, TokenText, Wanted,
};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::serve::Served;
use crate::support::{
    Endpoint, Reply, candor, fixtures, has_onnx_runtime, ran, says, sums_suite, undescribed,
};

async fn open(folder: &Path) -> OnnxModel {
    let spec: ModelSpec = format!("onnx:{}", folder.display())
        .parse()
        .expect("a specification");
    let opened = OnnxModel::open(&spec, &OpenOptions::default()).await;
    opened.expect("the model loads")
}

fn request(prompt: &str, parameters: &Value) -> Request {
    Request {
        prompt: Prompt::Text(prompt.into()),
        parameters: serde_json::from_value(parameters.clone()).expect("parameters"),
        wanted: Wanted::Generate,
        about: SampleRef::default(),
    }
}

fn label() -> Value {
    json!({
        "type": "object",
        "properties": {"label": {"enum": ["refusal", "answer"]}, "sure": {"type": "boolean"}},
        "required": ["label", "sure"],
        "additionalProperties": false,
    })
}

fn must_be_of_the_schema(text: &str) {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert!(
        value["label"] == "refusal" || value["label"] == "answer",
        "{text}"
    );
    assert!(value["sure"].is_boolean(), "{text}");
}

/// Each kind of setting, and some together.
fn settings() -> Vec<Value> {
    vec![
        json!({"max_tokens": 24}),
        json!({"max_tokens": 24, "repetition_penalty": 1.7}),
        json!({"max_tokens": 24, "frequency_penalty": 1.5, "presence_penalty": -0.5}),
        json!({"max_tokens": 24, "temperature": 1.3, "seed": 3, "min_p": 0.2}),
        json!({"max_tokens": 24, "temperature": 0.8, "seed": 4, "top_k": 30, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.2, "logit_bias": {"300": 4}}),
        json!({"max_tokens": 200, "temperature": 1.0, "seed": 5, "response_schema": label()}),
        json!({"max_tokens": 200, "response_schema": label(), "frequency_penalty": 0.5}),
    ]
}

#[tokio::test]
async fn controls_do_the_same_in_a_batch_and_one_after_the_other() {
    if !has_onnx_runtime() {
        return;
    }
    // One model in two layouts, of which the first runs one text at a time.
    let undescribed = undescribed("llama-optimum");
    let serial = open(undescribed.path()).await;
    let batch = open(&fixtures().join("models/llama-genai")).await;
    let room = |model: &OnnxModel| model.capabilities().concurrency;
    assert!(room(&serial) < room(&batch));
    let requests: Vec<Request> = settings()
        .iter()
        .map(|parameters| request("Ten green bottles", parameters))
        .collect();
    let asked = requests.iter().map(|request| batch.generate(request));
    let together: Vec<Completion> = join_all(asked)
        .await
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("answers");
    for (request, answer) in requests.iter().zip(&together) {
        let alone = serial.generate(request).await.expect("an answer");
        assert_eq!(alone.text, answer.text, "{:?}", request.parameters);
        assert_eq!(alone.finish, answer.finish);
    }
    let texts: Vec<&str> = together.iter().map(|answer| answer.text.as_str()).collect();
    for held in &texts[5..] {
        must_be_of_the_schema(held);
    }
    // Penalties change what is said, and a text that repeats itself less has more different tokens.
    let different = |text: &str| {
        let mut tokens = batch.tokens(text).expect("tokens");
        let all = tokens.len();
        tokens.sort_unstable();
        tokens.dedup();
        tokens.len() as f64 / all as f64
    };
    assert!(texts[1] != texts[0] && texts[2] != texts[0], "{texts:?}");
    assert!(different(texts[1]) > different(texts[0]), "{texts:?}");
}

#[tokio::test]
async fn a_bias_decides_where_it_is_large_enough_and_names_tokens_that_there_are() {
    if !has_onnx_runtime() {
        return;
    }
    let model = open(&fixtures().join("models/llama-genai")).await;
    let only = model.tokens(" river").expect("tokens");
    let only = *only.last().expect("a token");
    let mut parameters = Parameters {
        max_tokens: 5,
        logit_bias: [(only, 100.0)].into(),
        ..Parameters::default()
    };
    let asked =
        |parameters: &Parameters| request("The", &serde_json::to_value(parameters).expect("JSON"));
    let answer = model
        .generate(&asked(&parameters))
        .await
        .expect("an answer");
    let written = model.tokens(&answer.text).expect("tokens");
    assert!(
        written.iter().filter(|t| **t == only).count() >= 5,
        "{answer:?}"
    );
    parameters.logit_bias = [(1_000_000, 1.0)].into();
    let error = model
        .generate(&asked(&parameters))
        .await
        .expect_err("refused");
    assert!(
        error.message.contains("logit_bias names the token 1000000"),
        "{error}"
    );
}

#[tokio::test]
async fn what_follows_a_template_that_opens_the_tag_is_reasoning_until_it_is_closed() {
    if !has_onnx_runtime() {
        return;
    }
    let folder = undescribed("llama-genai");
    let path = folder.path().join("tokenizer_config.json");
    let config = std::fs::read_to_string(&path).expect("its configuration");
    let opening = config.replace(r"assistant\\n'", r"assistant\\n<think>\\n'");
    assert_ne!(opening, config);
    std::fs::write(&path, opening).expect("written");
    let model = open(folder.path()).await;
    let messages = vec![Message {
        role: Role::User,
        content: "How many bottles?".into(),
    }];
    let prompt = model.chat_text(&messages).expect("a prompt");
    assert!(prompt.ends_with("<think>\n"), "{prompt}");
    let mut asked = request("", &json!({"max_tokens": 12}));
    asked.prompt = Prompt::Chat(messages);
    let answer = model.generate(&asked).await.expect("an answer");
    // What is written when the same text is gone on with, told apart by nobody.
    let plain = TokenRequest {
        text: TokenText::Ids(model.tokens(&prompt).expect("tokens")),
        parameters: asked.parameters,
        echo: false,
        likeliest: 0,
    };
    let by_token = model.by_token().expect("its tokens can be seen");
    let written = by_token.write(&plain, None).await.expect("an answer");
    let whole = written.completion.text;
    assert!(!whole.trim().is_empty());
    assert_eq!(answer.reasoning.as_deref(), Some(whole.trim()));
    assert_eq!(answer.text, "");
}

#[test]
fn the_server_takes_the_controls_by_their_names_in_the_api() {
    if !has_onnx_runtime() {
        return;
    }
    let served = Served::start("demo:open", &[], None);
    let ask = |more: Value| {
        let mut body = json!({"model": "demo:open", "temperature": 0, "max_tokens": 200, "messages": [{"role": "user", "content": "What is the capital of France?"}]});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        served.post("/v1/chat/completions", &body)
    };
    let content = |more: Value| {
        let got = ask(more);
        assert_eq!(got.status, 200, "{:?}", got.json());
        let text = &got.json()["choices"][0]["message"]["content"];
        text.as_str().expect("text").to_owned()
    };
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "label", "schema": label()}});
    must_be_of_the_schema(&content(json!({"response_format": format})));
    must_be_of_the_schema(&content(
        json!({"response_format": format, "temperature": 1.5, "seed": 1, "n": 1}),
    ));
    // A small model that likes line breaks finds an end.
    let held = content(json!({"response_format": format}));
    assert!(!held.contains("\n\n"), "{held:?}");
    let any = content(
        json!({"response_format": {"type": "json_object"}, "frequency_penalty": 1, "temperature": 1, "seed": 2, "max_tokens": 400}),
    );
    assert!(any.starts_with('{'), "{any}");
    let plain = content(json!({"max_tokens": 30}));
    // Where it may not end, it goes on, and repeats itself unless that is penalised.
    let endless = |more: Value| {
        let mut body = json!({"max_tokens": 30, "logit_bias": {"1": -100}});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        content(body)
    };
    let long = endless(json!({}));
    assert!(long.len() > plain.len(), "{long} {plain}");
    assert_ne!(endless(json!({"repetition_penalty": 3})), long);
    assert_ne!(endless(json!({"frequency_penalty": 2})), long);
    assert_eq!(endless(json!({"presence_penalty": 0, "min_p": 0.3})), long);
    let wrong = ask(
        json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "nothing"}}}}),
    );
    assert_eq!(wrong.status, 400);
    let told = wrong.json()["error"]["message"].clone();
    assert!(
        told.as_str().is_some_and(|t| t.contains("JSON schema")),
        "{told}"
    );

    let upstream = Endpoint::new(|_, _| Reply::Json(200, says("Paris.")));
    let far = Served::start(
        &format!("{}?api=responses", upstream.spec("far")),
        &[],
        None,
    );
    let body =
        json!({"model": "far", "min_p": 0.1, "messages": [{"role": "user", "content": "x"}]});
    let refused = far.post("/v1/chat/completions", &body);
    assert_eq!(
        (refused.status, &refused.json()["error"]["param"]),
        (400, &json!("min_p"))
    );
    assert!(upstream.requests().is_empty());
}

#[test]
fn what_a_model_does_not_have_is_refused_before_anything_is_asked() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 3);
    let yaml = suite.join("suite.yaml");
    let written = std::fs::read_to_string(&yaml).expect("the suite");
    let run = |parameters: &str, model: &str| {
        std::fs::write(&yaml, format!("{written}parameters: {parameters}\n")).expect("written");
        let _ = std::fs::remove_dir_all(home.path().join("run"));
        let suite = suite.to_str().expect("UTF-8");
        let arguments = ["run", "-s", suite, "-m", model, "-o", "run", "--no-cache"];
        ran(candor(home.path())
            .env("OPENAI_API_KEY", "key-123456")
            .env("ANTHROPIC_API_KEY", "key-123456")
            .args(arguments))
    };
    let server = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    for (parameters, model, control) in [
        ("{ min_p: 0.1 }", "openai:gpt-4o", "min_p"),
        (
            "{ presence_penalty: 1 }",
            "openai:o3-mini",
            "presence_penalty",
        ),
        ("{ logit_bias: { 7: -100 } }", "anthropic:m", "logit_bias"),
    ] {
        let told = run(parameters, model).exits_with(2).stderr;
        let told: String = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&format!("sets {control}, which")), "{told}");
    }
    let told = run("{ min_p: 3 }", &server.spec("m")).exits_with(2).stderr;
    assert!(told.contains("min_p must be between 0 and 1"), "{told}");
    assert!(server.requests().is_empty());
    run(
        "{ min_p: 0.1, repetition_penalty: 1.2, presence_penalty: 0.5, logit_bias: { 7: -100 } }",
        &server.spec("m"),
    )
    .exits_with(0);
    let sent = server.requests();
    assert_eq!(sent.len(), 3);
    for body in sent {
        assert_eq!(body["min_p"], 0.1);
        assert_eq!(body["repetition_penalty"], 1.2);
        assert_eq!(body["presence_penalty"], 0.5);
        assert_eq!(body["logit_bias"], json!({"7": -100.0}));
        assert!(body.get("frequency_penalty").is_none());
    }
}
