//! The default interval for a mean score: Wilson on the effective sample size with a t quantile.

use std::hash::Hash;

use super::clusters::all_alone;
use super::proportion::wilson_with_quantile;
use super::{
    ClusteredMean, Estimate, Inference, Interval, RerunError, Result, Undefined, beta_quantile,
    normal_cdf, normal_quantile, student_t_cdf, student_t_quantile,
};

/// The mean of question scores in [0, 1], with an inference that knows clusters, repeats and fractions.
///
/// SE² = G/(G−1)·Σ `e_g²/n²` (CR1), n_eff = p(1−p)/SE² clamped to [1, responses] (n_eff = G where SE = 0), and the interval is
/// Wilson's with t(G−1). Binary scores of single, unclustered questions get the ordinary Wilson interval. The p values are those of the
/// score statistic (p − `d)/√(d(1−d)/n_eff`) that the interval inverts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateTest {
    value: f64,
    n_eff: f64,
    /// Degrees of freedom of t; none for the normal distribution.
    df: Option<f64>,
    n: usize,
    clusters: usize,
}

impl RateTest {
    /// From one mean score per question, the cluster of each, and the number of responses behind them.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without values, [`Undefined::OneCluster`] with one cluster of several questions, [`Undefined::OutOfRange`]
    /// for a score outside [0, 1].
    #[allow(clippy::cast_precision_loss)]
    pub fn of<C: Hash + Eq>(values: &[f64], clusters: &[C], responses: usize) -> Result<Self> {
        let n = values.len();
        if n == 0 || clusters.len() != n {
            return Err(Undefined::NoData);
        }
        if values.iter().any(|v| !(0.0..=1.0).contains(v)) {
            return Err(Undefined::OutOfRange);
        }
        let plain = responses == n
            && values.iter().all(|v| *v == 0.0 || *v == 1.0)
            && all_alone(clusters.iter());
        if plain {
            let count = n as f64;
            return Ok(Self {
                value: values.iter().sum::<f64>() / count,
                n_eff: count,
                df: None,
                n,
                clusters: n,
            });
        }
        let mean = ClusteredMean::of(values, clusters)?;
        let g = mean.clusters as f64;
        Ok(Self {
            value: mean.value,
            n_eff: match effective_n(&mean) {
                Ok(n_eff) => n_eff.clamp(1.0, responses as f64),
                Err(_) => g,
            },
            df: Some(g - 1.0),
            n,
            clusters: mean.clusters,
        })
    }

    /// From a mean whose standard error is known otherwise: n_eff = p(1−p)/SE², or `responses` where that is undefined.
    ///
    /// # Errors
    /// [`Undefined::NoData`] for no questions.
    #[allow(clippy::cast_precision_loss)]
    pub fn with_error(value: f64, error: RerunError, responses: usize) -> Result<Self> {
        if error.n == 0 {
            return Err(Undefined::NoData);
        }
        let spread = value * (1.0 - value);
        Ok(Self {
            value,
            n_eff: if error.se > 0.0 && spread > 0.0 {
                spread / (error.se * error.se)
            } else {
                responses as f64
            },
            df: Some(error.df),
            n: error.n,
            clusters: error.n,
        })
    }

    fn quantile(&self, p: f64) -> Result<f64> {
        match self.df {
            Some(df) => student_t_quantile(p, df),
            None => normal_quantile(p),
        }
    }

    /// The distribution function of the score statistic, at its value for a true rate of `d` times `sign`.
    fn tail(&self, d: f64, sign: f64) -> Result<f64> {
        let gap = sign * (self.value - d);
        let spread = (d * (1.0 - d) / self.n_eff).max(0.0).sqrt();
        if spread <= 0.0 {
            // A rate of exactly 0 or 1 is refuted by one case, and never shown.
            return Ok(if gap < 0.0 { 0.0 } else { 1.0 });
        }
        match self.df {
            Some(df) => student_t_cdf(gap / spread, df),
            None => Ok(normal_cdf(gap / spread)),
        }
    }
}

impl Inference for RateTest {
    fn value(&self) -> f64 {
        self.value
    }

    fn units(&self) -> (usize, usize) {
        (self.n, self.clusters)
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        let z = self.quantile(f64::midpoint(1.0, level))?;
        Ok(wilson_with_quantile(self.value, self.n_eff, z))
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        self.tail(d, -1.0)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        self.tail(d, 1.0)
    }
}

/// [`RateTest`]'s estimate at a level.
///
/// # Errors
/// As for [`RateTest::of`].
pub fn wilson_effective_n<C: Hash + Eq>(
    values: &[f64],
    clusters: &[C],
    responses: usize,
    level: f64,
) -> Result<Estimate> {
    RateTest::of(values, clusters, responses)?.estimate(level)
}

/// The number of independent yes/no answers that would give a mean its standard error: p(1−p)/SE².
///
/// # Errors
/// [`Undefined::NoVariation`] if the mean is 0 or 1 or its error is zero.
pub fn effective_n(mean: &ClusteredMean) -> Result<f64> {
    let p = mean.value;
    let variance = mean.se_cr1 * mean.se_cr1;
    if variance <= f64::EPSILON * f64::EPSILON || p <= 0.0 || p >= 1.0 {
        return Err(Undefined::NoVariation);
    }
    Ok(p * (1.0 - p) / variance)
}

/// Korn and Graubard's strict interval: Clopper–Pearson on `n_eff`·(t(n−1)/t(G−1))².
///
/// # Errors
/// [`Undefined::NoVariation`] if n_eff is undefined, [`Undefined::OutOfRange`] for a level outside (0, 1).
#[allow(clippy::cast_precision_loss)]
pub fn korn_graubard(mean: &ClusteredMean, level: f64) -> Result<Interval> {
    let tail = f64::midpoint(1.0, level);
    let ratio = student_t_quantile(tail, mean.n as f64 - 1.0)?
        / student_t_quantile(tail, mean.clusters as f64 - 1.0)?;
    let n = effective_n(mean)? * ratio * ratio;
    let x = mean.value * n;
    Ok(Interval {
        low: beta_quantile(1.0 - tail, x, n - x + 1.0)?,
        high: beta_quantile(tail, x + 1.0, n - x)?,
    })
}

/// The interval on the logit scale: logit p ± t(G−1)·SE/(p(1−p)).
///
/// # Errors
/// [`Undefined::NoVariation`] if the mean is 0 or 1, [`Undefined::OutOfRange`] for a level outside (0, 1).
#[allow(clippy::cast_precision_loss)]
pub fn logit_interval(mean: &ClusteredMean, level: f64) -> Result<Interval> {
    let p = mean.value;
    if p <= 0.0 || p >= 1.0 {
        return Err(Undefined::NoVariation);
    }
    let t = student_t_quantile(f64::midpoint(1.0, level), mean.clusters as f64 - 1.0)?;
    let (centre, half) = ((p / (1.0 - p)).ln(), t * mean.se_cr1 / (p * (1.0 - p)));
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    Ok(Interval {
        low: back(centre - half),
        high: back(centre + half),
    })
}
