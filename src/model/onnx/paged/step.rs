//! A graph whose attention works on pages, and one step through it: tokens of any texts, one after the other.

use std::borrow::Cow;
use std::path::Path;

use ort::environment::Environment;
use ort::operator::OperatorDomain;
use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;

use super::operator::{Memory, PagedAttention, Part, State};
use super::pages::Pages;
use crate::model::ModelError;
use crate::model::onnx::build::BuiltGraph;
use crate::model::onnx::graph::{
    WEIGHTS_FOLDER, broken_weights, builder, numbers, recovered, runtime_error,
};
use crate::model::onnx::paged_operator::DOMAIN;
use crate::model::onnx::{Device, Settings, files_error};

/// A built graph, and the memory of its attention.
pub(in crate::model::onnx) struct PagedGraph {
    session: Session,
    memory: Memory,
    takes_positions: bool,
    takes_text_length: bool,
    /// Whether a step's tokens are a batch of one row.
    in_batch: bool,
    /// Tokens that it gives logits of.
    pub vocabulary: usize,
    /// The longest text in which a token's keys and values do not depend on how long the text is; any text where none.
    pub steady: Option<usize>,
    /// Threads of the CPU that a step takes.
    pub threads: usize,
}

/// Tokens of a step: of one text after the other.
#[derive(Default)]
pub(super) struct Step {
    pub tokens: Vec<u32>,
    pub positions: Vec<usize>,
    /// The length of each token's text.
    pub text_lengths: Vec<usize>,
    /// The tokens whose logits are wanted, by their numbers in the step.
    pub wanted: Vec<usize>,
    pub parts: Vec<Part>,
}

impl PagedGraph {
    /// Loads a graph whose weights are in files below a folder.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Files`] says what ONNX Runtime has against the weights.
    pub(in crate::model::onnx) fn load(
        environment: &Environment,
        graph: &BuiltGraph,
        folder: &Path,
        settings: Settings,
    ) -> Result<Self, ModelError> {
        let shapes = &graph.layers;
        let memory = Memory::new(Pages::new(shapes.clone(), settings.kept));
        let operator = PagedAttention {
            memory: memory.clone(),
            shapes: shapes.clone(),
        };
        let domain = OperatorDomain::new(DOMAIN).and_then(|domain| domain.add(operator));
        let domain = domain.map_err(|e| runtime_error(&e))?;
        let session = builder(environment, Device::Cpu, settings.threads)?
            .with_operators(domain)
            .map_err(|e| recovered(&e))?
            .with_config_entry(WEIGHTS_FOLDER, folder.to_string_lossy())
            .map_err(|e| recovered(&e))?
            .commit_from_memory(&graph.model)
            .map_err(|e| broken_weights(folder, &e))?;
        let input = |name: &str| session.inputs().iter().find(|i| i.name() == name);
        let takes = |name: &str| input(name).is_some();
        let rank = |name: &str| Some(input(name)?.dtype().tensor_shape()?.len());
        let logits = session.outputs().iter().find(|o| o.name() == "logits");
        let vocabulary = logits
            .and_then(|o| o.dtype().tensor_shape()?.last().copied())
            .and_then(|n| usize::try_from(n).ok());
        Ok(Self {
            takes_positions: takes("position_ids"),
            takes_text_length: takes("text_length"),
            in_batch: rank("input_ids") == Some(2),
            session,
            memory,
            vocabulary: vocabulary.unwrap_or(0),
            steady: graph.steady,
            threads: settings.threads,
        })
    }

    /// Pages, which nobody else uses between steps.
    pub(super) fn with_pages<T>(&self, work: impl FnOnce(&mut Pages) -> T) -> T {
        work(&mut self.memory.lock().pages)
    }

    /// Runs a step; `read` gets each row of logits that is wanted, by its number among those.
    pub(super) fn run(
        &mut self,
        step: Step,
        mut read: impl FnMut(usize, &[f32]),
    ) -> Result<(), ModelError> {
        let wanted = step.wanted.len();
        let ids = step.tokens.iter().map(|t| i64::from(*t)).collect();
        let mut inputs: Vec<(Cow<str>, SessionInputValue)> = vec![
            ("input_ids".into(), row(ids, self.in_batch)?),
            ("wanted_rows".into(), row(counts(&step.wanted), false)?),
        ];
        if self.takes_positions {
            let positions = row(counts(&step.positions), self.in_batch)?;
            inputs.push(("position_ids".into(), positions));
        }
        if self.takes_text_length {
            inputs.push((
                "text_length".into(),
                row(counts(&step.text_lengths), false)?,
            ));
        }
        self.memory.lock().parts = step.parts;
        let outputs = self.session.run(inputs);
        let State { parts, .. } = &mut *self.memory.lock();
        parts.clear();
        let outputs = outputs.map_err(|e| runtime_error(&e))?;
        if wanted == 0 {
            return Ok(());
        }
        let logits = outputs
            .get("logits")
            .ok_or_else(|| files_error("the graph returned no logits".into()))?;
        let (width, values) = numbers(logits)?;
        for (number, logits) in values.chunks_exact(width).take(wanted).enumerate() {
            read(number, logits);
        }
        Ok(())
    }
}

fn counts(values: &[usize]) -> Vec<i64> {
    let count = |n: &usize| i64::try_from(*n).unwrap_or(i64::MAX);
    values.iter().map(count).collect()
}

/// A row of numbers, or a batch of one.
fn row(values: Vec<i64>, in_batch: bool) -> Result<SessionInputValue<'static>, ModelError> {
    let shape = if in_batch {
        vec![1, values.len()]
    } else {
        vec![values.len()]
    };
    let tensor = Tensor::from_array((shape, values));
    Ok(tensor.map_err(|e| runtime_error(&e))?.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl PagedGraph {
    /// The logits of a text's tokens, read in several steps.
    pub(in crate::model::onnx) fn logits(&mut self, steps: &[&[u32]]) -> Vec<f32> {
        let whole: usize = steps.iter().map(|tokens| tokens.len()).sum();
        let table: Vec<_> = self.with_pages(|pages| {
            let pages = (0..whole.div_ceil(super::pages::PAGE)).map(|_| pages.take().unwrap());
            pages.collect()
        });
        let (mut all, mut read) = (Vec::new(), 0);
        for tokens in steps {
            let end = read + tokens.len();
            let step = Step {
                tokens: tokens.to_vec(),
                positions: (read..end).collect(),
                text_lengths: vec![end; tokens.len()],
                wanted: (0..tokens.len()).collect(),
                parts: vec![Part {
                    tokens: tokens.len(),
                    position: read,
                    table: table.clone(),
                }],
            };
            self.run(step, |_, row| all.extend_from_slice(row)).unwrap();
            read = end;
        }
        all
    }
}
