//! A graph that classifies one sequence of tokens: no cache, no generation.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;

use super::cores;
use super::graph::{builder, runtime_error};
use super::{Device, runtime};
use crate::model::ModelError;

/// A graph from a sequence's tokens, in several numberings, and counts to probabilities. Sequences are run side by side, each on a core of
/// its own: a few hundred tokens gain little from more.
pub struct SequenceClassifier {
    bytes: Arc<[u8]>,
    /// Sessions that nobody uses at the moment; there are never more than cores.
    free: Mutex<Vec<Session>>,
}

impl SequenceClassifier {
    /// Loads a graph from its bytes, with the ONNX Runtime that is there; none is installed for it.
    ///
    /// # Errors
    /// [`ModelError`] if there is no runtime, or it cannot read the graph.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ModelError> {
        let bytes = bytes.into();
        let first = session(&bytes)?;
        Ok(Self {
            bytes,
            free: Mutex::new(vec![first]),
        })
    }

    /// The probabilities of one sequence: inputs with a number per token, and inputs with a row of counts, by name.
    ///
    /// # Errors
    /// [`ModelError`] if the graph cannot be run.
    pub fn run(
        &self,
        tokens: &[(&str, &[i64])],
        counts: &[(&str, &[f32])],
    ) -> Result<Vec<f32>, ModelError> {
        let failed = |e: ort::Error| runtime_error(&e);
        let mut inputs: Vec<(Cow<str>, SessionInputValue)> = Vec::new();
        for (name, row) in counts {
            let row = Tensor::from_array(([1, row.len()], row.to_vec()));
            inputs.push(((*name).into(), row.map_err(failed)?.into()));
        }
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
