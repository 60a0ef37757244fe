//! A decoder graph with its KV cache: which inputs it has, and one step through it.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use half::{bf16, f16};
use ort::environment::Environment;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::builder::SessionBuilder;
use ort::session::{IoBinding, Session};
use ort::value::{DynTensor, DynValue, Outlet, Shape, Tensor, TensorElementType, ValueType};

use super::files_error;
use super::folder::GraphSource;
use super::runtime;
use super::{Device, exported};
use crate::model::{ErrorClass, ModelError};

/// Where the files are that a graph from memory keeps its weights in.
pub(super) const WEIGHTS_FOLDER: &str = "session.model_external_initializers_file_folder_path";
/// Most tokens of one step.
const MAX_TOKENS_PER_STEP: usize = 512;
/// Most logits of one step, so that a long prompt over a large vocabulary does not fill the memory.
const MAX_LOGITS_PER_STEP: usize = 1 << 25;

/// Keys and values of the tokens seen so far.
pub(super) struct Cache {
    values: Vec<DynValue>,
    /// Tokens seen.
    pub len: usize,
}

/// One input of the graph that carries part of the cache, and the output that continues it.
struct CacheSlot {
    input: String,
    output: String,
    element: TensorElementType,
    /// Batch, heads, sequence, width; sequence is 0 at the start.
    empty: [i64; 4],
}

/// How a graph is told which logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selection {
    /// It gives all.
    None,
    /// By how many at the end (`num_logits_to_keep`).
    Count,
    /// By their numbers (`wanted_rows`): what is not wanted is not computed.
    Numbers,
}

pub(super) struct Graph {
    session: Session,
    slots: Vec<CacheSlot>,
    takes_positions: bool,
    takes_cache_branch: bool,
    takes_text_length: bool,
    selection: Selection,
    /// Tokens that it gives logits of; 0 where it does not say.
    pub vocabulary: usize,
    /// The longest text in which a token's keys and values do not depend on how long the text is; any text where none.
    steady: Option<usize>,
    /// Threads of the CPU that a step takes.
    pub threads: usize,
    /// Where logits are read, and where the cache stays from one step to the next: on the graph's own device.
    host: MemoryInfo<'static>,
    kept: MemoryInfo<'static>,
}

/// Memory of a device.
fn memory(device: Device) -> Result<MemoryInfo<'static>, ModelError> {
    let (kind, number) = match device {
        Device::Cpu => (AllocationDevice::CPU, 0),
        Device::Cuda(number) | Device::TensorRt(number) => (AllocationDevice::CUDA, number),
    };
    MemoryInfo::new(kind, number, AllocatorType::Device, MemoryType::Default)
        .map_err(|e| runtime_error(&e))
}

impl Graph {
    pub(super) fn load(
        environment: &Environment,
        source: &GraphSource,
        device: Device,
        threads: usize,
    ) -> Result<Self, ModelError> {
        let place = Place {
            device,
            threads: if device == Device::Cpu { threads } else { 1 },
        };
        let builder = builder(environment, device, threads);
        match source {
            GraphSource::File(path) => {
                if device == Device::Cpu
                    && let Some(graph) = Self::of_wanted_rows(environment, path, threads)
                {
                    return Ok(graph);
                }
                let session = builder?.commit_from_file(path).map_err(|e| {
                    let size = std::fs::metadata(path).map_or(0, |m| m.len());
                    files_error(format!(
                        "ONNX Runtime cannot load {} ({size} bytes): {}. If the file or its \
                        external weights are truncated, download them again",
                        path.display(),
                        e.message()
                    ))
                })?;
                Self::new(session, &path.display().to_string(), place)
            }
            GraphSource::Built { graph, folder } => {
                let session = builder?
                    .with_config_entry(WEIGHTS_FOLDER, folder.to_string_lossy())
                    .map_err(|e| recovered(&e))?
                    .commit_from_memory(&graph.model)
                    .map_err(|e| broken_weights(folder, &e))?;
                Ok(Self {
                    steady: graph.steady,
                    ..Self::new(session, "the built graph", place)?
                })
            }
            GraphSource::Embedded(bytes) => {
                let session = builder?
                    .commit_from_memory(bytes)
                    .map_err(|e| runtime_error(&e))?;
                Self::new(session, "the embedded graph", place)
            }
        }
    }

