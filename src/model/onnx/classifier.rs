//! A graph that classifies one sequence of tokens: no cache, no generation.

use std::sync::{Mutex, PoisonError};

use ort::session::Session;
use ort::value::Tensor;

use super::cores;
use super::graph::{builder, runtime_error};
use super::{Device, runtime};
use crate::model::ModelError;

/// A graph from a sequence's tokens, in several numberings, and counts to probabilities. Sequences are run side by side, each on a core of
/// its own: a few hundred tokens gain little from more.
pub struct SequenceClassifier {
    bytes: Vec<u8>,
    /// Sessions that nobody uses at the moment; there are never more than cores.
    free: Mutex<Vec<Session>>,
}

impl SequenceClassifier {
    /// Loads a graph from its bytes, with the ONNX Runtime that is there; none is installed for it.
    ///
    /// # Errors
    /// [`ModelError`] if there is no runtime, or it cannot read the graph.
    pub fn new(bytes: Vec<u8>) -> Result<Self, ModelError> {
        let first = session(&bytes)?;
        Ok(Self {
            bytes,
            free: Mutex::new(vec![first]),
        })
    }

    /// The probabilities of one sequence: inputs with a number per token, by name, and `surface`.
    ///
    /// # Errors
    /// [`ModelError`] if the graph cannot be run.
    pub fn run(&self, tokens: &[(&str, &[i64])], surface: &[f32]) -> Result<Vec<f32>, ModelError> {
        let failed = |e: ort::Error| runtime_error(&e);
        let mut inputs = ort::inputs![
            "surface" => Tensor::from_array(([1, surface.len()], surface.to_vec())).map_err(failed)?,
        ];
        for (name, numbers) in tokens {
            let numbers = Tensor::from_array(([1, numbers.len()], numbers.to_vec()));
            inputs.push(((*name).into(), numbers.map_err(failed)?.into()));
        }
        let _core = cores::take(1);
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let found = free().pop();
        let mut session = match found {
            Some(session) => session,
            None => session(&self.bytes)?,
        };
        let outputs = session.run(inputs).map_err(failed)?;
        let (_, values) = outputs[0].try_extract_tensor::<f32>().map_err(failed)?;
        let values = values.to_vec();
        drop(outputs);
        free().push(session);
        Ok(values)
    }
}

fn session(bytes: &[u8]) -> Result<Session, ModelError> {
    let environment = runtime::environment(false, false)?;
    builder(environment, Device::Cpu, 1)?
        .commit_from_memory(bytes)
        .map_err(|e| runtime_error(&e))
}
