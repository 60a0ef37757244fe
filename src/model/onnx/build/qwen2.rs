//! Qwen 2 and 2.5, and DeepSeek-R1-Distill-Qwen: Llama with biases on queries, keys and values.

use super::config::{Config, Reach};
use super::decoder::Decoder;
use super::shared::{Usual, decoder};
use crate::model::ModelError;

pub(super) fn describe(config: Config) -> Result<Decoder, ModelError> {
    decoder(
        config,
        &Usual {
            input_bias: true,
            window: window(config)?,
            reaches: Some(reaches(config)?),
            ..Usual::default()
        },
    )
}

/// Layers from `max_window_layers` on slide, where a window is used at all.
pub(super) fn reaches(config: Config) -> Result<Vec<Reach>, ModelError> {
    let slides = window(config)?.is_some();
    let from = config
        .get("max_window_layers")
        .and_then(serde_json::Value::as_u64)
        .map_or(28, |n| usize::try_from(n).unwrap_or(usize::MAX));
    config.reaches(|layer| {
        if slides && layer >= from {
            Reach::Sliding
        } else {
            Reach::Full
        }
    })
}

pub(super) fn window(config: Config) -> Result<Option<usize>, ModelError> {
    if config.flag_or("use_sliding_window", false)? {
        config.count_or("sliding_window", 4096).map(Some)
    } else {
        Ok(None)
    }
}