    /// An export that computes the logits of the wanted rows alone, where it can be made one.
    fn of_wanted_rows(environment: &Environment, path: &Path, threads: usize) -> Option<Self> {
        let (graph, folder) = exported::of_wanted_rows(path)?;
        let session = builder(environment, Device::Cpu, threads)
            .ok()?
            .with_config_entry(WEIGHTS_FOLDER, folder.to_string_lossy())
            .ok()?
            .commit_from_memory(&graph)
            .inspect_err(|e| tracing::debug!("{}: {}", path.display(), e.message()))
            .ok()?;
        let place = Place {
            device: Device::Cpu,
            threads,
        };
        Self::new(session, &path.display().to_string(), place).ok()
    }

    fn new(session: Session, name: &str, place: Place) -> Result<Self, ModelError> {
        let mut slots = Vec::new();
        let (mut takes_positions, mut takes_cache_branch, mut takes_text_length) =
            (false, false, false);
        let mut selection = Selection::None;
        for input in session.inputs() {
            match input.name() {
                "input_ids" | "attention_mask" => {}
                "position_ids" => takes_positions = true,
                "use_cache_branch" => takes_cache_branch = true,
                "text_length" => takes_text_length = true,
                "num_logits_to_keep" => selection = Selection::Count,
                "wanted_rows" => selection = Selection::Numbers,
                other if other.starts_with("past_key_values.") => slots.push(slot(input, name)?),
                other => {
                    return Err(files_error(format!(
                        "{name} requires an input '{other}', which a decoder-only text model does not have"
                    )));
                }
            }
        }
        for slot in &slots {
            if !session.outputs().iter().any(|o| o.name() == slot.output) {
                return Err(files_error(format!(
                    "{name} has the input {} but no output {}",
                    slot.input, slot.output
                )));
            }
        }
        let vocabulary = session
            .outputs()
            .iter()
            .find(|o| o.name() == "logits")
            .map(|o| {
                o.dtype()
                    .tensor_shape()
                    .and_then(|s| s.last().copied())
                    .unwrap_or(-1)
            });
        let Some(vocabulary) = vocabulary else {
            return Err(files_error(format!(
                "{name} has no output 'logits'; export the model for text generation (optimum: --task text-generation-with-past)"
            )));
        };
        Ok(Self {
            session,
            slots,
            takes_positions,
            takes_cache_branch,
            takes_text_length,
            selection,
            steady: None,
            vocabulary: usize::try_from(vocabulary).unwrap_or(0),
            threads: place.threads,
            host: memory(Device::Cpu)?,
            kept: memory(place.device)?,
        })
    }

    /// The state before any token.
    pub(super) fn empty_cache(&self) -> Result<Cache, ModelError> {
        let allocator = Allocator::default();
        let values = self
            .slots
            .iter()
            .map(|slot| {
                DynTensor::new(&allocator, slot.element, Shape::new(slot.empty))
                    .map(DynTensor::into_dyn)
            })
            .collect::<ort::Result<_>>()
            .map_err(|e| runtime_error(&e))?;
        Ok(Cache { values, len: 0 })
    }

    /// Runs tokens through the graph after those in `cache`; `read` gets the number and the row of logits of each token from `first` on. The cache given
    /// stays as it was, so several continuations can start from one context.
    pub(super) fn run(
        &mut self,
        tokens: &[u32],
        cache: &Cache,
        first: usize,
        mut read: impl FnMut(usize, &[f32]),
    ) -> Result<Cache, ModelError> {
        let chunk = self.chunk(tokens.len(), first).max(1);
        let text_length = cache.len + tokens.len();
        let mut done: Option<Cache> = None;
        for (i, part) in tokens.chunks(chunk).enumerate() {
            let before = i * chunk;
            let part = Part {
                tokens: part,
                text_length,
                wanted: first.saturating_sub(before).min(part.len())..part.len(),
            };
            let next = self.step(&part, done.as_ref().unwrap_or(cache), |row, logits| {
                read(before + row, logits);
            })?;
            done = Some(next);
        }
        done.map_or_else(
            || {
                Err(ModelError::new(
                    ErrorClass::BadRequest,
                    "nothing to run: the prompt has no tokens",
                ))
            },
            Ok,
        )
    }

    /// Whether texts of up to this many tokens can continue from a cache of their beginning.
    pub(super) fn shares_up_to(&self, tokens: usize) -> bool {
        self.steady.is_none_or(|steady| tokens <= steady)
    }

