//! The files of a model folder, in either layout, read before any of them is loaded.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::model::{ErrorClass, ModelError};

/// Graph file names tried in order where none is named.
const GRAPHS: &[&str] = &[
    "model.onnx",
    "onnx/model.onnx",
    "decoder_model_merged.onnx",
    "onnx/decoder_model_merged.onnx",
];

/// What a model folder says about itself.
pub(super) struct ModelFiles {
    /// The graph's path; empty for an embedded model.
    pub graph: PathBuf,
    /// `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// `tokenizer_config.json`, or null.
    pub tokenizer_config: Value,
    /// Jinja source.
    pub chat_template: Option<String>,
    /// Tokens that end an answer.
    pub end_tokens: Vec<u32>,
    /// Most tokens the model can see.
    pub context_length: Option<usize>,
    /// BLAKE3 over graph, weights, tokenizer and template.
    pub fingerprint: String,
}

/// A model folder compiled into the binary.
#[derive(Clone, Copy)]
pub(in crate::model) struct EmbeddedFiles {
    pub graph: &'static [u8],
    pub tokenizer: &'static [u8],
    pub tokenizer_config: &'static str,
    pub config: &'static str,
}

impl EmbeddedFiles {
    pub(super) fn describe(&self) -> Result<ModelFiles, ModelError> {
        let parse = |text| {
            serde_json::from_str::<Value>(text)
                .map_err(|e| files_error(format!("an embedded configuration is broken: {e}")))
        };
        let (config, tokenizer_config) = (parse(self.config)?, parse(self.tokenizer_config)?);
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(self.graph)
            .update(self.tokenizer)
            .update(self.tokenizer_config.as_bytes());
        Ok(ModelFiles {
            graph: PathBuf::new(),
            tokenizer: self.tokenizer.to_vec(),
            chat_template: template_of(&tokenizer_config),
            tokenizer_config,
            end_tokens: end_tokens(&[&config]),
            context_length: context_length(&[&config]),
            fingerprint: hasher.finalize().to_hex().to_string(),
        })
    }
}

impl ModelFiles {
    /// Reads everything but the graph itself.
    pub(super) fn read(folder: &Path, file: Option<&str>) -> Result<Self, ModelError> {
        if !folder.is_dir() {
            return Err(files_error(format!(
                "{} is no folder; onnx: wants a model's folder, with model.onnx and tokenizer.json in it",
                folder.display()
            )));
        }
        let genai = json_file(&folder.join("genai_config.json"))?;
        let graph = find_graph(folder, file, &genai)?;
        let tokenizer_path = folder.join("tokenizer.json");
        let tokenizer = fs::read(&tokenizer_path).map_err(|e| {
            files_error(format!("cannot read {}: {e}. Every model needs its tokenizer.json beside the graph; copy it from where the model came from", tokenizer_path.display()))
        })?;
        let config = json_file(&folder.join("config.json"))?;
        let generation = json_file(&folder.join("generation_config.json"))?;
        let tokenizer_config = json_file(&folder.join("tokenizer_config.json"))?;
        let chat_template = match fs::read_to_string(folder.join("chat_template.jinja")) {
            Ok(source) => Some(source),
            Err(_) => template_of(&tokenizer_config),
        };
        let genai_model = genai.get("model").cloned().unwrap_or(Value::Null);
        let sources = [&generation, &genai_model, &config];
        let fingerprint = fingerprint(&graph, &tokenizer, chat_template.as_deref())?;
        Ok(Self {
            graph,
            tokenizer,
            tokenizer_config,
            chat_template,
            end_tokens: end_tokens(&sources),
            context_length: context_length(&sources),
            fingerprint,
        })
    }
}

