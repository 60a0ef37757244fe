//! Published weights rounded to 4 and 8 bits (`?weights=int4|int8`), through the binary.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use candor::model::onnx::runtime;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::published::Published;
use crate::support::{Ran, candor, fixtures, has_onnx_runtime, ran};

/// A home for candor's own files, in which ONNX Runtime need not be installed again.
struct Home {
    folder: TempDir,
    runtime: PathBuf,
}

impl Home {
    fn new() -> Option<Self> {
        if !has_onnx_runtime() {
            return None;
        }
        let found = runtime::discover(false).into_iter().next();
        Some(Self {
            folder: tempfile::tempdir().expect("a folder"),
            runtime: found?.path,
        })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn candor(&self) -> Command {
        let mut command = candor(self.path());
        command
            .env("CANDOR_HOME", self.path())
            .env("ORT_DYLIB_PATH", &self.runtime);
        command
    }

    fn check(&self, spec: &str) -> Ran {
        let asked = ["--json", "--plain", "--prompt", "The river is wide and"];
        let continuations = ["--continuations", " 东京", " a boat", " 0 1 2"];
        ran(self
            .candor()
            .args(["models", "check", spec])
            .args(asked)
            .args(continuations))
    }

    /// Log-likelihoods of three continuations, and the model's identity.
    fn scores(&self, folder: &Path, options: &str) -> (Vec<f64>, String) {
        let done = self
            .check(&format!("onnx:{}{options}", folder.display()))
            .exits_with(0);
        let value: Value = serde_json::from_str(&done.stdout).expect("JSON");
        let scores = value["completion"]["continuations"]
            .as_array()
            .expect("scores");
        let scores = scores
            .iter()
            .map(|s| s["log_likelihood"].as_f64().expect("a number"));
        let identity = value["identity"]["fingerprint"].as_str().expect("text");
        (scores.collect(), identity.to_owned())
    }

    /// The files of rounded weights, and whatever else is in their folder.
    fn kept(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path().join("quantised"));
        let mut kept: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .collect();
        kept.sort();
        kept
    }
}

fn farthest(one: &[f64], other: &[f64]) -> f64 {
    let apart = one.iter().zip(other).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f64::max)
}

#[test]
fn every_family_stays_near_single_precision() {
    let Some(home) = Home::new() else { return };
    for name in [
        "llama",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma2",
        "gemma3",
        "phi3-short",
    ] {
        let published = Published::new(name);
        let (exact, whole) = home.scores(published.path(), "");
        let (eight, of_eight) = home.scores(published.path(), "?weights=int8");
        let (four, of_four) = home.scores(published.path(), "?weights=int4");
        let (near, far) = (farthest(&exact, &eight), farthest(&exact, &four));
        println!("{name}: int8 {near:.4}, int4 {far:.4} nats off");
        assert!(
            near > 0.0 && near < 0.3 && far < 3.0 && near < far,
            "{name}: {near} {far}"
        );
        assert!(whole != of_eight && of_eight != of_four);
    }
}

/// The tensors of a safetensors file: type, shape, bytes.
fn tensors(path: &Path) -> BTreeMap<String, (String, Vec<usize>, Vec<u8>)> {
    let bytes = fs::read(path).expect("the file");
    let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().expect("eight")))
        .expect("a length");
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
    let data = &bytes[8 + length..];
    let read = |place: &Value| {
        let numbers = |key: &str| -> Vec<usize> {
            serde_json::from_value(place[key].clone()).expect("numbers")
        };
        let offsets = numbers("data_offsets");
        let kind = place["dtype"].as_str().expect("a type").to_owned();
        (
            kind,
            numbers("shape"),
            data[offsets[0]..offsets[1]].to_vec(),
        )
    };
    let header = header.as_object().expect("an object");
    let listed = header.iter().filter(|(name, _)| *name != "__metadata__");
    listed
        .map(|(name, place)| (name.clone(), read(place)))
        .collect()
}

/// Numbers of a tensor in single precision.
fn numbers(kind: &str, bytes: &[u8]) -> Vec<f32> {
    match kind {
        "F32" => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().expect("four")))
            .collect(),
        // The upper half of a single.
        "BF16" => bytes
            .chunks_exact(2)
            .map(|b| f32::from_le_bytes([0, 0, b[0], b[1]]))
            .collect(),
        other => panic!("{other}"),
    }
}

/// Writes tensors in single precision.
fn write(path: &Path, tensors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, (shape, numbers)) in tensors {
        let start = data.len();
        data.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        let place = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
        header.insert(name.clone(), place);
    }
    let header = Value::Object(header).to_string();
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length, header.as_bytes(), &data].concat()).expect("written");
}

/// A matrix as its blocks and scales stand for it.
fn restored(blocks: &[u8], scales: &[f32], bits: usize, columns: usize) -> Vec<f32> {
    let levels: Vec<f32> = match bits {
        8 => blocks.iter().map(|b| f32::from(*b) - 128.0).collect(),
        _ => blocks
            .iter()
            .flat_map(|b| [b & 15, b >> 4])
            .map(|b| f32::from(b) - 8.0)
            .collect(),
    };
    let all: Vec<f32> = levels
        .chunks(32)
        .zip(scales)
        .flat_map(|(block, scale)| block.iter().map(move |level| level * scale))
        .collect();
    let padded = columns.div_ceil(32) * 32;
    all.chunks(padded)
        .flat_map(|row| row[..columns].to_vec())
        .collect()
}