    /// Tokens of one step.
    fn chunk(&self, tokens: usize, first: usize) -> usize {
        if self.slots.is_empty() {
            return tokens;
        }
        let most_rows = MAX_LOGITS_PER_STEP / self.vocabulary.max(1);
        let few = self.selection == Selection::Numbers && tokens.saturating_sub(first) <= most_rows;
        if few {
            MAX_TOKENS_PER_STEP
        } else {
            most_rows.clamp(16, MAX_TOKENS_PER_STEP)
        }
    }

    fn step(
        &mut self,
        part: &Part,
        cache: &Cache,
        read: impl FnMut(usize, &[f32]),
    ) -> Result<Cache, ModelError> {
        let tokens = part.tokens;
        let (count, total) = (tokens.len(), cache.len + tokens.len());
        let as_i64 = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let ids: Vec<i64> = tokens.iter().map(|t| i64::from(*t)).collect();
        let mut inputs: Vec<(&str, DynValue)> = vec![
            ("input_ids", tensor([1, count], ids)?),
            ("attention_mask", tensor([1, total], vec![1_i64; total])?),
        ];
        if self.takes_positions {
            let positions = (cache.len..total).map(as_i64).collect();
            inputs.push(("position_ids", tensor([1, count], positions)?));
        }
        if self.takes_cache_branch {
            let branch = Tensor::from_array(([1_usize], vec![cache.len > 0]));
            let branch = branch.map_err(|e| runtime_error(&e))?;
            inputs.push(("use_cache_branch", branch.into_dyn()));
        }
        if self.takes_text_length {
            inputs.push(("text_length", scalar(as_i64(part.text_length))?));
        }
        match self.selection {
            Selection::None => {}
            // 0 means all.
            Selection::Count => {
                let kept = count - part.wanted.start.min(count - 1);
                inputs.push(("num_logits_to_keep", scalar(as_i64(kept))?));
            }
            Selection::Numbers => {
                let wanted: Vec<i64> = part.wanted.clone().map(as_i64).collect();
                let wanted = Tensor::from_array(([wanted.len()], wanted));
                let wanted = wanted.map_err(|e| runtime_error(&e))?;
                inputs.push(("wanted_rows", wanted.into_dyn()));
            }
        }
        let binding = self.bound(&inputs, cache).map_err(|e| runtime_error(&e))?;
        let ran = self.session.run_binding(&binding);
        let mut outputs = ran.map_err(|e| runtime_error(&e))?;
        let arrived = binding.synchronize_outputs();
        arrived.map_err(|e| runtime_error(&e))?;
        let logits = outputs
            .remove("logits")
            .ok_or_else(|| files_error("the graph returned no logits".into()))?;
        part.read(self.selection, &logits, read)?;
        let values = self
            .slots
            .iter()
            .map(|slot| {
                outputs
                    .remove(&slot.output)
                    .ok_or_else(|| files_error(format!("the graph returned no {}", slot.output)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Cache { values, len: total })
    }
}

impl Graph {
    /// The inputs of a step, and where its outputs go: the cache stays on the device, and only logits come to the host.
    fn bound(&self, inputs: &[(&str, DynValue)], cache: &Cache) -> ort::Result<IoBinding> {
        let mut binding = self.session.create_binding()?;
        for (name, value) in inputs {
            binding.bind_input(*name, value)?;
        }
        for (slot, value) in self.slots.iter().zip(&cache.values) {
            binding.bind_input(&slot.input, value)?;
        }
        binding.bind_output_to_device("logits", &self.host)?;
        for slot in &self.slots {
            binding.bind_output_to_device(&slot.output, &self.kept)?;
        }
        Ok(binding)
    }
}

/// Where a graph runs, and how many threads of the CPU it takes.
#[derive(Clone, Copy)]
struct Place {
    device: Device,
    threads: usize,
}

/// Tokens of one step.
struct Part<'a> {
    tokens: &'a [u32],
    /// Tokens of the whole text that they are a part of.
    text_length: usize,
    /// Whose logits are wanted.
    wanted: Range<usize>,
}

impl Part<'_> {
    /// Hands out the rows that are wanted.
    fn read(
        &self,
        selection: Selection,
        logits: &DynValue,
        mut read: impl FnMut(usize, &[f32]),
    ) -> Result<(), ModelError> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        let (width, values) = numbers(logits)?;
        let (rows, count) = (values.len() / width, self.tokens.len());
        let first = match selection {
            Selection::Numbers => self.wanted.start,
            // A graph may give only the last rows.
            Selection::None | Selection::Count => count.saturating_sub(rows),
        };
        for (row, logits) in (first..count).zip(values.chunks_exact(width)) {
            if self.wanted.contains(&row) {
                read(row, logits);
            }
        }
        Ok(())
    }
}

