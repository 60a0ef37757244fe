//! What a fallible judge's verdicts say of the true rate.

use super::{Interval, Result, Undefined, normal_quantile};

/// What is known of a judge from labels that come from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgeQuality {
    /// Share of true cases that it calls so.
    pub sensitivity: f64,
    /// True cases behind it.
    pub positives: f64,
    /// Share of the others that it calls so.
    pub specificity: f64,
    /// Others behind it.
    pub negatives: f64,
}

/// A rate corrected for a judge's errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorrectedRate {
    /// The rate as computed; outside [0, 1] if the judged rate is beyond what its errors alone would give.
    pub unclipped: f64,
    /// The same, cut to [0, 1].
    pub value: f64,
    /// Lang and Reiczigel's interval; cut to [0, 1].
    pub interval: Interval,
    /// The judged rate is impossible under the calibration: the interval says nothing.
    pub contradicted: bool,
}

/// Rogan and Gladen's corrected rate, (r + Sp − 1)/(Se + Sp − 1), with the interval of Lang and Reiczigel (2014), which knows that
/// Se and Sp are themselves estimates. It assumes that they hold for the answers judged.
///
/// # Errors
/// [`Undefined::JudgeNotBetterThanChance`] if the 95 % interval of Youden's J = Se + Sp − 1 includes 0, [`Undefined::NoData`] for
/// an empty group, [`Undefined::OutOfRange`] for shares outside [0, 1].
pub fn rogan_gladen(rate: f64, n: f64, judge: JudgeQuality, level: f64) -> Result<CorrectedRate> {
    let JudgeQuality {
        sensitivity,
        positives,
        specificity,
        negatives,
    } = judge;
    if n <= 0.0 || positives <= 0.0 || negatives <= 0.0 {
        return Err(Undefined::NoData);
    }
    if [rate, sensitivity, specificity]
        .iter()
        .any(|s| !(0.0..=1.0).contains(s))
    {
        return Err(Undefined::OutOfRange);
    }
    let youden = sensitivity + specificity - 1.0;
    let youden_se = (sensitivity * (1.0 - sensitivity) / positives
        + specificity * (1.0 - specificity) / negatives)
        .sqrt();
    if youden - normal_quantile(0.975)? * youden_se <= 0.0 {
        return Err(Undefined::JudgeNotBetterThanChance);
    }
    let unclipped = (rate + specificity - 1.0) / youden;
    let z = normal_quantile(f64::midpoint(1.0, level))?;
    let n_adjusted = n + z * z;
    let p = (n * rate + z * z / 2.0) / n_adjusted;
    let (plus, minus) = (positives + 2.0, negatives + 2.0);
    let se = (positives * sensitivity + 1.0) / plus;
    let sp = (negatives * specificity + 1.0) / minus;
    let j = se + sp - 1.0;
    let centre = (p + sp - 1.0) / j;
    let (se_variance, sp_variance) = (se * (1.0 - se) / plus, sp * (1.0 - sp) / minus);
    let shift = 2.0 * z * z * (centre * se_variance - (1.0 - centre) * sp_variance);
    let half = z
        * (p * (1.0 - p) / n_adjusted
            + centre * centre * se_variance
            + (1.0 - centre).powi(2) * sp_variance)
            .sqrt()
        / j;
    let (low, high) = (centre + shift - half, centre + shift + half);
    Ok(CorrectedRate {
        unclipped,
        value: unclipped.clamp(0.0, 1.0),
        interval: Interval {
            low: low.clamp(0.0, 1.0),
            high: high.clamp(0.0, 1.0),
        },
        contradicted: high < 0.0 || low > 1.0,
    })
}

/// A mean estimated from few human labels and many judged answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictionPowered {
    /// The estimate.
    pub value: f64,
    /// Its interval.
    pub interval: Interval,
    /// The weight given to the judge, from 0 (human labels alone) to 1.
    pub lambda: f64,
}

/// Prediction-powered mean: mean(Y) + λ(mean(F of the rest) − mean(F of the labelled)), for labels drawn at random from the
/// answers judged. Without `lambda` it is tuned to the smallest variance (PPI++, Angelopoulos et al. 2023).
///
/// # Errors
/// [`Undefined::NoData`] without labels or without further judged answers, [`Undefined::OutOfRange`] if human and judge do not
/// pair up.
#[allow(clippy::cast_precision_loss)]
pub fn prediction_powered_mean(
    human: &[f64],
    judge_on_human: &[f64],
    judge_rest: &[f64],
    lambda: Option<f64>,
    level: f64,
) -> Result<PredictionPowered> {
    if human.is_empty() || judge_rest.is_empty() {
        return Err(Undefined::NoData);
    }
    if human.len() != judge_on_human.len() {
        return Err(Undefined::OutOfRange);
    }
    let (n, rest) = (human.len() as f64, judge_rest.len() as f64);
    let lambda = lambda.unwrap_or_else(|| {
        let (mean_y, mean_f) = (average(human), average(judge_on_human));
        let covariance = human
            .iter()
            .zip(judge_on_human)
            .map(|(y, f)| (y - mean_y) * (f - mean_f))
            .sum::<f64>()
            / n;
        let all: Vec<f64> = judge_on_human.iter().chain(judge_rest).copied().collect();
        let variance = variance(&all) * all.len() as f64 / (all.len() as f64 - 1.0);
        if variance > 0.0 {
            (covariance / ((1.0 + n / rest) * variance)).clamp(0.0, 1.0)
        } else {
            0.0
        }
    });
    let rectifier: Vec<f64> = human
        .iter()
        .zip(judge_on_human)
        .map(|(y, f)| y - lambda * f)
        .collect();
    let value = lambda * average(judge_rest) + average(&rectifier);
    let se = (lambda * lambda * variance(judge_rest) / rest + variance(&rectifier) / n).sqrt();
    let z = normal_quantile(f64::midpoint(1.0, level))?;
    Ok(PredictionPowered {
        value,
        interval: Interval::around(value, z * se),
        lambda,
    })
}

#[allow(clippy::cast_precision_loss)]
fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Variance with n in the denominator.
fn variance(values: &[f64]) -> f64 {
    let mean = average(values);
    let squares: Vec<f64> = values.iter().map(|v| (v - mean).powi(2)).collect();
    average(&squares)
}
