//! Qwen 3: queries and keys are normalised head by head, and there are no biases.

use super::config::Config;
use super::decoder::Decoder;
use super::qwen2;
use super::shared::{Usual, decoder};
use crate::model::ModelError;

pub(super) fn describe(config: Config) -> Result<Decoder, ModelError> {
    let biases = config.flag_or("attention_bias", false)?;
    decoder(
        config,
        &Usual {
            head_width: Some(config.count_or("head_dim", 128)?),
            head_norms: true,
            input_bias: biases,
            output_bias: biases,
            window: qwen2::window(config)?,
            reaches: Some(qwen2::reaches(config)?),
            ..Usual::default()
        },
    )
}
