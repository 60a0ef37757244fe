//! The mean of scores: of independent questions, and of questions in clusters.

use std::hash::Hash;

use super::clusters::cluster_sums;
use super::{
    Inference, Interval, Result, Undefined, normal_quantile, student_t_cdf, student_t_quantile,
};

/// A mean of independent values with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Standard deviation of the values (n − 1).
    pub sd: f64,
    /// Standard error of the mean.
    pub se: f64,
    /// Values.
    pub n: usize,
}

impl Mean {
    /// From independent values.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without values, [`Undefined::OneCluster`] with one: its spread cannot be seen.
    #[allow(clippy::cast_precision_loss)]
    pub fn of(values: &[f64]) -> Result<Self> {
        let n = values.len();
        match n {
            0 => return Err(Undefined::NoData),
            1 => return Err(Undefined::OneCluster),
            _ => {}
        }
        let count = n as f64;
        let value = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|v| (v - value).powi(2)).sum();
        let sd = (squares / (count - 1.0)).sqrt();
        Ok(Self {
            value,
            sd,
            se: sd / count.sqrt(),
            n,
        })
    }

    /// mean ± t(n − 1)·SE. Of zero width where all values are equal: then it says nothing.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1).
    #[allow(clippy::cast_precision_loss)]
    pub fn t_interval(&self, level: f64) -> Result<Interval> {
        let t = student_t_quantile(f64::midpoint(1.0, level), self.n as f64 - 1.0)?;
        Ok(Interval::around(self.value, t * self.se))
    }

    /// mean ± z·SE, as lm-eval and lighteval print it.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1).
    pub fn z_interval(&self, level: f64) -> Result<Interval> {
        let z = normal_quantile(f64::midpoint(1.0, level))?;
        Ok(Interval::around(self.value, z * self.se))
    }
}

/// A mean of values in clusters, with errors that allow any correlation inside a cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteredMean {
    /// The mean over values (not over clusters).
    pub value: f64,
    /// Values.
    pub n: usize,
    /// Clusters.
    pub clusters: usize,
    /// Standard error without small-sample correction (Miller 2024, appendix A).
    pub se_cr0: f64,
    /// CR0 · √(G/(G − 1)): the default.
    pub se_cr1: f64,
    /// Bell and McCaffrey's bias-reduced error, for few or unequal clusters.
    pub se_cr2: f64,
    /// Satterthwaite's degrees of freedom for CR2.
    pub df_cr2: f64,
    /// Standard error as if the values were independent.
    pub se_independent: f64,
}

impl ClusteredMean {
    /// From values and the cluster of each.
    ///
    /// CR2 of a mean scales each cluster's residual sum by (1 − `n_g/n`)^−½; its degrees of freedom are
    /// (tr M)²/tr M² of the matrix of the scaled sums' covariances under independence (Bell, McCaffrey 2002).
    ///
    /// # Errors
    /// [`Undefined::NoData`] without values, [`Undefined::OneCluster`] with fewer than two clusters.
    #[allow(clippy::cast_precision_loss)]
    pub fn of<C: Hash + Eq>(values: &[f64], clusters: &[C]) -> Result<Self> {
        let n = values.len();
        if n == 0 || clusters.len() != n {
            return Err(Undefined::NoData);
        }
        let count = n as f64;
        let value = values.iter().sum::<f64>() / count;
        let sums = cluster_sums(values.iter().map(|v| v - value), clusters);
        if sums.len() < 2 {
            return Err(Undefined::OneCluster);
        }
        let g = sums.len() as f64;
        let squares: f64 = sums.iter().map(|(sum, _)| sum * sum).sum();
        let (mut cr2, mut weights, mut weights_squared, mut diagonal) = (0.0, 0.0, 0.0, 0.0);
        for (sum, size) in &sums {
            let left = 1.0 - size / count;
            cr2 += sum * sum / left;
            let weight = size * size / (left * count * count);
            weights += weight;
            weights_squared += weight * weight;
            diagonal += (size / (count * count)).powi(2);
        }
        let off_diagonal = (weights * weights - weights_squared) / (count * count);
        let independent: f64 = values.iter().map(|v| (v - value).powi(2)).sum();
        Ok(Self {
            value,
            n,
            clusters: sums.len(),
            se_cr0: squares.sqrt() / count,
            se_cr1: (g / (g - 1.0) * squares).sqrt() / count,
            se_cr2: cr2.sqrt() / count,
            df_cr2: 1.0 / (count * count) / (diagonal + off_diagonal),
            se_independent: (independent / (count - 1.0) / count).sqrt(),
        })
    }

    /// mean ± t(G − 1)·CR1.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1).
    #[allow(clippy::cast_precision_loss)]
    pub fn t_interval(&self, level: f64) -> Result<Interval> {
        let t = student_t_quantile(f64::midpoint(1.0, level), self.clusters as f64 - 1.0)?;
        Ok(Interval::around(self.value, t * self.se_cr1))
    }

    /// mean ± t(Satterthwaite)·CR2, for fewer than 30 clusters or very unequal ones.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1).
    pub fn cr2_interval(&self, level: f64) -> Result<Interval> {
        let t = student_t_quantile(f64::midpoint(1.0, level), self.df_cr2)?;
        Ok(Interval::around(self.value, t * self.se_cr2))
    }

    /// How many times larger the variance is than that of independent values.
    ///
    /// # Errors
    /// [`Undefined::NoVariation`] if all values are equal.
    pub fn design_effect(&self) -> Result<f64> {
        if self.se_independent <= 0.0 {
            return Err(Undefined::NoVariation);
        }
        Ok((self.se_cr1 / self.se_independent).powi(2))
    }
}

/// By t(G − 1) with CR1, for scores outside [0, 1] such as costs.
#[allow(clippy::cast_precision_loss)]
impl Inference for ClusteredMean {
    fn value(&self) -> f64 {
        self.value
    }

    fn units(&self) -> (usize, usize) {
        (self.n, self.clusters)
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        self.t_interval(level)
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        if self.se_cr1 <= 0.0 {
            return Ok(f64::from(u8::from(self.value <= d)));
        }
        student_t_cdf((d - self.value) / self.se_cr1, self.clusters as f64 - 1.0)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        if self.se_cr1 <= 0.0 {
            return Ok(f64::from(u8::from(self.value >= d)));
        }
        student_t_cdf((self.value - d) / self.se_cr1, self.clusters as f64 - 1.0)
    }
}
