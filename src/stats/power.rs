//! What a number of questions can show, before anything is asked.

use super::{Result, Undefined, normal_quantile};

/// The smallest true mean difference that a two-sided paired test at `alpha` finds with the given `power`:
/// (z₁₋α⁄₂ + `z_power)·√(v/n`) (Miller 2024, "Adding error bars to evals", eq. 9). `variance` is that of a question's difference.
///
/// # Errors
/// [`Undefined::NoData`] for n = 0, [`Undefined::OutOfRange`] for probabilities outside (0, 1).
#[allow(clippy::cast_precision_loss)]
pub fn minimum_detectable_effect(variance: f64, n: usize, alpha: f64, power: f64) -> Result<f64> {
    if n == 0 {
        return Err(Undefined::NoData);
    }
    Ok(
        (normal_quantile(1.0 - alpha / 2.0)? + normal_quantile(power)?)
            * (variance / n as f64).sqrt(),
    )
}
