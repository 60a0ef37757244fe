//! The embedded backend on the tiny fixtures, in both layouts, against Transformers.

use std::fs;

use candor::model::onnx::OnnxModel;
use candor::model::{
    ErrorClass, Message, Model, ModelSpec, OpenOptions, Parameters, Prompt, Request, Role,
    SampleRef, Wanted,
};

use crate::reference::check;
use crate::support::{fixtures, has_onnx_runtime, undescribed};

#[test]
fn both_layouts_of_both_architectures_agree_with_transformers() {
    if !has_onnx_runtime() {
        return;
    }
    for architecture in ["llama", "qwen2"] {
        for layout in ["optimum", "genai"] {
            let models = fixtures().join("models");
            let agreement = check(
                &models.join(format!("{architecture}-{layout}")),
                &models.join(format!("{architecture}.reference.json")),
            );
            println!(
                "{architecture}-{layout}: {} prompts, worst log-likelihood {:.1e} nats off",
                agreement.prompts, agreement.worst_nats
            );
            agreement.holds_within(1e-4);
        }
    }
}

#[test]
fn exports_that_can_run_side_by_side_and_one_that_cannot_still_agrees() {
    if !has_onnx_runtime() {
        return;
    }
    let models = fixtures().join("models");
    let concurrency = |folder: &std::path::Path| {
        let model = open(&format!("onnx:{}", folder.display())).expect("it loads");
        model.capabilities().concurrency
    };
    for architecture in ["llama", "qwen2"] {
        for layout in ["optimum", "genai"] {
            let folder = models.join(format!("{architecture}-{layout}"));
            assert_eq!(concurrency(&folder), 32, "{}", folder.display());
        }
        let alone = undescribed(&format!("{architecture}-optimum"));
        assert_eq!(concurrency(alone.path()), 2, "{architecture}");
        let reference = models.join(format!("{architecture}.reference.json"));
        check(alone.path(), &reference).holds_within(1e-4);
    }
}

fn open(spec: &str) -> Result<OnnxModel, candor::model::ModelError> {
    let spec: ModelSpec = spec.parse().expect("a specification");
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(OnnxModel::open(&spec, &OpenOptions::default()))
}

fn ask(model: &OnnxModel, parameters: Parameters) -> String {
    let prompt = Prompt::Chat(vec![Message {
        role: Role::User,
        content: "What is the capital of France?".into(),
    }]);
    let request = Request {
        prompt,
        parameters,
        wanted: Wanted::Generate,
        about: SampleRef::default(),
    };
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(model.generate(&request))
        .expect("an answer")
        .text
}

#[test]
fn a_seed_fixes_what_is_sampled_and_a_stop_string_ends_it() {
    if !has_onnx_runtime() {
        return;
    }
    let model = open(&format!(
        "onnx:{}",
        fixtures().join("models/llama-optimum").display()
    ))
    .expect("the fixture loads");
    let sampled = Parameters {
        max_tokens: 24,
        temperature: 1.0,
        seed: Some(3),
        ..Parameters::default()
    };
    let text = ask(&model, sampled.clone());
    assert_eq!(text, ask(&model, sampled.clone()), "the same seed");
    assert_ne!(
        text,
        ask(
            &model,
            Parameters {
                seed: Some(4),
                ..sampled.clone()
            }
        ),
        "another seed"
    );
    let middle: String = text.chars().skip(6).take(3).collect();
    let stopped = ask(
        &model,
        Parameters {
            stop: vec![middle.clone()],
            ..sampled
        },
    );
    assert_eq!(
        stopped,
        text.split(&middle).next().unwrap_or_default(),
        "the text before the stop string {middle:?}"
    );
}

#[test]
fn what_is_wrong_with_a_folder_is_said() {
    if !has_onnx_runtime() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let copy = |name: &str, leave_out: &str| {
        let target = home.path().join(name);
        fs::create_dir(&target).expect("a folder");
        for entry in fs::read_dir(fixtures().join("models/llama-genai"))
            .expect("the fixture")
            .flatten()
        {
            if entry.file_name() != leave_out {
                fs::copy(entry.path(), target.join(entry.file_name())).expect("a copy");
            }
        }
        target
    };
    let failure = |folder: &std::path::Path| {
        open(&format!("onnx:{}", folder.display()))
            .err()
            .expect("it does not load")
    };
    let no_tokenizer = failure(&copy("no-tokenizer", "tokenizer.json"));
    assert_eq!(no_tokenizer.class, ErrorClass::Files);
    assert!(
        no_tokenizer.message.contains("tokenizer.json")
            && no_tokenizer.message.contains("next to the graph"),
        "{no_tokenizer}"
    );
    let truncated = copy("truncated", "");
    let graph = fs::read(truncated.join("model.onnx")).expect("the graph");
    fs::write(truncated.join("model.onnx"), &graph[..graph.len() / 2]).expect("half the graph");
    assert!(
        failure(&truncated).message.contains("truncated"),
        "{}",
        failure(&truncated)
    );
    let no_weights = copy("no-weights", "model.onnx.data");
    assert!(
        failure(&no_weights).message.contains("model.onnx"),
        "{}",
        failure(&no_weights)
    );
    let short_weights = copy("short-weights", "");
    let weights = fs::read(short_weights.join("model.onnx.data")).expect("the weights");
    fs::write(
        short_weights.join("model.onnx.data"),
        &weights[..weights.len() / 3],
    )
    .expect("a third of the weights");
    assert!(
        failure(&short_weights).message.contains("truncated"),
        "{}",
        failure(&short_weights)
    );
    assert!(
        failure(&home.path().join("nothing"))
            .message
            .contains("is not a directory")
    );
    let empty = home.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    assert!(failure(&empty).message.contains("has no ONNX graph"));
}

