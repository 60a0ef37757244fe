//! Gemma 2 and 3: scaled embeddings, norms around each part whose weights are kept as differences from 1, soft caps (2), norms of queries and
//! keys and two rotary embeddings (3). Of Gemma 3 models that also see, the text model.

use super::config::{Config, Reach, narrow};
use super::decoder::{Activation, Decoder, Norms};
use super::rotary::Rotary;
use super::shared::{Usual, decoder};
use crate::model::ModelError;
use crate::model::onnx::files_error;

pub(super) fn describe_2(config: Config) -> Result<Decoder, ModelError> {
    let reaches = config.reaches(|layer| match layer % 2 {
        0 => Reach::Sliding,
        _ => Reach::Full,
    })?;
    let mut decoder = gemma(config, reaches, false)?;
    decoder.cap = cap(config, "final_logit_softcapping", Some(30.0))?;
    let scores = cap(config, "attn_logit_softcapping", Some(50.0))?;
    for layer in &mut decoder.layers {
        layer.attention.cap = scores;
    }
    Ok(decoder)
}

pub(super) fn describe_3(config: Config) -> Result<Decoder, ModelError> {
    if config.flag_or("use_bidirectional_attention", false)? {
        let what = "config.json: use_bidirectional_attention makes this an embedding model, which does not generate text";
        return Err(files_error(what.into()));
    }
    let pattern = config.count_or("sliding_window_pattern", 6)?;
    let reaches = config.reaches(|layer| match (layer + 1) % pattern {
        0 => Reach::Full,
        _ => Reach::Sliding,
    })?;
    let mut decoder = gemma(config, reaches.clone(), true)?;
    decoder.cap = cap(config, "final_logit_softcapping", None)?;
    let width = decoder.layers[0].attention.width;
    let by_kind = |kind| Rotary::of_kind(config, kind, width);
    let full = by_kind("full_attention").unwrap_or_else(|| {
        let base = config.number_or("rope_theta", 1_000_000.0)?;
        match config.below("rope_scaling") {
            Some(_) => Rotary::of(config, width),
            None => Ok(Rotary::plain(base, width)),
        }
    })?;
    let sliding = by_kind("sliding_attention").unwrap_or_else(|| {
        let base = config.number_or("rope_local_base_freq", 10_000.0)?;
        Ok(Rotary::plain(base, width))
    })?;
    decoder.rotaries = vec![full, sliding];
    for (layer, reach) in decoder.layers.iter_mut().zip(reaches) {
        layer.attention.rotary = usize::from(reach == Reach::Sliding);
    }
    Ok(decoder)
}

/// Gemma 3 with a tower for images in front: its text model.
pub(super) fn describe_3_seeing(config: Config) -> Result<Decoder, ModelError> {
    let mut decoder = describe_3(config)?;
    decoder.prefix = "language_model.model.";
    decoder.head = decoder.head.map(|_| "language_model.lm_head.weight");
    decoder.unused = &["vision_tower.", "multi_modal_projector."];
    Ok(decoder)
}

fn gemma(config: Config, reaches: Vec<Reach>, head_norms: bool) -> Result<Decoder, ModelError> {
    let bias = config.flag_or("attention_bias", false)?;
    let mut decoder = decoder(
        config,
        &Usual {
            heads: Some(config.count_or("num_attention_heads", 8)?),
            kv_heads: Some(config.count_or("num_key_value_heads", 4)?),
            head_width: Some(config.count_or("head_dim", 256)?),
            vocabulary: Some(config.count_or("vocab_size", 262_208)?),
            tied: true,
            activation: Activation::GeluTanh,
            activation_key: "hidden_activation",
            norm_from_one: true,
            head_norms,
            input_bias: bias,
            output_bias: bias,
            window: Some(config.count_or("sliding_window", 4096)?),
            reaches: Some(reaches),
            ..Usual::default()
        },
    )?;
    #[allow(clippy::cast_precision_loss)] // a few thousand
    let hidden = decoder.hidden as f64;
    decoder.embedding_factor = Some(narrow(hidden.sqrt()));
    let scale = config.number_or("query_pre_attn_scalar", 256.0)?;
    for layer in &mut decoder.layers {
        layer.norms = Norms::Around;
        layer.attention.scale = narrow(scale.powf(-0.5));
    }
    Ok(decoder)
}

/// A soft cap: none where it is written as null, the family's own where it is not written.
fn cap(config: Config, key: &str, usual: Option<f32>) -> Result<Option<f32>, ModelError> {
    if config.has(key) {
        return Ok(config.optional_number(key)?.map(narrow));
    }
    Ok(usual)
}