#[test]
fn a_rounded_model_computes_with_its_rounded_weights() {
    let Some(home) = Home::new() else { return };
    for (bits, option) in [(8, "?weights=int8"), (4, "?weights=int4")] {
        let published = Published::new("qwen3");
        let (scores, _) = home.scores(published.path(), option);
        let kept = home.kept();
        let name = option.trim_start_matches("?weights=");
        let file = kept
            .iter()
            .find(|f| f.to_string_lossy().contains(name))
            .expect("rounded weights");
        let rounded = tensors(file);
        let path = published.file("model.safetensors");
        let original = tensors(&path);
        let mut in_single = BTreeMap::new();
        let mut matrices = 0;
        for (name, (kind, shape, own)) in &original {
            let mut own_numbers = numbers(kind, own);
            if let Some((_, kept_shape, kept)) = rounded.get(name) {
                assert_eq!((kept_shape, kept), (shape, own), "{name} is kept as it was");
            }
            if let Some((_, _, blocks)) = rounded.get(&format!("{name}.blocks")) {
                matrices += 1;
                let scales = numbers("F32", &rounded[&format!("{name}.scales")].2);
                let restored = restored(blocks, &scales, bits, shape[1]);
                let width = shape[1].div_ceil(32);
                for (i, (one, other)) in own_numbers.iter().zip(&restored).enumerate() {
                    let scale = scales[i / shape[1] * width + i % shape[1] / 32].abs();
                    let apart = (one - other).abs();
                    assert!(apart <= scale * 1.001, "{name}[{i}]: {one} {other} {scale}");
                }
                own_numbers = restored;
            }
            in_single.insert(name.clone(), (shape.clone(), own_numbers));
        }
        // Seven per layer, and the head.
        assert_eq!(matrices, 2 * 7 + 1);
        write(&path, &in_single);
        let (restored, _) = home.scores(published.path(), "");
        // What is left is the rounding of what the matrices are multiplied by: with `accuracy_level` 1, which does without, nothing is.
        let apart = farthest(&scores, &restored);
        println!("{bits} bits: {apart:.5} nats off the same weights in single precision");
        assert!(apart < 0.1, "{bits} bits: {apart}");
    }
}

#[test]
fn weights_are_rounded_once_and_a_file_that_was_cut_is_written_again() {
    let Some(home) = Home::new() else { return };
    let published = Published::new("llama");
    let (first, _) = home.scores(published.path(), "?weights=int4");
    let [file] = home.kept().try_into().expect("one file");
    let written = |file: &Path| {
        fs::metadata(file)
            .and_then(|m| m.modified())
            .expect("a time")
    };
    let then = written(&file);
    assert_eq!(home.scores(published.path(), "?weights=int4").0, first);
    assert_eq!(written(&file), then);
    let whole = fs::read(&file).expect("the file");
    for length in [0, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).expect("cut");
        assert_eq!(home.scores(published.path(), "?weights=int4").0, first);
        assert_eq!(fs::read(&file).expect("the file"), whole);
    }
    // What a process that was ended left behind is not taken for whole.
    fs::remove_file(&file).expect("removed");
    let name = file
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    fs::write(file.with_file_name(format!(".{name}.1-0")), &whole[..100]).expect("written");
    assert_eq!(home.scores(published.path(), "?weights=int4").0, first);
    assert_eq!(fs::read(&file).expect("the file"), whole);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_with_5_and_leaves_nothing() {
    let Some(home) = Home::new() else { return };
    let published = Published::new("qwen2");
    let spec = format!("onnx:{}?weights=int8", published.path().display());
    let binary = assert_cmd::cargo::cargo_bin!("candor");
    let script = format!(
        "ulimit -f 8; exec {} models check '{spec}'",
        binary.display()
    );
    let mut limited = Command::new("bash");
    limited
        .args(["-c", &script])
        .env("CANDOR_HOME", home.path())
        .env("ORT_DYLIB_PATH", &home.runtime);
    ran(&mut limited)
        .exits_with(5)
        .says(&["cannot keep the weights rounded to int8 in"]);
    assert!(home.kept().is_empty(), "{:?}", home.kept());
}

#[test]
fn what_cannot_be_rounded_says_why() {
    let Some(home) = Home::new() else { return };
    let published = Published::new("qwen2");
    let folder = published.path().display();
    home.check(&format!("onnx:{folder}?weights=int3"))
        .exits_with(2)
        .says(&["unknown weights 'int3'; write int4 or int8"]);
    let graph = fixtures().join("models/llama-optimum");
    home.check(&format!("onnx:{}?weights=int4", graph.display()))
        .exits_with(2)
        .says(&[
            "weights=int4 rounds published weights, but",
            "is a ready-made graph",
        ]);
    let path = published.file("model.safetensors");
    let mut bytes = fs::read(&path).expect("the weights");
    let end = bytes.len();
    // Whatever the last tensor is, some number of it is none.
    bytes[end - 256..].fill(0xff);
    fs::write(&path, bytes).expect("written");
    let refused = home.check(&format!("onnx:{folder}?weights=int4"));
    assert_ne!(refused.code, 0);
}