fn find_graph(folder: &Path, file: Option<&str>, genai: &Value) -> Result<PathBuf, ModelError> {
    let named = file.or_else(|| {
        genai
            .pointer("/model/decoder/filename")
            .and_then(Value::as_str)
    });
    if let Some(name) = named {
        let inside = Path::new(name)
            .components()
            .all(|c| matches!(c, std::path::Component::Normal(_)));
        let path = folder.join(name);
        if !inside {
            return Err(files_error(format!(
                "'{name}' leaves the model's folder {}",
                folder.display()
            )));
        }
        return if path.is_file() {
            Ok(path)
        } else {
            Err(files_error(format!("there is no {}", path.display())))
        };
    }
    GRAPHS.iter().map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        let mut present: Vec<String> = [folder.to_path_buf(), folder.join("onnx")].iter().flat_map(fs::read_dir).flatten().flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|x| x == "onnx")).filter_map(|p| p.strip_prefix(folder).ok().map(|p| p.display().to_string())).collect();
        present.sort();
        match present.as_slice() {
            [] => files_error(format!("{} holds no ONNX graph (looked for {})", folder.display(), GRAPHS.join(", "))),
            several => files_error(format!("{} holds several graphs and none is called model.onnx; choose one with ?file=NAME: {}", folder.display(), several.join(", "))),
        }
    })
}

/// A JSON file, or null where it is missing.
fn json_file(path: &Path) -> Result<Value, ModelError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|e| files_error(format!("{} is not valid JSON: {e}", path.display()))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(e) => Err(files_error(format!("cannot read {}: {e}", path.display()))),
    }
}

/// `chat_template` is a string, or a list of named ones of which `default` counts.
fn template_of(tokenizer_config: &Value) -> Option<String> {
    match tokenizer_config.get("chat_template")? {
        Value::String(source) => Some(source.clone()),
        Value::Array(named) => named
            .iter()
            .find(|t| t.get("name").and_then(Value::as_str) == Some("default"))
            .or(named.first())?
            .get("template")?
            .as_str()
            .map(str::to_owned),
        _ => None,
    }
}

/// `eos_token_id` of the first source that has one: a number or a list.
fn end_tokens(sources: &[&Value]) -> Vec<u32> {
    let of = |value: &Value| -> Vec<u32> {
        match value {
            Value::Array(many) => many
                .iter()
                .filter_map(Value::as_u64)
                .filter_map(|n| u32::try_from(n).ok())
                .collect(),
            one => one
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .into_iter()
                .collect(),
        }
    };
    sources
        .iter()
        .filter_map(|s| {
            s.get("eos_token_id")
                .or_else(|| s.pointer("/text_config/eos_token_id"))
        })
        .map(of)
        .find(|ids| !ids.is_empty())
        .unwrap_or_default()
}

fn context_length(sources: &[&Value]) -> Option<usize> {
    sources
        .iter()
        .find_map(|s| {
            ["max_position_embeddings", "context_length", "n_positions"]
                .iter()
                .find_map(|k| {
                    s.get(*k)
                        .or_else(|| s.pointer(&format!("/text_config/{k}")))
                        .and_then(Value::as_u64)
                })
        })
        .and_then(|n| usize::try_from(n).ok())
}

/// BLAKE3 over the graph and the weights beside it, the tokenizer and the template.
fn fingerprint(
    graph: &Path,
    tokenizer: &[u8],
    template: Option<&str>,
) -> Result<String, ModelError> {
    let mut hasher = blake3::Hasher::new();
    let mut paths = vec![graph.to_path_buf()];
    let stem = graph
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default()
        .to_owned();
    // External weights lie beside the graph as model.onnx.data, model.onnx_data, model.onnx_data_1 …
    let mut beside: Vec<PathBuf> = graph
        .parent()
        .into_iter()
        .flat_map(fs::read_dir)
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| {
            p.file_name()
                .and_then(|n| n.to_str())
                .is_some_and(|n| n != stem && n.starts_with(&stem))
        })
        .collect();
    beside.sort();
    paths.append(&mut beside);
    for path in paths {
        let file = File::open(&path)
            .map_err(|e| files_error(format!("cannot read {}: {e}", path.display())))?;
        hasher
            .update_reader(file)
            .map_err(|e| files_error(format!("cannot read {}: {e}", path.display())))?;
    }
    hasher
        .update(tokenizer)
        .update(template.unwrap_or_default().as_bytes());
    Ok(hasher.finalize().to_hex().to_string())
}

pub(super) fn files_error(message: String) -> ModelError {
    ModelError::new(ErrorClass::Files, message)
}
