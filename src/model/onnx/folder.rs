//! The files of a model folder, read before any of them is loaded: a ready-made graph in either layout, or weights as they are published.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::build::{self, BuiltGraph};
use super::quantise::{self, Rounding};
use super::weights::{self, Checkpoint};
use super::{Device, external, files_error};
use crate::files::{Folder, PlainPath, decode, without_bom};
use crate::model::{ErrorClass, ModelError};

/// Graph file names tried in order where none is named.
const GRAPHS: &[&str] = &[
    "model.onnx",
    "onnx/model.onnx",
    "decoder_model_merged.onnx",
    "onnx/decoder_model_merged.onnx",
];

/// What a graph is loaded from.
pub(super) enum GraphSource {
    /// A file, with its weights in it or beside it.
    File(PathBuf),
    /// A graph built here; its weights stay in their files, which are below the folder.
    Built { graph: BuiltGraph, folder: PathBuf },
    /// A file compiled into the binary.
    Embedded(&'static [u8]),
}

/// What is to be loaded of a folder.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// A file that somebody named.
    pub file: Option<String>,
    /// What published weights are rounded to.
    pub rounding: Option<Rounding>,
    pub device: Device,
}

/// What a model folder says about itself.
pub(super) struct ModelFiles {
    pub graph: GraphSource,
    /// `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// `tokenizer_config.json`, or null.
    pub tokenizer_config: Value,
    /// `config.json`, or null.
    pub config: Value,
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
            graph: GraphSource::Embedded(self.graph),
            tokenizer: self.tokenizer.to_vec(),
            chat_template: template_of(&tokenizer_config),
            tokenizer_config,
            end_tokens: end_tokens(&[&config]),
            context_length: context_length(&[&config]),
            config,
            fingerprint: hasher.finalize().to_hex().to_string(),
        })
    }
}

