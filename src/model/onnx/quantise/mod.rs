//! Published weights rounded to 4 or 8 bits, once: the rounded model is kept on this machine as a safetensors file of its own.
//!
//! Rounded are the matrices that rows are multiplied by, the head included; embeddings, norms and biases stay as they are published. A
//! matrix `NAME` is kept as `NAME.blocks` and `NAME.scales` ([`blocks`] says how), everything else under its own name.

mod blocks;
mod write;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::files_error;
use super::runtime::data_directory;
use super::weights::Checkpoint;
use crate::files::{Folder, PlainPath};
use crate::model::{ErrorClass, ModelError, ModelSpec};
pub(super) use blocks::BLOCK;

/// Part of a rounded model's name: another number where the same weights are rounded otherwise than before.
pub(super) const REVISION: u32 = 1;

/// What weights are rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Int4,
    Int8,
}

impl Rounding {
    /// As `?weights=` names it; none where weights stay as they are published.
    ///
    /// # Errors
    /// [`ErrorClass::BadRequest`] names what can be written.
    pub(super) fn read(spec: &ModelSpec) -> Result<Option<Self>, ModelError> {
        match spec.options.get("weights").map(String::as_str) {
            None => Ok(None),
            Some("int4") => Ok(Some(Self::Int4)),
            Some("int8") => Ok(Some(Self::Int8)),
            Some(other) => Err(ModelError::new(
                ErrorClass::BadRequest,
                format!("{spec}: unknown weights '{other}'; write int4 or int8, or leave it out"),
            )),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Int4 => "int4",
            Self::Int8 => "int8",
        }
    }

    /// Bits of one number.
    pub(super) fn bits(self) -> usize {
        match self {
            Self::Int4 => 4,
            Self::Int8 => 8,
        }
    }

    /// Bytes of one block.
    pub(super) fn block_bytes(self) -> usize {
        BLOCK * self.bits() / 8
    }
}

/// What a graph does with the tensors of a model.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Uses {
    /// Matrices to be rounded.
    pub rounded: BTreeSet<String>,
    /// Tensors that stay as they are; embeddings that are the head as well are both.
    pub kept: BTreeSet<String>,
}

/// The tensor of a matrix's rounded numbers.
pub(super) fn blocks_of(name: &str) -> String {
    format!("{name}.blocks")
}

/// The tensor of their scales.
pub(super) fn scales_of(name: &str) -> String {
    format!("{name}.scales")
}

/// The rounded weights of a checkpoint whose files have the given hash: those that are kept, or new ones.
///
/// # Errors
/// [`ErrorClass::Files`] where weights cannot be read or are not numbers, or the rounded ones cannot be written.
pub(super) fn rounded(
    checkpoint: &Checkpoint,
    uses: &Uses,
    rounding: Rounding,
    hash: &blake3::Hash,
) -> Result<Checkpoint, ModelError> {
    let place = data_directory().join("quantised");
    let name = format!(
        "{}-{}-{REVISION}.safetensors",
        hash.to_hex(),
        rounding.name()
    );
    let failed = |e: &dyn std::fmt::Display| {
        let path = place.join(&name);
        files_error(format!(
            "cannot keep the weights rounded to {} in {}: {e}. CANDOR_HOME names another folder",
            rounding.name(),
            path.display()
        ))
    };
    fs::create_dir_all(&place).map_err(|e| failed(&e))?;
    let file: PlainPath = name.parse().map_err(|e| failed(&e))?;
    let open = || {
        let folder = Folder::open(&place).map_err(|e| failed(&e))?;
        Checkpoint::open(&folder, std::slice::from_ref(&file))
    };
    let path = place.join(&name);
    if is_there(&path) {
        match open() {
            Ok(kept) => return Ok(kept),
            Err(error) => tracing::warn!("{error}; the weights are rounded again"),
        }
    }
    write::write(checkpoint, uses, rounding, &path, &failed)?;
    open()
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