#[test]
fn weights_outside_the_models_folder_are_not_read() {
    if !has_onnx_runtime() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let (outside, inside) = (home.path().join("outside"), home.path().join("model"));
    fs::create_dir(&outside).expect("a folder");
    fs::create_dir(&inside).expect("a folder");
    let fixture = fixtures().join("models/llama-genai");
    for file in [
        "genai_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ] {
        fs::copy(fixture.join(file), inside.join(file)).expect("a copy");
    }
    // The same length, so that the graph stays well formed: `model.onnx.data` becomes `../x/onnx.data`.
    let graph = fs::read(fixture.join("model.onnx")).expect("the graph");
    let (name, elsewhere) = (b"model.onnx.data", b"../x/o.onnxdata");
    let mut moved = graph.clone();
    let mut at = 0;
    while let Some(found) = moved[at..].windows(name.len()).position(|w| w == name) {
        moved[at + found..at + found + name.len()].copy_from_slice(elsewhere);
        at += found + name.len();
    }
    assert_ne!(graph, moved);
    fs::write(inside.join("model.onnx"), moved).expect("the graph");
    fs::create_dir(home.path().join("x")).expect("a folder");
    fs::copy(
        fixture.join("model.onnx.data"),
        home.path().join("x/o.onnxdata"),
    )
    .expect("the weights outside");
    let error = open(&format!("onnx:{}", inside.display()))
        .err()
        .expect("weights outside the folder are refused");
    assert_eq!(error.class, ErrorClass::Files, "{error}");
}

#[test]
fn a_device_that_cannot_be_used_fails_and_says_what_is_missing() {
    if !has_onnx_runtime() {
        return;
    }
    if std::path::Path::new("/proc/driver/nvidia/version").exists() {
        crate::support::skipped("this machine has an NVIDIA driver");
        return;
    }
    let error = open(&format!(
        "onnx:{}?device=cuda:0",
        fixtures().join("models/llama-optimum").display()
    ))
    .err()
    .expect("no fallback in silence");
    assert_eq!(error.class, ErrorClass::Runtime);
    assert!(
        error.message.contains("CUDA")
            && (error.message.contains("candor runtime install --gpu")
                || error.message.contains("driver")),
        "{error}"
    );
}

/// A copy of the fixture that keeps its weights next to the graph, under another name of the same length.
fn with_weights_elsewhere(home: &std::path::Path) -> std::path::PathBuf {
    let (fixture, model) = (fixtures().join("models/llama-genai"), home.join("model"));
    fs::create_dir(&model).expect("a folder");
    for entry in fs::read_dir(&fixture).expect("the fixture").flatten() {
        fs::copy(entry.path(), model.join(entry.file_name())).expect("a copy");
    }
    let (name, other) = (b"model.onnx.data", b"all-weights.bin");
    let mut graph = fs::read(model.join("model.onnx")).expect("the graph");
    let mut at = 0;
    while let Some(found) = graph[at..].windows(name.len()).position(|w| w == name) {
        graph[at + found..at + found + name.len()].copy_from_slice(other);
        at += found + name.len();
    }
    assert!(at > 0, "the graph names its weights");
    fs::write(model.join("model.onnx"), graph).expect("the graph");
    fs::rename(model.join("model.onnx.data"), model.join("all-weights.bin")).expect("the weights");
    model
}

#[test]
fn the_identity_holds_all_that_decides_an_answer() {
    if !has_onnx_runtime() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let model = with_weights_elsewhere(home.path());
    let identity = || {
        let opened = open(&format!("onnx:{}", model.display())).expect("it loads");
        opened.identity().fingerprint.clone()
    };
    let mut seen = vec![identity()];
    assert_eq!(seen[0], identity());
    let mut weights = fs::read(model.join("all-weights.bin")).expect("the weights");
    weights[100] ^= 1;
    fs::write(model.join("all-weights.bin"), weights).expect("other weights");
    seen.push(identity());
    fs::write(
        model.join("generation_config.json"),
        "{\"eos_token_id\": 7}",
    )
    .expect("a file");
    seen.push(identity());
    fs::write(
        model.join("chat_template.jinja"),
        "{{ messages[0].content }}",
    )
    .expect("a file");
    seen.push(identity());
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
}

#[test]
fn logits_that_are_not_numbers_are_an_error_in_answers_and_in_log_likelihoods() {
    if !has_onnx_runtime() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let model = with_weights_elsewhere(home.path());
    let size = fs::metadata(model.join("all-weights.bin"))
        .expect("the weights")
        .len();
    // Every bit set is NaN in every floating-point format.
    let nan = vec![0xff; usize::try_from(size).expect("a size")];
    fs::write(model.join("all-weights.bin"), nan).expect("other weights");
    let model = open(&format!("onnx:{}", model.display())).expect("it loads");
    let request = |wanted| Request {
        prompt: Prompt::Text("What is".into()),
        parameters: Parameters::default(),
        wanted,
        about: SampleRef::default(),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let answer = runtime.block_on(model.generate(&request(Wanted::Generate)));
    let continuations = vec![" yes".into(), " no".into()];
    let likelihood = request(Wanted::LogLikelihood { continuations });
    let likelihoods = runtime.block_on(model.log_likelihood(&likelihood));
    for outcome in [answer, likelihoods] {
        let error = outcome.expect_err("no answer is drawn from NaN");
        assert_eq!(error.class, ErrorClass::Runtime, "{error}");
        assert!(error.message.contains("logits"), "{error}");
    }
}
