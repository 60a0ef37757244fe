//! A decoder graph with its KV cache: which inputs it has, and one step through it.

use std::borrow::Cow;
use std::path::Path;

use half::{bf16, f16};
use ort::environment::Environment;
use ort::memory::Allocator;
use ort::session::builder::SessionBuilder;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynTensor, DynValue, Outlet, Shape, Tensor, TensorElementType, ValueType};

use super::Device;
use super::folder::files_error;
use super::runtime;
use crate::model::{ErrorClass, ModelError};

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

pub(super) struct Graph {
    session: Session,
    slots: Vec<CacheSlot>,
    takes_positions: bool,
    takes_cache_branch: bool,
    takes_kept_logits: bool,
    vocabulary: usize,
    /// Threads of the CPU that a step takes.
    pub threads: usize,
}

impl Graph {
    pub(super) fn from_file(
        environment: &Environment,
        path: &Path,
        device: Device,
        threads: usize,
    ) -> Result<Self, ModelError> {
        let mut builder = builder(environment, device, threads)?;
        let session = builder.commit_from_file(path).map_err(|e| {
            let size = std::fs::metadata(path).map_or(0, |m| m.len());
            files_error(format!(
                "ONNX Runtime cannot load {} ({size} bytes): {}. If the file or its \
                external weights are truncated, download them again",
                path.display(),
                e.message()
            ))
        })?;
        Self::new(
            session,
            &path.display().to_string(),
            if device == Device::Cpu { threads } else { 1 },
        )
    }

    pub(super) fn from_memory(environment: &Environment, bytes: &[u8]) -> Result<Self, ModelError> {
        let session = builder(environment, Device::Cpu, 1)?
            .commit_from_memory(bytes)
            .map_err(|e| runtime_error(&e))?;
        Self::new(session, "the embedded graph", 1)
    }

    fn new(session: Session, name: &str, threads: usize) -> Result<Self, ModelError> {
        let mut slots = Vec::new();
        let (mut takes_positions, mut takes_cache_branch, mut takes_kept_logits) =
            (false, false, false);
        for input in session.inputs() {
            match input.name() {
                "input_ids" | "attention_mask" => {}
                "position_ids" => takes_positions = true,
                "use_cache_branch" => takes_cache_branch = true,
                "num_logits_to_keep" => takes_kept_logits = true,
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
            takes_kept_logits,
            vocabulary: usize::try_from(vocabulary).unwrap_or(0),
            threads,
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

    /// Runs tokens through the graph after those in `cache`; `read` gets each token's row of logits. The cache given stays
    /// as it was, so several continuations can start from one context.
    pub(super) fn run(
        &mut self,
        tokens: &[u32],
        cache: &Cache,
        mut read: impl FnMut(usize, &[f32]),
    ) -> Result<Cache, ModelError> {
        let chunk = if self.slots.is_empty() {
            tokens.len()
        } else {
            (MAX_LOGITS_PER_STEP / self.vocabulary.max(1)).clamp(16, 512)
        };
        let mut done: Option<Cache> = None;
        for (i, part) in tokens.chunks(chunk.max(1)).enumerate() {
            let next = self.step(part, done.as_ref().unwrap_or(cache), |row, logits| {
                read(i * chunk + row, logits);
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

    fn step(
        &mut self,
        tokens: &[u32],
        cache: &Cache,
        mut read: impl FnMut(usize, &[f32]),
    ) -> Result<Cache, ModelError> {
        let (count, total) = (tokens.len(), cache.len + tokens.len());
        let as_i64 = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let ids: Vec<i64> = tokens.iter().map(|t| i64::from(*t)).collect();
        let mut inputs: Vec<(Cow<str>, SessionInputValue)> =
            Vec::with_capacity(self.slots.len() + 3);
        inputs.push(("input_ids".into(), tensor([1, count], ids)?));
        inputs.push((
            "attention_mask".into(),
            tensor([1, total], vec![1_i64; total])?,
        ));
        if self.takes_positions {
            inputs.push((
                "position_ids".into(),
                tensor([1, count], (cache.len..total).map(as_i64).collect())?,
            ));
        }
        if self.takes_cache_branch {
            inputs.push((
                "use_cache_branch".into(),
                Tensor::from_array(([1_usize], vec![cache.len > 0]))
                    .map_err(|e| runtime_error(&e))?
                    .into(),
            ));
        }
        if self.takes_kept_logits {
            inputs.push((
                "num_logits_to_keep".into(),
                Tensor::from_array((Shape::new([]), vec![0_i64]))
                    .map_err(|e| runtime_error(&e))?
                    .into(),
            ));
        }
        for (slot, value) in self.slots.iter().zip(&cache.values) {
            inputs.push((slot.input.as_str().into(), value.into()));
        }
        let mut outputs = self.session.run(inputs).map_err(|e| runtime_error(&e))?;
        let logits = outputs
            .remove("logits")
            .ok_or_else(|| files_error("the graph returned no logits".into()))?;
        read_rows(&logits, count, &mut read)?;
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

fn tensor(shape: [usize; 2], values: Vec<i64>) -> Result<SessionInputValue<'static>, ModelError> {
    Ok(Tensor::from_array((shape, values))
        .map_err(|e| runtime_error(&e))?
        .into())
}

/// Hands out logits row by row, as f32 whatever the graph computes in.
fn read_rows(
    logits: &DynValue,
    count: usize,
    read: &mut impl FnMut(usize, &[f32]),
) -> Result<(), ModelError> {
    let ValueType::Tensor { ty, shape, .. } = logits.dtype() else {
        return Err(files_error("output `logits` is not a tensor".into()));
    };
    let width = shape
        .last()
        .and_then(|w| usize::try_from(*w).ok())
        .filter(|w| *w > 0)
        .ok_or_else(|| files_error("the graph's logits are empty".into()))?;
    let mut rows = |values: &[f32]| {
        // A graph may give only the last rows.
        let first = count - (values.len() / width).min(count);
        values
            .chunks_exact(width)
            .take(count)
            .enumerate()
            .for_each(|(row, logits)| read(first + row, logits));
    };
    match ty {
        TensorElementType::Float32 => rows(
            logits
                .try_extract_tensor::<f32>()
                .map_err(|e| runtime_error(&e))?
                .1,
        ),
        TensorElementType::Float16 => rows(
            &logits
                .try_extract_tensor::<f16>()
                .map_err(|e| runtime_error(&e))?
                .1
                .iter()
                .map(|v| v.to_f32())
                .collect::<Vec<_>>(),
        ),
        TensorElementType::Bfloat16 => rows(
            &logits
                .try_extract_tensor::<bf16>()
                .map_err(|e| runtime_error(&e))?
                .1
                .iter()
                .map(|v| v.to_f32())
                .collect::<Vec<_>>(),
        ),
        other => {
            return Err(files_error(format!(
                "output `logits` has the type {other}, which is not supported"
            )));
        }
    }
    Ok(())
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

fn recovered(error: &ort::Error<SessionBuilder>) -> ModelError {
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
