//! The tensors of a checkpoint as a graph takes them: each held against what it must be, and at the end none left over.

use std::collections::BTreeMap;

use super::proto::DataType;
use super::writer::{Place, Value, Writer};
use crate::model::ModelError;
use crate::model::onnx::files_error;
use crate::model::onnx::quantise::{BLOCK, Rounding, Uses, blocks_of, scales_of};
use crate::model::onnx::weights::{Checkpoint, Element, Entry};
use crate::text::visible_line;

/// Most tensors that an error names.
const MAX_NAMED: usize = 5;

/// A checkpoint's tensors on their way into a graph.
pub(super) struct Weights<'a> {
    checkpoint: &'a Checkpoint,
    architecture: &'a str,
    /// What the graph computes in.
    compute: DataType,
    taken: BTreeMap<String, Value>,
    uses: Uses,
}

impl<'a> Weights<'a> {
    pub(super) fn new(
        checkpoint: &'a Checkpoint,
        architecture: &'a str,
        compute: DataType,
    ) -> Self {
        Self {
            checkpoint,
            architecture,
            compute,
            taken: BTreeMap::new(),
            uses: Uses::default(),
        }
    }

    /// A tensor in the type that the graph computes in, by its name and shape. What is in another one is cast, once, when the graph is loaded.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Files`] names the tensor that is missing, or of another shape or type.
    pub(super) fn take(
        &mut self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
    ) -> Result<Value, ModelError> {
        self.uses.kept.insert(name.to_owned());
        self.cast(writer, name, shape, name)
    }

    /// The same of a matrix that rows are multiplied by, which can be rounded.
    pub(super) fn take_matrix(
        &mut self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
    ) -> Result<Value, ModelError> {
        self.uses.rounded.insert(name.to_owned());
        self.cast(writer, name, shape, name)
    }

    /// That matrix, of a tensor that is taken for something else as well, under another name: ONNX Runtime keeps a matrix packed, and frees it as it was,
    /// only where nothing else needs it.
    pub(super) fn take_again(
        &mut self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
    ) -> Result<Value, ModelError> {
        self.uses.rounded.insert(name.to_owned());
        self.cast(writer, name, shape, &format!("{name}:again"))
    }

    fn cast(
        &mut self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
        own: &str,
    ) -> Result<Value, ModelError> {
        if let Some(value) = self.taken.get(own) {
            return Ok(value.clone());
        }
        let (stored, kind) = self.stored(writer, name, shape, own)?;
        let value = if kind == self.compute {
            stored
        } else {
            writer.cast(&stored, self.compute)
        };
        self.taken.insert(own.to_owned(), value.clone());
        Ok(value)
    }

    /// A tensor as its file has it, and its type: for rows of it to be taken out, and only those cast.
    pub(super) fn take_rows(
        &mut self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
    ) -> Result<(Value, DataType), ModelError> {
        let (stored, kind) = self.stored(writer, name, shape, name)?;
        self.taken.insert(name.to_owned(), stored.clone());
        Ok((stored, kind))
    }

    /// A tensor as its file has it, under a name of the graph's own, and its type.
    fn stored(
        &self,
        writer: &mut Writer,
        name: &str,
        shape: &[usize],
        own: &str,
    ) -> Result<(Value, DataType), ModelError> {
        let (entry, location) = self.entry(name, shape)?;
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
        Ok((
            writer.external(own, kind, shape, &place(entry, location)),
            kind,
        ))
    }

    /// A matrix of a rounded checkpoint: its blocks and their scales.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Files`] names the tensor that is missing, or of another shape or type.
    pub(super) fn take_rounded(
        &mut self,
        writer: &mut Writer,
        name: &str,
        [rows, columns]: [usize; 2],
        rounding: Rounding,
    ) -> Result<[Value; 2], ModelError> {
        let count = columns.div_ceil(BLOCK);
        let (blocks, scales) = (blocks_of(name), scales_of(name));
        let shape = [rows, count, rounding.block_bytes()];
        let (entry, location) = self.entry(&blocks, &shape)?;
        if entry.element != Element::Other("U8".into()) {
            let kind = &entry.element;
            return Err(files_error(format!(
                "the tensor '{blocks}' is of the type {kind}, not U8"
            )));
        }
        let place = place(entry, location);
        let numbers = writer.external(&blocks, DataType::Uint8, &shape, &place);
        let (factors, _) = self.stored(writer, &scales, &[rows, count], &scales)?;
        for (name, value) in [(blocks, &numbers), (scales, &factors)] {
            self.taken.insert(name, value.clone());
        }
        Ok([numbers, factors])
    }

    /// A tensor that has the shape it must have, and the location of its file.
    fn entry(&self, name: &str, shape: &[usize]) -> Result<(&'a Entry, &'a str), ModelError> {
        let (entry, location) = self.checkpoint.get(name).ok_or_else(|| {
            files_error(format!(
                "the weights have no tensor '{name}', which {} needs",
                self.architecture
            ))
        })?;
        let same = entry.shape.len() == shape.len()
            && entry.shape.iter().zip(shape).all(|(a, b)| *a == *b as u64);
        if same {
            return Ok((entry, location));
        }
        Err(files_error(format!(
            "the tensor '{name}' has the shape {:?}, but config.json calls for {shape:?}",
            entry.shape
        )))
    }

    /// Whether a tensor is cast to what the graph computes in.
    pub(super) fn is_cast(&self, name: &str) -> bool {
        let entry = self.checkpoint.get(name);
        entry.is_some_and(|(entry, _)| {
            let kept_in = match entry.element {
                Element::F16 => DataType::Float16,
                Element::Bf16 => DataType::Bfloat16,
                _ => DataType::Float,
            };
            kept_in != self.compute
        })
    }

    /// What the graph does with its tensors.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Files`] names tensors that nothing took.
    pub(super) fn finish(self, unused: &[&str]) -> Result<Uses, ModelError> {
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
            return Ok(self.uses);
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

fn place<'e>(entry: &Entry, location: &'e str) -> Place<'e> {
    Place {
        location,
        offset: entry.offset,
        length: entry.length,
    }
}
