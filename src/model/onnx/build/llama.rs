//! Llama, and what shares its architecture: `SmolLM`, DeepSeek-R1-Distill-Llama, Mistral (with a sliding window in its first versions).

use super::config::Config;
use super::decoder::Decoder;
use super::shared::{Usual, decoder};
use crate::model::ModelError;

pub(super) fn describe(config: Config) -> Result<Decoder, ModelError> {
    let biases = config.flag_or("attention_bias", false)?;
    decoder(
        config,
        &Usual {
            input_bias: biases,
            output_bias: biases,
            mlp_bias: config.flag_or("mlp_bias", false)?,
            ..Usual::default()
        },
    )
}

pub(super) fn describe_mistral(config: Config) -> Result<Decoder, ModelError> {
    // Written as null where there is none.
    let window = if config.has("sliding_window") {
        config.optional_count("sliding_window")?
    } else {
        Some(4096)
    };
    decoder(
        config,
        &Usual {
            window,
            ..Usual::default()
        },
    )
}
