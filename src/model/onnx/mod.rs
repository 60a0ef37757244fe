//! Models in this process, through ONNX Runtime: `onnx:DIR?device=cuda:0&threads=2&file=NAME&weights=int4`.
//!
//! A folder loads as it comes: weights as they are published (`config.json`, `model.safetensors`), of which the graph is built here, or a ready-made
//! graph of optimum / onnx-community (`config.json`, `model.onnx`, explicit `position_ids`) or onnxruntime-genai (`genai_config.json`, attention that
//! counts positions itself).

mod build;
mod chat_template;
mod classifier;
mod constraint;
mod cores;
mod engine;
mod exported;
mod extended;
mod external;
mod folder;
#[cfg(fuzzing)]
pub mod fuzzing;
mod generation;
mod graph;
mod job;
mod kept;
mod likelihood;
mod listener;
mod paged;
mod paged_operator;
mod penalties;
mod python;
mod quantise;
pub mod runtime;
mod sampler;
mod serial;
mod spoken;
mod tokenizer;
mod weights;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_trait::async_trait;

use super::error::files_error;
use super::hub;
use super::{
    Activity, ByToken, Capabilities, Completion, Control, ErrorClass, Identity, Message, Model,
    ModelError, ModelSpec, OpenOptions, Parameters, Prompt, Request, Timing, Usage, Wanted,
    reasoning,
};
use build::BuiltGraph;
use chat_template::ChatTemplate;
pub use classifier::SequenceClassifier;
use constraint::Vocabulary;
use engine::{Engine, Limits, Worker};
pub use extended::extended;
pub(super) use folder::EmbeddedFiles;
use folder::{GraphSource, ModelFiles};
use generation::Held;
use graph::Graph;
use ort::environment::Environment;
use paged::{Batch, Keeping, PagedGraph};
pub(crate) use python::method as python_method;
use quantise::Rounding;
use serial::Serial;
use spoken::Split;
use tokenizer::Tokenizer;

/// What a target on the Hugging Face hub begins with.
const HUB: &str = "hf:";

/// Where a graph runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    Cpu,
    Cuda(i32),
    TensorRt(i32),
}

/// A model whose weights are in this process.
pub struct OnnxModel {
    identity: Identity,
    chat_template: Option<ChatTemplate>,
    tokenizer: Arc<Tokenizer>,
    engine: Engine,
    concurrency: usize,
    /// Tokens that the graph gives logits of; 0 where it does not say.
    logits: usize,
    end_tokens: Vec<u32>,
    /// What holds answers to schemas, made when the first is asked for.
    vocabulary: OnceLock<Result<Vocabulary, ModelError>>,
}

/// How a graph is run on this machine.
#[derive(Debug, Clone, Copy)]
struct Settings {
    threads: usize,
    /// Most bytes of keys and values.
    kept: u64,
    keeping: Keeping,
}

impl OnnxModel {
    /// Loads a model folder, or a repository of the Hugging Face hub.
    ///
    /// # Errors
    /// [`ErrorClass::Files`] names the file that is missing or broken; [`ErrorClass::Runtime`] says why ONNX Runtime or a
    /// device cannot be used.
    pub async fn open(spec: &ModelSpec, options: &OpenOptions) -> Result<Self, ModelError> {
        spec.allow_options(&[
            "device",
            "threads",
            "file",
            "weights",
            "kv_cache_gb",
            "share_prefixes",
        ])?;
        let device = parse_device(spec)?;
        let settings = Settings {
            threads: parse_threads(spec)?,
            kept: kept::most_bytes(spec)?,
            keeping: kept::keeping(spec)?,
        };
        let rounding = Rounding::read(spec)?;
        if let (Some(rounding), true) = (rounding, device != Device::Cpu) {
            let name = rounding.name();
            return Err(ModelError::new(
                ErrorClass::BadRequest,
                format!(
                    "{spec}: weights={name} is for the CPU; a GPU computes in the precision of the published weights"
                ),
            ));
        }
        let (spec, may_install, prefer_gpu) = (
            spec.clone(),
            !options.offline,
            options.prefer_gpu || device != Device::Cpu,
        );
        let mut file = spec.options.get("file").cloned();
        let folder = match spec.target.strip_prefix(HUB) {
            Some(written) => {
                let folder = hub::fetch(written, file.as_deref(), options.offline).await?;
                file = file.or_else(|| hub::published(&folder));
                folder
            }
            None => PathBuf::from(&spec.target),
        };
        blocking(move || {
            let wanted = folder::Wanted {
                file,
                rounding,
                device,
            };
            let files = ModelFiles::read(&folder, &wanted)?;
            if device != Device::Cpu {
                runtime::require_gpu()?;
            }
            let environment = runtime::environment(prefer_gpu, may_install)?;
            Self::assemble(&spec, environment, &files, device, settings)
        })
        .await
    }

