//! Weights as they are published, whose graphs are built here, against Transformers (`tests/fixtures/models/published.py`).

use std::fs;
use std::path::{Path, PathBuf};

use candor::model::onnx::OnnxModel;
use candor::model::{ErrorClass, Model as _, ModelError, ModelSpec, OpenOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::reference::check;
use crate::support::{fixtures, has_onnx_runtime};

/// A model's folder as a repository has it: the fixture's own files, and the tokenizer that all fixtures share.
pub struct Published(TempDir);

impl Published {
    pub fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let models = fixtures().join("models");
        let own = fs::read_dir(models.join("published").join(name)).expect("the fixture");
        let shared = ["tokenizer.json", "tokenizer_config.json"]
            .map(|file| models.join("llama-optimum").join(file));
        for file in own.flatten().map(|e| e.path()).chain(shared) {
            let name = file.file_name().expect("a name");
            fs::copy(&file, folder.path().join(name)).expect("a copy");
        }
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Changes a JSON file of the folder.
    fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let path = self.file(name);
        let text = fs::read_to_string(&path).expect("the file");
        let mut value = serde_json::from_str(&text).expect("JSON");
        change(&mut value);
        fs::write(path, value.to_string()).expect("written");
    }

    /// Changes the header of a safetensors file; the tensors' bytes stay.
    fn edit_header(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let path = self.file(name);
        let bytes = fs::read(&path).expect("the weights");
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        let (header, data) = bytes[8..].split_at(usize::try_from(length).expect("a length"));
        let mut header = serde_json::from_slice(header).expect("JSON");
        change(&mut header);
        let header = header.to_string();
        let length = (header.len() as u64).to_le_bytes();
        fs::write(path, [&length, header.as_bytes(), data].concat()).expect("written");
    }

    fn open(&self) -> Result<OnnxModel, ModelError> {
        let spec: ModelSpec = format!("onnx:{}", self.path().display())
            .parse()
            .expect("a specification");
        tokio::runtime::Runtime::new()
            .expect("a runtime")
            .block_on(OnnxModel::open(&spec, &OpenOptions::default()))
    }

    /// What is said where the folder does not load.
    fn refusal(&self) -> String {
        let error = self.open().err().expect("it does not load");
        assert_eq!(error.class, ErrorClass::Files, "{error}");
        error.message
    }
}

#[test]
fn every_family_agrees_with_transformers() {
    if !has_onnx_runtime() {
        return;
    }
    for name in [
        "llama",
        "llama-dynamic",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma2",
        "gemma3",
        "phi3-short",
        "phi3-long",
    ] {
        let reference = fixtures().join(format!("models/published/{name}.reference.json"));
        let agreement = check(Published::new(name).path(), &reference);
        println!(
            "{name}: {} prompts, worst log-likelihood {:.1e} nats off",
            agreement.prompts, agreement.worst_nats
        );
        agreement.holds_within(1e-4);
    }
}

/// The agreement of a changed copy of a fixture.
fn still_agrees(published: &Published, name: &str) {
    let reference = fixtures().join(format!("models/published/{name}.reference.json"));
    check(published.path(), &reference).holds_within(1e-4);
}

#[test]
fn a_configuration_as_transformers_5_writes_it_means_the_same() {
    if !has_onnx_runtime() {
        return;
    }
    let llama = Published::new("llama");
    llama.edit("config.json", |config| {
        let theta = config["rope_theta"].take();
        let mut rope = config["rope_scaling"].take();
        rope["rope_theta"] = theta;
        config["rope_parameters"] = rope;
    });
    still_agrees(&llama, "llama");
    let gemma = Published::new("gemma3");
    gemma.edit("config.json", |config| {
        let mut full = config["rope_scaling"].take();
        full["rope_theta"] = config["rope_theta"].take();
        let local = config["rope_local_base_freq"].take();
        config["rope_parameters"] = json!({
            "full_attention": full,
            "sliding_attention": {"rope_type": "default", "rope_theta": local},
        });
    });
    still_agrees(&gemma, "gemma3");
}

#[test]
fn of_a_gemma_that_sees_the_text_model_is_loaded() {
    if !has_onnx_runtime() {
        return;
    }
    let gemma = Published::new("gemma3");
    gemma.edit("config.json", |config| {
        let text = config.take();
        *config = json!({
            "architectures": ["Gemma3ForConditionalGeneration"],
            "text_config": text,
            "vision_config": {"hidden_size": 8},
        });
    });
    gemma.edit_header("model.safetensors", |header| {
        let tensors = header.as_object().expect("tensors").clone();
        let renamed = tensors
            .into_iter()
            .map(|(name, place)| match name.as_str() {
                "__metadata__" => (name, place),
                _ => (format!("language_model.{name}"), place),
            });
        *header = Value::Object(renamed.collect());
    });
    still_agrees(&gemma, "gemma3");
}

#[test]
fn weights_that_are_not_whole_are_told() {
    if !has_onnx_runtime() {
        return;
    }
    let says = |published: &Published, parts: &[&str]| {
        let message = published.refusal();
        for part in parts {
            assert!(message.contains(part), "{part:?} in {message}");
        }
    };
    let cut = Published::new("qwen2");
    let bytes = fs::read(cut.file("model.safetensors")).expect("the weights");
    fs::write(cut.file("model.safetensors"), &bytes[..bytes.len() / 2]).expect("half of them");
    says(
        &cut,
        &["model.safetensors", "beyond the file", "Download it again"],
    );

    let liar = Published::new("qwen2");
    liar.edit_header("model.safetensors", |header| {
        header["model.norm.weight"]["data_offsets"] = json!([1u64 << 60, (1u64 << 60) + 64]);
    });
    says(&liar, &["'model.norm.weight'", "beyond the file"]);

    let lost = Published::new("llama");
    let shard = "model-00002-of-00003.safetensors";
    fs::remove_file(lost.file(shard)).expect("it was there");
    says(&lost, &[shard, "The download may be incomplete"]);

    let outside = Published::new("llama");
    let index = "model.safetensors.index.json";
    outside.edit(index, |index| {
        index["weight_map"]["model.norm.weight"] = json!("../elsewhere.safetensors");
    });
    says(
        &outside,
        &["'model.norm.weight'", "../elsewhere.safetensors"],
    );
}

