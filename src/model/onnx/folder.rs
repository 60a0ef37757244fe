//! The files of a model folder, in either layout, read before any of them is loaded.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::external;
use crate::files::{Folder, PlainPath, decode, without_bom};
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
    /// BLAKE3 over everything that decides an answer: graph, weights, tokenizer, template and configurations.
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
                .map_err(|e| files_error(format!("an embedded configuration is invalid: {e}")))
        };
        let (config, tokenizer_config) = (parse(self.config)?, parse(self.tokenizer_config)?);
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(self.graph)
            .update(self.tokenizer)
            .update(self.tokenizer_config.as_bytes())
            .update(self.config.as_bytes());
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
                "{} is not a directory; onnx: expects a model directory that contains model.onnx and tokenizer.json",
                folder.display()
            )));
        }
        let folder = Folder::open(folder)
            .map_err(|e| files_error(format!("cannot read {}: {e}", folder.display())))?;
        let mut read = Reader::new(&folder);
        let genai = read.json("genai_config.json")?;
        let graph = find_graph(&folder, file, &genai)?;
        let tokenizer = read.bytes("tokenizer.json")?.ok_or_else(|| {
            files_error(format!(
                "{} is missing. Every model needs its tokenizer.json next to the \
                graph; copy it from the model's source",
                folder.path().join("tokenizer.json").display()
            ))
        })?;
        let config = read.json("config.json")?;
        let generation = read.json("generation_config.json")?;
        let tokenizer_config = read.json("tokenizer_config.json")?;
        let chat_template = match read.bytes("chat_template.jinja")? {
            Some(bytes) => Some(decode(bytes).map_err(|e| {
                files_error(format!(
                    "{}/chat_template.jinja: {e}",
                    folder.path().display()
                ))
            })?),
            None => template_of(&tokenizer_config),
        };
        let genai_model = genai.get("model").cloned().unwrap_or(Value::Null);
        let sources = [&generation, &genai_model, &config];
        read.weights(&graph)?;
        Ok(Self {
            graph: graph.below(folder.path()),
            tokenizer,
            tokenizer_config,
            chat_template,
            end_tokens: end_tokens(&sources),
            context_length: context_length(&sources),
            fingerprint: read.fingerprint.finalize().to_hex().to_string(),
        })
    }
}

/// Reads a folder's files, and takes each into the fingerprint under its name and length.
struct Reader<'a> {
    folder: &'a Folder,
    fingerprint: blake3::Hasher,
}

impl<'a> Reader<'a> {
    fn new(folder: &'a Folder) -> Self {
        Self {
            folder,
            fingerprint: blake3::Hasher::new(),
        }
    }

    fn begin(&mut self, name: &PlainPath, length: u64) {
        self.fingerprint
            .update(name.as_str().as_bytes())
            .update(&[0])
            .update(&length.to_le_bytes());
    }

    /// A file's bytes; none if it is missing.
    fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, ModelError> {
        let name: PlainPath = relative_path(name)?;
        let path = match self.folder.file(&name) {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(self.folder, &name, &error)),
        };
        let bytes = fs::read(path).map_err(|e| unreadable(self.folder, &name, &e))?;
        self.begin(&name, bytes.len() as u64);
        self.fingerprint.update(&bytes);
        Ok(Some(bytes))
    }

    /// A JSON file, or null if it is missing.
    fn json(&mut self, name: &str) -> Result<Value, ModelError> {
        self.bytes(name)?.map_or(Ok(Value::Null), |bytes| {
            let path = self.folder.path().join(name);
            serde_json::from_slice(without_bom(&bytes))
                .map_err(|e| files_error(format!("{} is not valid JSON: {e}", path.display())))
        })
    }

    /// The graph and every file that it keeps weights in, none of them held in memory.
    fn weights(&mut self, graph: &PlainPath) -> Result<(), ModelError> {
        let path = graph.below(self.folder.path());
        let locations = File::open(&path).and_then(external::locations);
        let locations = locations.map_err(|e| {
            files_error(format!(
                "cannot read {}: {e}. If it is truncated, download it again",
                path.display()
            ))
        })?;
        self.content(graph)?;
        for location in locations {
            // Locations are relative to the graph's own folder.
            let beside = match graph.as_str().rsplit_once('/') {
                Some((parent, _)) => format!("{parent}/{location}"),
                None => location.clone(),
            };
            let inside = location.parse::<PlainPath>().and_then(|_| beside.parse());
            let named = |e: &dyn std::fmt::Display| {
                files_error(format!(
                    "{} keeps weights in '{location}': {e}",
                    path.display()
                ))
            };
            let file: PlainPath = inside.map_err(|e| named(&e))?;
            self.content(&file).map_err(|e| named(&e))?;
        }
        Ok(())
    }

    fn content(&mut self, name: &PlainPath) -> Result<(), ModelError> {
        let folder = self.folder;
        let failed = |e: std::io::Error| unreadable(folder, name, &e);
        let file = File::open(folder.file(name).map_err(failed)?).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        self.begin(name, length);
        self.fingerprint.update_reader(file).map_err(failed)?;
        Ok(())
    }
}

fn relative_path(name: &str) -> Result<PlainPath, ModelError> {
    name.parse().map_err(|e| files_error(format!("{e}")))
}

fn unreadable(folder: &Folder, name: &PlainPath, error: &std::io::Error) -> ModelError {
    let path = name.below(folder.path());
    files_error(format!("cannot read {}: {error}", path.display()))
}

fn find_graph(folder: &Folder, file: Option<&str>, genai: &Value) -> Result<PlainPath, ModelError> {
    let in_config = genai.pointer("/model/decoder/filename");
    if let Some(name) = file.or_else(|| in_config.and_then(Value::as_str)) {
        let name = relative_path(name)?;
        return match folder.file(&name) {
            Ok(_) => Ok(name),
            Err(error) => Err(unreadable(folder, &name, &error)),
        };
    }
    for name in GRAPHS {
        let name = relative_path(name)?;
        match folder.file(&name) {
            Ok(_) => return Ok(name),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(folder, &name, &error)),
        }
    }
    let folder = folder.path();
    let mut present: Vec<String> = [folder.to_path_buf(), folder.join("onnx")]
        .iter()
        .flat_map(fs::read_dir)
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "onnx"))
        .filter_map(|p| p.strip_prefix(folder).ok().map(|p| p.display().to_string()))
        .collect();
    present.sort();
    Err(files_error(if present.is_empty() {
        format!(
            "{} has no ONNX graph (looked for {})",
            folder.display(),
            GRAPHS.join(", ")
        )
    } else {
        format!(
            "{} has several graphs and none is called model.onnx; choose one with ?file=NAME: {}",
            folder.display(),
            present.join(", ")
        )
    }))
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

pub(super) fn files_error(message: String) -> ModelError {
    ModelError::new(ErrorClass::Files, message)
}
