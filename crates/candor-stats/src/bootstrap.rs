//! Resampling, for statistics without a formula (F1, BBQ scores). Never for a gate with few questions: there its intervals are far too
//! narrow.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Inference, Interval, Mean, Result, Undefined, normal_cdf, normal_quantile};

/// A statistic's bootstrap replicates.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The statistic of the data.
    estimate: f64,
    /// The replicates, ascending.
    replicates: Vec<f64>,
}

impl Bootstrap {
    /// From replicates made elsewhere.
    ///
    /// # Errors
    /// [`Undefined::NoData`] with fewer than two.
    pub fn from_replicates(estimate: f64, mut replicates: Vec<f64>) -> Result<Self> {
        if replicates.len() < 2 {
            return Err(Undefined::NoData);
        }
        replicates.sort_unstable_by(f64::total_cmp);
        Ok(Self {
            estimate,
            replicates,
        })
    }

    /// Draws whole clusters with replacement, `rounds` times, and computes the statistic of each draw. The stream is fixed by the
    /// seed. Draws for which the statistic is undefined are skipped.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without clusters, and whatever the statistic of the data itself has.
    pub fn resample<T>(
        clusters: &[T],
        rounds: usize,
        seed: u64,
        statistic: impl Fn(&[&T]) -> Result<f64>,
    ) -> Result<Self> {
        if clusters.is_empty() {
            return Err(Undefined::NoData);
        }
        let estimate = statistic(&clusters.iter().collect::<Vec<_>>())?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let replicates = (0..rounds)
            .filter_map(|_| {
                let draw: Vec<&T> = (0..clusters.len())
                    .map(|_| &clusters[random.random_range(0..clusters.len())])
                    .collect();
                statistic(&draw).ok()
            })
            .collect();
        Self::from_replicates(estimate, replicates)
    }

    /// Standard deviation of the replicates.
    ///
    /// # Errors
    /// None with two replicates or more.
    pub fn se(&self) -> Result<f64> {
        Mean::of(&self.replicates).map(|m| m.sd)
    }

    /// Mean of the replicates − the estimate.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn bias(&self) -> f64 {
        self.replicates.iter().sum::<f64>() / self.replicates.len() as f64 - self.estimate
    }

    /// The interval between the replicates' quantiles.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1).
    pub fn percentile(&self, level: f64) -> Result<Interval> {
        if !(level > 0.0 && level < 1.0) {
            return Err(Undefined::OutOfRange);
        }
        let tail = (1.0 - level) / 2.0;
        Ok(Interval {
            low: quantile(&self.replicates, tail),
            high: quantile(&self.replicates, 1.0 - tail),
        })
    }

    /// The percentile interval mirrored at the estimate.
    ///
    /// # Errors
    /// As for [`Bootstrap::percentile`].
    pub fn basic(&self, level: f64) -> Result<Interval> {
        let percentile = self.percentile(level)?;
        Ok(Interval {
            low: 2.0 * self.estimate - percentile.high,
            high: 2.0 * self.estimate - percentile.low,
        })
    }

    /// estimate − bias ± z·SE.
    ///
    /// # Errors
    /// As for [`Bootstrap::percentile`].
    pub fn normal(&self, level: f64) -> Result<Interval> {
        let half = normal_quantile(f64::midpoint(1.0, level))? * self.se()?;
        Ok(Interval::around(self.estimate - self.bias(), half))
    }

    /// Share of the replicates at or below a value, and at or above it: what the replicates say of H0, no corrections made.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn tails(&self, value: f64) -> (f64, f64) {
        let n = self.replicates.len();
        let below = self.replicates.partition_point(|r| *r <= value);
        let above = n - self.replicates.partition_point(|r| *r < value);
        // The data count as one draw more, so that no share is 0.
        let share = |k: usize| (k + 1) as f64 / (n + 1) as f64;
        (share(below), share(above))
    }

    /// Bias correction z₀: the normal quantile of the share of replicates below the estimate, ties half.
    ///
    /// # Errors
    /// [`Undefined::NoVariation`] if all replicates are on one side.
    #[allow(clippy::cast_precision_loss)]
    pub fn bias_correction(&self) -> Result<f64> {
        let below = self.replicates.partition_point(|r| *r < self.estimate);
        let not_above = self.replicates.partition_point(|r| *r <= self.estimate);
        let share = (below + not_above) as f64 / (2.0 * self.replicates.len() as f64);
        normal_quantile(share).map_err(|_| Undefined::NoVariation)
    }

    /// The bias-corrected and accelerated interval (Efron 1987), with the acceleration from `jackknife`, the statistic without each
    /// unit in turn.
    ///
    /// # Errors
    /// [`Undefined::NoVariation`] if correction or acceleration are undefined, [`Undefined::OutOfRange`] for a level outside (0, 1).
    pub fn bca(&self, jackknife: &[f64], level: f64) -> Result<Interval> {
        self.bca_with(self.bias_correction()?, acceleration(jackknife)?, level)
    }

    /// The same for a bias correction and an acceleration made elsewhere.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1).
    pub fn bca_with(&self, correction: f64, acceleration: f64, level: f64) -> Result<Interval> {
        let tail = (1.0 - level) / 2.0;
        let end = |p: f64| -> Result<f64> {
            let z = correction + normal_quantile(p)?;
            let place = normal_cdf(correction + z / (1.0 - acceleration * z));
            Ok(quantile(&self.replicates, place))
        };
        Ok(Interval {
            low: end(tail)?,
            high: end(1.0 - tail)?,
        })
    }
}

