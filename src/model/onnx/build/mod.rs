//! ONNX graphs built from published weights: `config.json` says which family and of what size, the tensors stay where they are in their files.
//!
//! A family is one file, which says how its models depart from the usual decoder, and one line in [`FAMILIES`].

mod blocks;
mod config;
mod decoder;
mod exported;
mod gemma;
mod llama;
mod phi3;
mod proto;
mod qwen2;
mod qwen3;
mod rotary;
mod shared;
mod weights;
mod writer;

use serde_json::Value;

use super::files_error;
use super::paged_operator::LayerShape;
use super::weights::Checkpoint;
use crate::model::ModelError;
use crate::text::visible_line;
use blocks::Builder;
use config::Config;
use decoder::Decoder;
pub(super) use exported::{ExportFile, MAX_BYTES, of_wanted_rows, on_pages};
use rotary::Rotary;
use weights::Weights;

/// Part of a model's identity: another number where graphs of the same weights compute otherwise than before.
pub(super) const REVISION: u32 = 2;

type Describe = fn(Config) -> Result<Decoder, ModelError>;

/// The architectures that graphs are built of, as `config.json` names them.
const FAMILIES: &[(&str, Describe)] = &[
    ("LlamaForCausalLM", llama::describe),
    ("MistralForCausalLM", llama::describe_mistral),
    ("Qwen2ForCausalLM", qwen2::describe),
    ("Qwen3ForCausalLM", qwen3::describe),
    ("Gemma2ForCausalLM", gemma::describe_2),
    ("Gemma3ForCausalLM", gemma::describe_3),
    ("Gemma3ForConditionalGeneration", gemma::describe_3_seeing),
    ("Phi3ForCausalLM", phi3::describe),
];

/// The graph of a model.
pub(super) struct BuiltGraph {
    /// A `ModelProto`. Inputs, a number per token of a step: `input_ids`, `position_ids` (in its own text), and where that matters `text_length` (of its
    /// text); and `wanted_rows`, which of the step's tokens to give logits of. Output: `logits` (wanted × vocabulary). Attention keeps what was before.
    pub model: Vec<u8>,
    /// What each layer's attention keeps of a token.
    pub layers: Vec<LayerShape>,
    /// The longest text in which a token's keys and values do not depend on how long the text is; any text where none.
    pub steady: Option<usize>,
}

/// Builds the graph of a model.
///
/// # Errors
/// [`crate::model::ErrorClass::Files`] names the architecture, key or tensor that does not fit.
pub(super) fn graph(config: &Value, checkpoint: &Checkpoint) -> Result<BuiltGraph, ModelError> {
    if let Some(quantised) = config.get("quantization_config").filter(|q| !q.is_null()) {
        let method = quantised.get("quant_method").and_then(Value::as_str);
        return Err(files_error(format!(
            "config.json: the weights are quantised ({}), which is not supported; use the model's F32, F16 or BF16 weights, or an ONNX export",
            visible_line(method.unwrap_or("by a method that it does not name"))
        )));
    }
    let (architecture, describe) = family(config)?;
    let decoder = describe(Config::of_text(config))?;
    let model = Builder::new(&decoder, Weights::new(checkpoint, architecture)).graph()?;
    Ok(BuiltGraph {
        model,
        layers: decoder.layers.iter().map(|l| l.attention.kept()).collect(),
        steady: decoder.steady(),
    })
}

fn family(config: &Value) -> Result<(&'static str, Describe), ModelError> {
    let named = config.pointer("/architectures/0").and_then(Value::as_str);
    let known = || {
        let names: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    };
    let Some(named) = named else {
        return Err(files_error(format!(
            "config.json names no architecture; candor builds graphs of {}",
            known()
        )));
    };
    FAMILIES
        .iter()
        .find(|(name, _)| *name == named)
        .copied()
        .ok_or_else(|| {
            files_error(format!(
                "the architecture {} is not supported; candor builds graphs of {}. An ONNX export of the model may load",
                visible_line(named),
                known()
            ))
        })
}

/// The longest text that a model takes, where its rotary embeddings reach further than `max_position_embeddings`.
pub(super) fn reach(config: &Value) -> Option<usize> {
    Rotary::reach(Config::of_text(config))
}
