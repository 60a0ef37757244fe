//! Phi 3, 3.5 and 4 (Phi-4-mini turns only a part of each head): queries, keys and values are one tensor, gate and up another.

use super::config::Config;
use super::decoder::{Decoder, Projections};
use super::shared::{Usual, decoder};
use crate::model::ModelError;

pub(super) fn describe(config: Config) -> Result<Decoder, ModelError> {
    let mut decoder = decoder(
        config,
        &Usual {
            epsilon: 1e-5,
            window: config.optional_count("sliding_window")?,
            ..Usual::default()
        },
    )?;
    for layer in &mut decoder.layers {
        layer.attention.projections = Projections::Packed;
        layer.mlp.packed = true;
    }
    Ok(decoder)
}
