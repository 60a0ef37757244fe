//! The tensors of a checkpoint as a graph takes them: each held against what it must be, and at the end none left over.

use std::collections::BTreeMap;

use super::proto::DataType;
use super::writer::{Place, Setting, Value, Writer};
use crate::model::ModelError;
use crate::model::onnx::files_error;
use crate::model::onnx::weights::{Checkpoint, Element};
use crate::text::visible_line;

/// Most tensors that an error names.
const MAX_NAMED: usize = 5;

/// A checkpoint's tensors on their way into a graph.
pub(super) struct Weights<'a> {
    checkpoint: &'a Checkpoint,
    architecture: &'a str,
    taken: BTreeMap<String, Value>,
}

impl<'a> Weights<'a> {
    pub(super) fn new(checkpoint: &'a Checkpoint, architecture: &'a str) -> Self {
        Self {
            checkpoint,
            architecture,
            taken: BTreeMap::new(),
        }
    }

    /// A tensor in single precision, by its name and shape. What is in half precision is cast, once, when the graph is loaded.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Files`] names the tensor that is missing, or of another shape or type.
    pub(super) fn take(
        &mut self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
    ) -> Result<Value, ModelError> {
        self.take_as(writer, name, shape, name)
    }

    /// The same tensor once more under another name: ONNX Runtime keeps a matrix packed, and frees it as it was, only where nothing else needs it.
    pub(super) fn take_again(
        &mut self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
    ) -> Result<Value, ModelError> {
        self.take_as(writer, name, shape, &format!("{name}:again"))
    }

    fn take_as(
        &mut self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
        own: &str,
    ) -> Result<Value, ModelError> {
        if let Some(value) = self.taken.get(own) {
            return Ok(value.clone());
        }
        let (entry, location) = self.checkpoint.get(name).ok_or_else(|| {
            files_error(format!(
                "the weights have no tensor '{name}', which {} needs",
                self.architecture
            ))
        })?;
        let same = entry.shape.len() == shape.len()
            && entry.shape.iter().zip(shape).all(|(a, b)| *a == *b as u64);
        if !same {
            return Err(files_error(format!(
                "the tensor '{name}' has the shape {:?}, but config.json calls for {shape:?}",
                entry.shape
            )));
        }
        let kind = match &entry.element {
            Element::F32 => DataType::Float,
            Element::F16 => DataType::Float16,
            Element::Bf16 => DataType::Bfloat16,
            other @ Element::Other(_) => {
                return Err(files_error(format!(
                    "the tensor '{name}' is of the type {other}; F32, F16 and BF16 are supported"
                )));
            }
        };
        let place = Place {
            location,
            offset: entry.offset,
            length: entry.length,
        };
        let stored = writer.external(own, kind, shape, &place);
        let value = if kind == DataType::Float {
            stored
        } else {
            let to = Setting::Int(i64::from(DataType::Float.number()));
            writer.op("Cast", &[&stored], &[("to", to)])
        };
        self.taken.insert(own.to_owned(), value.clone());
        Ok(value)
    }

    /// # Errors
    /// [`crate::model::ErrorClass::Files`] names tensors that nothing took.
    pub(super) fn finish(self, unused: &[&str]) -> Result<(), ModelError> {
        let surplus: Vec<&str> = self
            .checkpoint
            .names()
            .filter(|name| !self.taken.contains_key(*name))
            .filter(|name| !unused.iter().any(|u| name.starts_with(u)))
            // Tables that early versions of Transformers saved, and the tied head that some do.
            .filter(|name| !name.ends_with("rotary_emb.inv_freq"))
            .filter(|name| !name.ends_with("lm_head.weight"))
            .collect();
        if surplus.is_empty() {
            return Ok(());
        }
        let mut named: Vec<_> = surplus
            .iter()
            .take(MAX_NAMED)
            .map(|n| visible_line(n))
            .collect();
        let more = surplus.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            named.push(format!("{more} more").into());
        }
        Err(files_error(format!(
            "the weights have tensors that {} has no place for: {}. Is this another architecture than config.json says?",
            self.architecture,
            named.join(", ")
        )))
    }
}
