//! What a family says of a model: the parts of a decoder, in the words of the blocks that build it.

use super::rotary::Rotary;
use crate::model::onnx::paged_operator::LayerShape;

/// A decoder-only transformer.
pub(super) struct Decoder {
    /// What every tensor's name begins with, but for the head's.
    pub prefix: &'static str,
    /// The name of the head's tensor, where it is not tied to the embeddings.
    pub head: Option<&'static str>,
    pub hidden: usize,
    pub vocabulary: usize,
    /// What embeddings are multiplied by.
    pub embedding_factor: Option<f32>,
    pub norm: Norm,
    pub rotaries: Vec<Rotary>,
    pub layers: Vec<Layer>,
    /// Soft cap of the logits.
    pub cap: Option<f32>,
    /// Beginnings of the names of tensors that have no part in text.
    pub unused: &'static [&'static str],
}

impl Decoder {
    /// The longest text in which a token's keys and values do not depend on how long the text is; any text where none.
    pub(super) fn steady(&self) -> Option<usize> {
        self.rotaries.iter().filter_map(Rotary::steady).min()
    }
}

/// Root-mean-square normalisation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Norm {
    pub epsilon: f32,
    /// Whether the weights are kept as their difference from 1.
    pub from_one: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub attention: Attention,
    pub mlp: Mlp,
    pub norms: Norms,
}

/// Where a layer normalises.
#[derive(Debug, Clone, Copy)]
pub(super) enum Norms {
    /// Before attention and before the MLP.
    Before,
    /// Also what either of them gives.
    Around,
}

#[derive(Debug, Clone)]
pub(super) struct Attention {
    pub heads: usize,
    pub kv_heads: usize,
    /// Numbers per head.
    pub width: usize,
    pub projections: Projections,
    pub output_bias: bool,
    /// Whether queries and keys are normalised head by head.
    pub head_norms: bool,
    /// Which of the decoder's rotary embeddings.
    pub rotary: usize,
    /// What scores are multiplied by.
    pub scale: f32,
    /// How many tokens it sees, itself included; all where none.
    pub window: Option<usize>,
    /// Soft cap of the scores.
    pub cap: Option<f32>,
}

impl Attention {
    /// What is kept of a token.
    pub(super) fn kept(&self) -> LayerShape {
        LayerShape {
            heads: self.kv_heads,
            width: self.width,
        }
    }
}

/// How a layer keeps the weights of queries, keys and values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Projections {
    /// `q_proj`, `k_proj`, `v_proj`.
    Separate { bias: bool },
    /// `qkv_proj`.
    Packed,
}

/// A gated MLP.
#[derive(Debug, Clone)]
pub(super) struct Mlp {
    pub width: usize,
    pub activation: Activation,
    pub bias: bool,
    /// Whether gate and up are one tensor, `gate_up_proj`.
    pub packed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    Silu,
    /// GELU by its hyperbolic tangent.
    GeluTanh,
    Gelu,
}

impl Activation {
    /// By the names that configurations use.
    pub(super) const KNOWN: &'static [(&'static str, Self)] = &[
        ("silu", Self::Silu),
        ("swish", Self::Silu),
        ("gelu_pytorch_tanh", Self::GeluTanh),
        ("gelu_new", Self::GeluTanh),
        ("gelu", Self::Gelu),
    ];
}