impl ModelFiles {
    /// Reads everything but the graph itself.
    pub(super) fn read(folder: &Path, wanted: &Wanted) -> Result<Self, ModelError> {
        if !folder.is_dir() {
            return Err(files_error(format!(
                "{} is not a directory; onnx: expects a model directory that contains model.onnx or model.safetensors, and tokenizer.json",
                folder.display()
            )));
        }
        let folder = Folder::open(folder)
            .map_err(|e| files_error(format!("cannot read {}: {e}", folder.display())))?;
        let mut read = Reader::new(&folder);
        let genai = read.json("genai_config.json")?;
        let found = find(&folder, wanted.file.as_deref(), &genai)?;
        let tokenizer = read.bytes("tokenizer.json")?.ok_or_else(|| {
            files_error(format!(
                "{} is missing. Every model needs its tokenizer.json next to the graph or \
                the weights; copy it from the model's source",
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
        let mut context_length = context_length(&sources);
        let graph = match found {
            Found::Graph(graph) => {
                if let Some(rounding) = wanted.rounding {
                    return Err(already_a_graph(&folder, &graph, rounding));
                }
                read.weights(&graph)?;
                GraphSource::File(graph.below(folder.path()))
            }
            Found::Weights(file) => {
                context_length = build::reach(&config).or(context_length);
                read.published(&file, &config, wanted)?
            }
        };
        Ok(Self {
            graph,
            tokenizer,
            tokenizer_config,
            chat_template,
            end_tokens: end_tokens(&sources),
            context_length,
            config,
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

    /// Published weights, and the graph that is built of them.
    fn published(
        &mut self,
        file: &PlainPath,
        config: &Value,
        wanted: &Wanted,
    ) -> Result<GraphSource, ModelError> {
        let files = match file.as_str() {
            weights::INDEX => weights::shards(&self.json(weights::INDEX)?)?,
            _ => vec![file.clone()],
        };
        let mut checkpoint = Checkpoint::open(self.folder, &files)?;
        let mut form = build::Form::of(wanted.device, &checkpoint);
        let (mut graph, uses) = build::graph(config, &checkpoint, form)?;
        let mut own = blake3::Hasher::new();
        for file in &files {
            own.update(self.content(file)?.as_bytes());
        }
        self.fingerprint.update(&build::REVISION.to_le_bytes());
        if wanted.device != Device::Cpu {
            self.fingerprint.update(form.name().as_bytes());
        }
        if let Some(rounding) = wanted.rounding {
            form = form.rounded(rounding);
            checkpoint = quantise::rounded(&checkpoint, &uses, rounding, &own.finalize())?;
            (graph, _) = build::graph(config, &checkpoint, form)?;
            let identity = format!("{}-{}", rounding.name(), quantise::REVISION);
            self.fingerprint.update(identity.as_bytes());
        }
        Ok(GraphSource::Built {
            graph,
            folder: checkpoint.root().to_path_buf(),
        })
    }

    /// Takes a large file into the fingerprint, and gives its own hash.
    fn content(&mut self, name: &PlainPath) -> Result<blake3::Hash, ModelError> {
        let folder = self.folder;
        let failed = |e: std::io::Error| unreadable(folder, name, &e);
        let file = File::open(folder.file(name).map_err(failed)?).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        self.begin(name, length);
        let mut both = Both {
            whole: &mut self.fingerprint,
            own: blake3::Hasher::new(),
        };
        let mut file = BufReader::with_capacity(1 << 20, file);
        std::io::copy(&mut file, &mut both).map_err(failed)?;
        Ok(both.own.finalize())
    }
}

/// Hashes what is written into it twice: as a part of a whole, and by itself.
struct Both<'h> {
    whole: &'h mut blake3::Hasher,
    own: blake3::Hasher,
}

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.whole.update(bytes);
        self.own.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn already_a_graph(folder: &Folder, graph: &PlainPath, rounding: Rounding) -> ModelError {
    ModelError::new(
        ErrorClass::BadRequest,
        format!(
            "weights={} rounds published weights, but {} is a ready-made graph; name the weights with ?file={}, if the folder has them",
            rounding.name(),
            graph.below(folder.path()).display(),
            weights::WHOLE
        ),
    )
}

fn relative_path(name: &str) -> Result<PlainPath, ModelError> {
    name.parse().map_err(|e| files_error(format!("{e}")))
}

fn unreadable(folder: &Folder, name: &PlainPath, error: &std::io::Error) -> ModelError {
    let path = name.below(folder.path());
    files_error(format!("cannot read {}: {error}", path.display()))
}

/// What a folder has to load.
enum Found {
    Graph(PlainPath),
    /// Weights in one file, or the index of several.
    Weights(PlainPath),
}

impl Found {
    fn of(name: PlainPath) -> Self {
        match name.as_str() {
            other if other == weights::INDEX || other.ends_with(".safetensors") => {
                Self::Weights(name)
            }
            _ => Self::Graph(name),
        }
    }
}

fn find(folder: &Folder, file: Option<&str>, genai: &Value) -> Result<Found, ModelError> {
    let in_config = genai.pointer("/model/decoder/filename");
    if let Some(name) = file.or_else(|| in_config.and_then(Value::as_str)) {
        let name = relative_path(name)?;
        return match folder.file(&name) {
            Ok(_) => Ok(Found::of(name)),
            Err(error) => Err(unreadable(folder, &name, &error)),
        };
    }
    for name in GRAPHS.iter().chain(&[weights::WHOLE, weights::INDEX]) {
        let name = relative_path(name)?;
        match folder.file(&name) {
            Ok(_) => return Ok(Found::of(name)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(folder, &name, &error)),
        }
    }
    Err(files_error(nothing_to_load(folder.path())))
}

fn nothing_to_load(folder: &Path) -> String {
    let mut graphs: Vec<String> = [folder.to_path_buf(), folder.join("onnx")]
        .iter()
        .flat_map(fs::read_dir)
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "onnx"))
        .filter_map(|p| p.strip_prefix(folder).ok().map(|p| p.display().to_string()))
        .collect();
    graphs.sort();
    let shown = folder.display();
    if !graphs.is_empty() {
        let graphs = graphs.join(", ");
        return format!(
            "{shown} has several graphs and none is called model.onnx; choose one with ?file=NAME: {graphs}"
        );
    }
    let pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
    let hint = if pickled.iter().any(|name| folder.join(name).exists()) {
        ". Its pytorch_model.bin is a Python pickle, which is not loaded; save the model as safetensors"
    } else {
        ""
    };
    format!(
        "{shown} has no ONNX graph (looked for {}) and no weights (looked for {}, {}){hint}",
        GRAPHS.join(", "),
        weights::WHOLE,
        weights::INDEX
    )
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