/// What ONNX Runtime has against a built graph, which is well formed: its weights.
pub(super) fn broken_weights(folder: &Path, error: &ort::Error) -> ModelError {
    let (folder, why) = (folder.display(), error.message());
    files_error(format!(
        "ONNX Runtime cannot load the weights in {folder}: {why}. If a file is truncated, download it again"
    ))
}

fn scalar(value: i64) -> Result<DynValue, ModelError> {
    let tensor = Tensor::from_array((Shape::new([]), vec![value]));
    Ok(tensor.map_err(|e| runtime_error(&e))?.into_dyn())
}

fn tensor(shape: [usize; 2], values: Vec<i64>) -> Result<DynValue, ModelError> {
    let tensor = Tensor::from_array((shape, values));
    Ok(tensor.map_err(|e| runtime_error(&e))?.into_dyn())
}

/// The width of a row of logits and all rows, as f32 whatever the graph computes in.
pub(super) fn numbers(logits: &DynValue) -> Result<(usize, Cow<'_, [f32]>), ModelError> {
    let ValueType::Tensor { ty, shape, .. } = logits.dtype() else {
        return Err(files_error("output `logits` is not a tensor".into()));
    };
    let width = shape
        .last()
        .and_then(|w| usize::try_from(*w).ok())
        .filter(|w| *w > 0)
        .ok_or_else(|| files_error("the graph's logits are empty".into()))?;
    let failed = |e: ort::Error| runtime_error(&e);
    let values: Cow<[f32]> = match ty {
        TensorElementType::Float32 => {
            let (_, values) = logits.try_extract_tensor::<f32>().map_err(failed)?;
            values.into()
        }
        TensorElementType::Float16 => {
            let (_, values) = logits.try_extract_tensor::<f16>().map_err(failed)?;
            values.iter().map(|v| v.to_f32()).collect()
        }
        TensorElementType::Bfloat16 => {
            let (_, values) = logits.try_extract_tensor::<bf16>().map_err(failed)?;
            values.iter().map(|v| v.to_f32()).collect()
        }
        other => {
            return Err(files_error(format!(
                "output `logits` has the type {other}, which is not supported"
            )));
        }
    };
    Ok((width, values))
}

fn slot(input: &Outlet, graph: &str) -> Result<CacheSlot, ModelError> {
    let name = input.name();
    match input.dtype() {
        ValueType::Tensor { ty, shape, .. } if shape.len() == 4 && shape[1] > 0 && shape[3] > 0 => {
            Ok(CacheSlot {
                input: name.to_owned(),
                output: name.replacen("past_key_values", "present", 1),
                element: *ty,
                empty: [1, shape[1], 0, shape[3]],
            })
        }
        other => Err(files_error(format!(
            "{graph}: the cache input {name} has the type {other}, not [batch, heads, sequence, width] with heads and width known"
        ))),
    }
}

pub(super) fn builder(
    environment: &Environment,
    device: Device,
    threads: usize,
) -> Result<SessionBuilder, ModelError> {
    let builder = SessionBuilder::new(environment).map_err(|e| runtime_error(&e))?;
    let builder = builder
        .with_intra_threads(threads)
        .map_err(|e| recovered(&e))?;
    let provider = match device {
        Device::Cpu => return Ok(builder),
        Device::Cuda(id) => ort::ep::CUDA::default().with_device_id(id).build(),
        Device::TensorRt(id) => ort::ep::TensorRT::default().with_device_id(id).build(),
    };
    let name = provider.name();
    builder
        .with_execution_providers([provider.error_on_failure()])
        .map_err(|e| {
            ModelError::new(
                ErrorClass::Runtime,
                runtime::explain_device_failure(name, e.message()),
            )
        })
}

pub(super) fn recovered(error: &ort::Error<SessionBuilder>) -> ModelError {
    ModelError::new(
        ErrorClass::Runtime,
        format!("ONNX Runtime: {}", error.message()),
    )
}

pub(super) fn runtime_error(error: &ort::Error) -> ModelError {
    ModelError::new(
        ErrorClass::Runtime,
        format!("ONNX Runtime: {}", error.message()),
    )
}