fn rename(header: &mut Value, from: &str, to: &str) {
    let tensors = header.as_object_mut().expect("tensors");
    let place = tensors.remove(from).expect("the tensor");
    tensors.insert(to.into(), place);
}

#[test]
fn tensors_that_do_not_fit_the_architecture_are_named() {
    if !has_onnx_runtime() {
        return;
    }
    let says = |name: &str, change: fn(&mut Value), parts: &[&str]| {
        let published = Published::new("qwen2");
        published.edit_header("model.safetensors", change);
        let message = published.refusal();
        for part in parts {
            assert!(message.contains(part), "{name}: {part:?} in {message}");
        }
    };
    says(
        "missing",
        |header| rename(header, "model.norm.weight", "model.final_norm.weight"),
        &["'model.norm.weight'", "Qwen2ForCausalLM needs"],
    );
    says(
        "misshapen",
        |header| header["model.embed_tokens.weight"]["shape"] = json!([32, 384]),
        &["'model.embed_tokens.weight'", "[32, 384]", "[384, 32]"],
    );
    says(
        "another type",
        |header| header["model.norm.weight"]["dtype"] = json!("I16"),
        &["'model.norm.weight'", "I16", "F32, F16 and BF16"],
    );
    let surplus = Published::new("qwen2");
    surplus.edit("config.json", |config| {
        config["num_hidden_layers"] = json!(1);
        config["layer_types"] = Value::Null;
    });
    let message = surplus.refusal();
    assert!(
        message.contains("no place for: model.layers.1.") && message.contains("more"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_built_is_refused_with_what_can() {
    if !has_onnx_runtime() {
        return;
    }
    let refusal = |change: fn(&mut Value)| {
        let published = Published::new("qwen2");
        published.edit("config.json", change);
        published.refusal()
    };
    let unknown = refusal(|config| config["architectures"] = json!(["MambaForCausalLM"]));
    assert!(
        unknown.contains("MambaForCausalLM is not supported")
            && unknown.contains("Gemma3ForCausalLM"),
        "{unknown}"
    );
    let scaling = refusal(|config| config["rope_scaling"] = json!({"rope_type": "spiral"}));
    assert!(
        scaling.contains("'spiral'") && scaling.contains("longrope"),
        "{scaling}"
    );
    let quantised =
        refusal(|config| config["quantization_config"] = json!({"quant_method": "gptq"}));
    assert!(quantised.contains("quantised (gptq)"), "{quantised}");
    let activation = refusal(|config| config["hidden_act"] = json!("relu"));
    assert!(
        activation.contains("hidden_act must be silu"),
        "{activation}"
    );
    let heads = refusal(|config| config["num_key_value_heads"] = json!(3));
    assert!(heads.contains("3 key-value heads"), "{heads}");

    let tokenizer = Published::new("qwen2");
    tokenizer.edit("tokenizer.json", |tokenizer| {
        tokenizer["model"]["vocab"]["surplus"] = json!(384);
    });
    let message = tokenizer.refusal();
    assert!(
        message.contains("has 385 tokens, but the model only 384"),
        "{message}"
    );
}

#[test]
fn the_identity_changes_with_the_weights_and_the_configuration() {
    if !has_onnx_runtime() {
        return;
    }
    let published = Published::new("qwen2");
    let identity = || {
        let model = published.open().expect("it loads");
        model.identity().fingerprint.clone()
    };
    let first = identity();
    assert_eq!(first, identity());
    published.edit("config.json", |config| config["rope_theta"] = json!(5e5));
    let second = identity();
    let path = published.file("model.safetensors");
    let mut bytes = fs::read(&path).expect("the weights");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(path, bytes).expect("other weights");
    let distinct = std::collections::BTreeSet::from([first, second, identity()]);
    assert_eq!(distinct.len(), 3);
}

#[cfg(unix)]
#[test]
fn weights_behind_the_links_of_the_hubs_cache_are_read_and_others_are_not() {
    use std::os::unix::fs::symlink;

    if !has_onnx_runtime() {
        return;
    }
    let published = Published::new("llama");
    let home = tempfile::tempdir().expect("a folder");
    let (blobs, snapshot) = (home.path().join("blobs"), home.path().join("snapshots/1"));
    fs::create_dir_all(&blobs).expect("a folder");
    fs::create_dir_all(&snapshot).expect("a folder");
    for file in fs::read_dir(published.path())
        .expect("the folder")
        .flatten()
    {
        let name = file.file_name();
        fs::copy(file.path(), blobs.join(&name)).expect("a copy");
        symlink(Path::new("../../blobs").join(&name), snapshot.join(&name)).expect("a link");
    }
    let reference = fixtures().join("models/published/llama.reference.json");
    check(&snapshot, &reference).holds_within(1e-4);

    let shard = "model-00001-of-00003.safetensors";
    let elsewhere = home.path().join("elsewhere.safetensors");
    fs::rename(published.file(shard), &elsewhere).expect("moved");
    symlink(&elsewhere, published.file(shard)).expect("a link");
    let message = published.refusal();
    assert!(message.contains("leads out of"), "{message}");
}
