//! The mean of paired differences: repeats averaged, fractions, clusters.

use std::hash::Hash;

use super::clusters::cluster_sums;
use super::inference::Inference;
use super::{Interval, Mean, Result, Undefined, student_t_cdf, student_t_quantile};

/// The plain paired t test of independent differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedT {
    mean: Mean,
}

impl PairedT {
    /// From one difference a question.
    ///
    /// # Errors
    /// [`Undefined::NoData`] or [`Undefined::OneCluster`] with fewer than two, [`Undefined::NoVariation`] if all are equal.
    pub fn new(differences: &[f64]) -> Result<Self> {
        let mean = Mean::of(differences)?;
        if mean.se <= 0.0 {
            return Err(Undefined::NoVariation);
        }
        Ok(Self { mean })
    }

    /// Standard error of the difference.
    #[must_use]
    pub fn se(&self) -> f64 {
        self.mean.se
    }

    /// The difference in standard errors.
    #[must_use]
    pub fn t(&self) -> f64 {
        self.mean.value / self.mean.se
    }

    /// p of the two one-sided tests that the difference is outside ±margin: small where the two are equivalent.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] if t has no distribution.
    pub fn equivalence_p(&self, margin: f64) -> Result<f64> {
        Ok(self.p_not_above(-margin)?.max(self.p_not_below(margin)?))
    }

    #[allow(clippy::cast_precision_loss)]
    fn df(&self) -> f64 {
        self.mean.n as f64 - 1.0
    }
}

impl Inference for PairedT {
    fn value(&self) -> f64 {
        self.mean.value
    }

    fn units(&self) -> (usize, usize) {
        (self.mean.n, self.mean.n)
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        self.mean.t_interval(level)
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        student_t_cdf((d - self.mean.value) / self.mean.se, self.df())
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        student_t_cdf((self.mean.value - d) / self.mean.se, self.df())
    }
}

/// The adjusted (+1, −1) clustered t test of differences in [−1, 1].
///
/// Two pseudo-units with d = +1 and d = −1, each a cluster of its own, are added: D' = Σd/(n+2), SE'² = (G+2)/(G+1)·Σe'²/(n+2)²,
/// quantile t(G−1); units that stand alone get no (G+2)/(G+1). It holds its level where a plain paired t does not (few discordant
/// pairs). Bonett and Price's pseudo-pairs, generalised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdjustedT {
    value: f64,
    centre: f64,
    se: f64,
    n: usize,
    clusters: usize,
}

impl AdjustedT {
    /// From one difference a question and the cluster of each.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without differences, [`Undefined::OneCluster`] with fewer than two clusters.
    #[allow(clippy::cast_precision_loss)]
    pub fn new<C: Hash + Eq>(differences: &[f64], clusters: &[C]) -> Result<Self> {
        let n = differences.len();
        if n == 0 || clusters.len() != n {
            return Err(Undefined::NoData);
        }
        let adjusted_n = n as f64 + 2.0;
        let sum = differences.iter().sum::<f64>();
        let centre = sum / adjusted_n;
        let sums = cluster_sums(differences.iter().map(|d| d - centre), clusters);
        let groups = sums.len();
        if groups < 2 {
            return Err(Undefined::OneCluster);
        }
        let g = groups as f64;
        let squares = sums.iter().map(|(e, _)| e * e).sum::<f64>()
            + (1.0 - centre).powi(2)
            + (-1.0 - centre).powi(2);
        let correction = if groups == n {
            1.0
        } else {
            (g + 2.0) / (g + 1.0)
        };
        Ok(Self {
            value: sum / n as f64,
            centre,
            se: (correction * squares).sqrt() / adjusted_n,
            n,
            clusters: groups,
        })
    }

    /// D', the centre of the interval.
    #[must_use]
    pub fn centre(&self) -> f64 {
        self.centre
    }

    /// SE'.
    #[must_use]
    pub fn se(&self) -> f64 {
        self.se
    }

    #[allow(clippy::cast_precision_loss)]
    fn df(&self) -> f64 {
        self.clusters as f64 - 1.0
    }
}

impl Inference for AdjustedT {
    fn value(&self) -> f64 {
        self.value
    }

    fn units(&self) -> (usize, usize) {
        (self.n, self.clusters)
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        let half = student_t_quantile(f64::midpoint(1.0, level), self.df())? * self.se;
        Ok(Interval {
            low: (self.centre - half).max(-1.0),
            high: (self.centre + half).min(1.0),
        })
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        student_t_cdf((d - self.centre) / self.se, self.df())
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        student_t_cdf((self.centre - d) / self.se, self.df())
    }
}