/// A statistic judged by its bootstrap: `BCa` interval, and p values from the replicates. Only for fifty clusters or more.
#[derive(Debug, Clone)]
pub struct Resampled {
    bootstrap: Bootstrap,
    jackknife: Vec<f64>,
    n: usize,
}

impl Resampled {
    /// Resamples whole clusters; `n` is the number of units in them.
    ///
    /// # Errors
    /// [`Undefined::TooFew`] for fewer than fifty clusters, and whatever the statistic has.
    pub fn of<T>(
        clusters: &[T],
        n: usize,
        rounds: usize,
        seed: u64,
        statistic: impl Fn(&[&T]) -> Result<f64>,
    ) -> Result<Self> {
        if clusters.len() < 50 {
            return Err(Undefined::TooFew);
        }
        let bootstrap = Bootstrap::resample(clusters, rounds, seed, &statistic)?;
        let jackknife = (0..clusters.len())
            .map(|left_out| {
                let rest: Vec<&T> = clusters
                    .iter()
                    .enumerate()
                    .filter_map(|(i, c)| (i != left_out).then_some(c))
                    .collect();
                statistic(&rest)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            bootstrap,
            jackknife,
            n,
        })
    }
}

impl Inference for Resampled {
    fn value(&self) -> f64 {
        self.bootstrap.estimate
    }

    fn units(&self) -> (usize, usize) {
        (self.n, self.jackknife.len())
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        self.bootstrap.bca(&self.jackknife, level)
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        Ok(self.bootstrap.tails(d).0)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        Ok(self.bootstrap.tails(d).1)
    }
}

/// Efron's acceleration: Σ(θ̄ − θᵢ)³ / (6 (Σ(θ̄ − θᵢ)²)^{3/2}) over the jackknife values.
///
/// # Errors
/// [`Undefined::NoData`] without values, [`Undefined::NoVariation`] if they are all equal.
#[allow(clippy::cast_precision_loss)]
pub fn acceleration(jackknife: &[f64]) -> Result<f64> {
    if jackknife.is_empty() {
        return Err(Undefined::NoData);
    }
    let mean = jackknife.iter().sum::<f64>() / jackknife.len() as f64;
    let (mut squares, mut cubes) = (0.0, 0.0);
    for value in jackknife {
        squares += (mean - value).powi(2);
        cubes += (mean - value).powi(3);
    }
    if squares == 0.0 {
        return Err(Undefined::NoVariation);
    }
    Ok(cubes / (6.0 * squares.powf(1.5)))
}

/// Quantile of ascending values with linear interpolation (type 7 of Hyndman and Fan, numpy's default).
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}
