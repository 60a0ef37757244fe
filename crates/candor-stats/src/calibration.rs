//! Whether stated probabilities come true.

use super::{Result, Undefined};

fn checked(probabilities: &[f64], outcomes: &[bool]) -> Result<()> {
    if probabilities.is_empty() {
        return Err(Undefined::NoData);
    }
    if probabilities.len() != outcomes.len()
        || probabilities.iter().any(|p| !(0.0..=1.0).contains(p))
    {
        return Err(Undefined::OutOfRange);
    }
    Ok(())
}

fn indicator(outcome: bool) -> f64 {
    f64::from(u8::from(outcome))
}

/// Brier's score, the mean of (p − y)²: 0 is perfect, ¼ is always saying ½.
///
/// # Errors
/// [`Undefined::NoData`] without values, [`Undefined::OutOfRange`] for a probability outside [0, 1] or lists of two lengths.
#[allow(clippy::cast_precision_loss)]
pub fn brier(probabilities: &[f64], outcomes: &[bool]) -> Result<f64> {
    checked(probabilities, outcomes)?;
    let squares: f64 = probabilities
        .iter()
        .zip(outcomes)
        .map(|(p, y)| (p - indicator(*y)).powi(2))
        .sum();
    Ok(squares / probabilities.len() as f64)
}

/// Mean negative log-likelihood in nats.
///
/// # Errors
/// As for [`brier`], and [`Undefined::OutOfRange`] if something called impossible happened.
#[allow(clippy::cast_precision_loss)]
pub fn log_loss(probabilities: &[f64], outcomes: &[bool]) -> Result<f64> {
    checked(probabilities, outcomes)?;
    let sum: f64 = probabilities
        .iter()
        .zip(outcomes)
        .map(|(p, y)| -if *y { *p } else { 1.0 - p }.ln())
        .sum();
    if sum.is_finite() {
        Ok(sum / probabilities.len() as f64)
    } else {
        Err(Undefined::OutOfRange)
    }
}

/// Expected calibration error over equal-width, right-closed bins: Σ (share of the bin)·|mean outcome − mean probability|.
///
/// It is above 0 for a perfectly calibrated judge in small samples, so read Brier's score first.
///
/// # Errors
/// As for [`brier`], and [`Undefined::OutOfRange`] for no bins.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
pub fn expected_calibration_error(
    probabilities: &[f64],
    outcomes: &[bool],
    bins: usize,
) -> Result<f64> {
    checked(probabilities, outcomes)?;
    if bins == 0 {
        return Err(Undefined::OutOfRange);
    }
    let mut gaps = vec![0.0; bins];
    for (p, y) in probabilities.iter().zip(outcomes) {
        let bin = ((p * bins as f64).ceil() as usize).clamp(1, bins) - 1;
        gaps[bin] += indicator(*y) - p;
    }
    Ok(gaps.iter().map(|g| g.abs()).sum::<f64>() / probabilities.len() as f64)
}
