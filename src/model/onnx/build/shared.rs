//! What the families' configurations have in common.

use super::config::{Config, Reach, narrow};
use super::decoder::{Activation, Attention, Decoder, Layer, Mlp, Norm, Norms, Projections};
use super::rotary::Rotary;
use crate::model::ModelError;
use crate::model::onnx::files_error;

/// Where a family departs from Llama.
#[allow(clippy::struct_excessive_bools)] // each is there or not, whatever the others are
pub(super) struct Usual {
    pub heads: Option<usize>,
    pub kv_heads: Option<usize>,
    pub head_width: Option<usize>,
    pub vocabulary: Option<usize>,
    /// Whether the head is tied where the configuration does not say.
    pub tied: bool,
    /// Of the norms, where the configuration does not say.
    pub epsilon: f64,
    pub activation: Activation,
    pub activation_key: &'static str,
    pub norm_from_one: bool,
    pub head_norms: bool,
    /// Biases of queries, keys and values.
    pub input_bias: bool,
    pub output_bias: bool,
    pub mlp_bias: bool,
    /// Tokens that sliding layers see.
    pub window: Option<usize>,
    /// What each layer sees; every one slides where none are given and there is a window.
    pub reaches: Option<Vec<Reach>>,
}

impl Default for Usual {
    fn default() -> Self {
        Self {
            heads: None,
            kv_heads: None,
            head_width: None,
            vocabulary: None,
            tied: false,
            epsilon: 1e-6,
            activation: Activation::Silu,
            activation_key: "hidden_act",
            norm_from_one: false,
            head_norms: false,
            input_bias: false,
            output_bias: false,
            mlp_bias: false,
            window: None,
            reaches: None,
        }
    }
}

/// A decoder as a configuration describes it.
///
/// # Errors
/// [`crate::model::ErrorClass::Files`] names the key that is missing or cannot be.
pub(super) fn decoder(config: Config, usual: &Usual) -> Result<Decoder, ModelError> {
    let hidden = config.count("hidden_size")?;
    let attention = attention(config, usual, hidden)?;
    let mlp = Mlp {
        width: config.count("intermediate_size")?,
        activation: config.choice(usual.activation_key, usual.activation, Activation::KNOWN)?,
        bias: usual.mlp_bias,
        packed: false,
    };
    let tied = config.flag_or("tie_word_embeddings", usual.tied)?;
    let reaches = match &usual.reaches {
        Some(reaches) => reaches.clone(),
        None => vec![Reach::Sliding; config.layers()?],
    };
    let layer = |reach: &Reach| Layer {
        attention: Attention {
            window: usual.window.filter(|_| *reach == Reach::Sliding),
            ..attention.clone()
        },
        mlp: mlp.clone(),
        norms: Norms::Before,
    };
    Ok(Decoder {
        prefix: "model.",
        head: (!tied).then_some("lm_head.weight"),
        hidden,
        vocabulary: match usual.vocabulary {
            Some(vocabulary) => vocabulary,
            None => config.count("vocab_size")?,
        },
        embedding_factor: None,
        norm: Norm {
            epsilon: narrow(config.number_or("rms_norm_eps", usual.epsilon)?),
            from_one: usual.norm_from_one,
        },
        rotaries: vec![Rotary::of(config, attention.width)?],
        layers: reaches.iter().map(layer).collect(),
        cap: None,
        unused: &[],
    })
}

fn attention(config: Config, usual: &Usual, hidden: usize) -> Result<Attention, ModelError> {
    let heads = match usual.heads {
        Some(heads) => heads,
        None => config.count("num_attention_heads")?,
    };
    let kv_heads = match usual.kv_heads {
        Some(heads) => heads,
        None => config.count_or("num_key_value_heads", heads)?,
    };
    let width = match usual.head_width {
        Some(width) => width,
        None => config.count_or("head_dim", (hidden / heads).max(1))?,
    };
    if heads % kv_heads != 0 {
        return Err(files_error(format!(
            "config.json: {heads} attention heads cannot share {kv_heads} key-value heads evenly"
        )));
    }
    #[allow(clippy::cast_precision_loss)] // a few hundred
    let scale = (width as f64).powf(-0.5);
    Ok(Attention {
        heads,
        kv_heads,
        width,
        projections: Projections::Separate {
            bias: usual.input_bias,
        },
        output_bias: usual.output_bias,
        head_norms: usual.head_norms,
        rotary: 0,
        scale: narrow(scale),
        window: None,
        cap: None,
    })
}