    /// Loads a model that is compiled into the binary.
    pub(super) async fn embedded(
        spec: &ModelSpec,
        files: EmbeddedFiles,
        may_install: bool,
    ) -> Result<Self, ModelError> {
        let spec = spec.clone();
        blocking(move || {
            let environment = runtime::environment(false, may_install)?;
            let files = files.describe()?;
            let settings = Settings {
                threads: 1,
                kept: kept::most_bytes(&spec)?,
                keeping: Keeping::Prefixes,
            };
            Self::assemble(&spec, environment, &files, Device::Cpu, settings)
        })
        .await
    }

    fn assemble(
        spec: &ModelSpec,
        environment: &Environment,
        files: &ModelFiles,
        device: Device,
        settings: Settings,
    ) -> Result<Self, ModelError> {
        let tokenizer = Arc::new(Tokenizer::new(files)?);
        let (worker, vocabulary) = worker(environment, files, &tokenizer, device, settings)?;
        tokenizer.must_fit(vocabulary)?;
        let chat_template = files
            .chat_template
            .as_deref()
            .map(|source| ChatTemplate::new(source, &files.tokenizer_config))
            .transpose()?;
        let concurrency = worker.concurrency();
        let limits = Limits {
            vocabulary,
            context_length: files.context_length,
        };
        Ok(Self {
            identity: Identity {
                name: spec.display_name(),
                fingerprint: files.fingerprint.clone(),
                spec: spec.to_string(),
            },
            chat_template,
            engine: Engine::start(worker, Arc::clone(&tokenizer), limits),
            tokenizer,
            concurrency,
            logits: vocabulary,
            end_tokens: files.end_tokens.clone(),
            vocabulary: OnceLock::new(),
        })
    }

    /// Token ids of a plain text, with the special tokens that the tokenizer puts around it.
    ///
    /// # Errors
    /// [`ErrorClass::Runtime`] if the tokenizer fails.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.tokenizer.encode(text, true)
    }

    /// A conversation as the model's chat template writes it.
    ///
    /// # Errors
    /// [`ErrorClass::Unsupported`] if the model has no template, [`ErrorClass::BadRequest`] if it does not take the messages.
    pub fn chat_text(&self, messages: &[Message]) -> Result<String, ModelError> {
        self.render(&Prompt::Chat(messages.to_vec()))
            .map(|(text, _)| text)
    }

    /// What an answer is held to; with `opened`, after the reasoning that its prompt opened.
    fn held(&self, parameters: &Parameters, opened: bool) -> Result<Option<Held>, ModelError> {
        let Some(schema) = &parameters.response_schema else {
            return Ok(None);
        };
        let made = || Vocabulary::new(&self.tokenizer, self.logits, &self.end_tokens);
        let vocabulary = self.vocabulary.get_or_init(made);
        let vocabulary = vocabulary.as_ref().map_err(Clone::clone)?;
        Ok(Some(Held {
            constraint: vocabulary.constraint(schema)?,
            after_thought: opened,
        }))
    }

    /// The prompt as text, and whether the tokenizer may add its special tokens to it.
    fn render(&self, prompt: &Prompt) -> Result<(String, bool), ModelError> {
        match prompt {
            Prompt::Text(text) => Ok((text.clone(), true)),
            Prompt::Chat(messages) => match &self.chat_template {
                Some(template) => Ok((template.render(messages)?, false)),
                None => Err(ModelError::new(
                    ErrorClass::Unsupported,
                    format!(
                        "{} has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); prompt it with plain text",
                        self.identity.name
                    ),
                )),
            },
        }
    }
}

/// What runs a folder's graph, side by side where it can, and how many tokens the graph knows.
fn worker(
    environment: &Environment,
    files: &ModelFiles,
    tokenizer: &Arc<Tokenizer>,
    device: Device,
    settings: Settings,
) -> Result<(Worker, usize), ModelError> {
    let batch = |graph: &BuiltGraph, folder: &Path| {
        let graph = PagedGraph::load(environment, graph, folder, settings)?;
        let vocabulary = graph.vocabulary;
        let (own, end_tokens) = (Arc::clone(tokenizer), files.end_tokens.clone());
        let batch = Batch::new(graph, own, end_tokens, settings.keeping);
        Ok((Worker::Batch(batch), vocabulary))
    };
    match &files.graph {
        GraphSource::Built { graph, folder } if device == Device::Cpu => {
            return batch(graph, folder);
        }
        // What ONNX Runtime does not take in another form, it is given as it is.
        GraphSource::File(path) if device == Device::Cpu => {
            let pages = exported::on_pages(path, &files.config);
            let batch = pages.map(|(graph, folder)| batch(&graph, folder));
            if let Some(Ok(batch)) = batch {
                return Ok(batch);
            }
        }
        _ => {}
    }
    let graph = Graph::load(environment, &files.graph, device, settings.threads)?;
    let vocabulary = graph.vocabulary;
    let serial = Serial::new(graph, Arc::clone(tokenizer), files.end_tokens.clone());
    Ok((Worker::Serial(serial), vocabulary))
}

/// What distinguishes reasoning in the answer to a prompt.
fn splitter(prompt: &str) -> Split {
    if reasoning::opens_at_end(prompt) {
        reasoning::split_opened
    } else {
        reasoning::split
    }
}

fn parse_device(spec: &ModelSpec) -> Result<Device, ModelError> {
    let text = spec.options.get("device").map_or("cpu", String::as_str);
    let (kind, number) = text.split_once(':').unwrap_or((text, "0"));
    match (kind, number.parse()) {
        ("cpu", _) => Ok(Device::Cpu),
        ("cuda", Ok(n)) => Ok(Device::Cuda(n)),
        ("tensorrt", Ok(n)) => Ok(Device::TensorRt(n)),
        _ => Err(ModelError::new(
            ErrorClass::BadRequest,
            format!("{spec}: unknown device '{text}'; write cpu, cuda:N or tensorrt:N"),
        )),
    }
}

fn parse_threads(spec: &ModelSpec) -> Result<usize, ModelError> {
    match spec.options.get("threads") {
        None => Ok(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
        Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
            ModelError::new(
                ErrorClass::BadRequest,
                format!("{spec}: threads must be a whole number above 0, not '{text}'"),
            )
        }),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ModelError> + Send + 'static,
) -> Result<T, ModelError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| {
        ModelError::new(
            ErrorClass::Runtime,
            format!("loading the model failed abnormally: {e}"),
        )
    })?
}

#[async_trait]
impl Model for OnnxModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            chat: self.chat_template.is_some(),
            log_likelihood: true,
            concurrency: self.concurrency,
            cacheable: true,
        }
    }

    fn controls(&self) -> Vec<Control> {
        Control::ALL.to_vec()
    }

    fn count_tokens(&self, text: &str) -> Option<u64> {
        let tokens = self.tokenizer.encode(text, true).ok()?;
        Some(tokens.len() as u64)
    }

    fn activity(&self) -> Option<Activity> {
        self.engine.activity()
    }

    fn by_token(&self) -> Option<&dyn ByToken> {
        Some(self)
    }

    async fn generate(&self, request: &Request) -> Result<Completion, ModelError> {
        let started = Instant::now();
        let (prompt, special) = self.render(&request.prompt)?;
        let split = splitter(&prompt);
        let held = self.held(&request.parameters, reasoning::opens_at_end(&prompt))?;
        let tokens = self.tokenizer.encode(&prompt, special)?;
        let (output, usage) = self
            .engine
            .generate(tokens, &request.parameters, None, held)
            .await?;
        let (thought, text) = split(&output.text);
        let mut completion = Completion::text(text);
        completion.reasoning = thought;
        completion.finish = output.finish;
        completion.usage = usage;
        completion.timing = Timing {
            queue: output.queue,
            first_token: Some(output.first_token),
            total: started.elapsed().as_secs_f64(),
        };
        Ok(completion)
    }

    async fn log_likelihood(&self, request: &Request) -> Result<Completion, ModelError> {
        let started = Instant::now();
        let Wanted::LogLikelihood { continuations } = &request.wanted else {
            return Err(ModelError::new(
                ErrorClass::BadRequest,
                "a log-likelihood request has no continuations",
            ));
        };
        let (prompt, special) = self.render(&request.prompt)?;
        let output = self
            .engine
            .log_likelihood(&prompt, special, continuations)
            .await?;
        let mut completion = Completion::text("");
        completion.usage = Usage::new(output.prompt_tokens, 0);
        completion.continuations = output.continuations;
        completion.timing = Timing {
            queue: output.queue,
            first_token: None,
            total: started.elapsed().as_secs_f64(),
        };
        Ok(completion)
    }
}
