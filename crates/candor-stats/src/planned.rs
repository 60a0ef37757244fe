//! How likely candor's own paired tests are to pass a margin or to fail it, before anything is asked.

use super::distribution::root_chi_squared_density;
use super::integral::simpson;
use super::root::fewest;
use super::{
    PairedCounts, Result, Tango, Undefined, binomial_cdf, binomial_pmf, normal_cdf,
    normal_quantile, student_t_quantile,
};

/// A paired comparison that is planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedComparison {
    /// Questions.
    pub n: usize,
    /// Variance of a question's difference if nothing changed.
    pub variance: f64,
    /// The drop that is tolerated.
    pub margin: f64,
    /// One-sided error.
    pub alpha: f64,
    /// Single yes/no responses that stand alone, judged by Tango's test; else means, judged by the adjusted t test.
    pub single: bool,
}

impl PlannedComparison {
    /// Probability of a pass if the true difference is `difference`.
    ///
    /// # Errors
    /// [`Undefined::NoData`] for fewer than two questions, [`Undefined::OutOfRange`] for a variance outside (0, 1], a margin below 0
    /// or an error outside (0, 1).
    pub fn pass(&self, difference: f64) -> Result<f64> {
        self.checked()?;
        if self.single {
            self.tango(difference, |z, critical| z > critical)
        } else {
            self.adjusted(difference, 1.0)
        }
    }

    /// Probability of a fail if the true difference is `difference`, below 0.
    ///
    /// # Errors
    /// As for [`PlannedComparison::pass`].
    pub fn fail(&self, difference: f64) -> Result<f64> {
        self.checked()?;
        if self.single {
            self.tango(difference, |z, critical| z < -critical)
        } else {
            self.adjusted(difference, -1.0)
        }
    }

    /// The smallest true drop that fails with probability `power`.
    ///
    /// # Errors
    /// As for [`PlannedComparison::pass`], and [`Undefined::OutOfRange`] if no drop would.
    pub fn detectable_drop(&self, power: f64) -> Result<f64> {
        if self.fail(-1.0 + self.variance)? < power {
            return Err(Undefined::OutOfRange);
        }
        let (mut low, mut high) = (self.margin, 1.0 - self.variance);
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            if self.fail(-middle)? < power {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(high)
    }

    /// The fewest questions with which an unchanged model passes with probability `power`.
    ///
    /// # Errors
    /// As for [`PlannedComparison::pass`], and [`Undefined::OutOfRange`] for a margin of 0: no number suffices.
    pub fn questions(&self, power: f64) -> Result<usize> {
        if self.margin <= 0.0 {
            return Err(Undefined::OutOfRange);
        }
        self.fewest(|plan| Ok(plan.pass(0.0)? >= power))
    }

    /// The fewest questions with which a true drop of `drop` fails with probability `power`.
    ///
    /// # Errors
    /// As for [`PlannedComparison::pass`], and [`Undefined::OutOfRange`] for a drop within the margin: no number suffices.
    pub fn questions_to_find(&self, drop: f64, power: f64) -> Result<usize> {
        if drop <= self.margin {
            return Err(Undefined::OutOfRange);
        }
        self.fewest(|plan| Ok(plan.fail(-drop)? >= power))
    }

    /// The fewest questions from which on `enough` holds.
    fn fewest(&self, enough: impl Fn(Self) -> Result<bool>) -> Result<usize> {
        fewest(1 << 24, |n| enough(Self { n, ..*self }))?.ok_or(Undefined::OutOfRange)
    }

    fn checked(&self) -> Result<()> {
        if self.n < 2 {
            return Err(Undefined::NoData);
        }
        let sound = self.variance > 0.0
            && self.variance <= 1.0
            && self.margin >= 0.0
            && self.alpha > 0.0
            && self.alpha < 0.5;
        if sound {
            Ok(())
        } else {
            Err(Undefined::OutOfRange)
        }
    }

    /// The chances of both kinds of discordant pairs: half the variance each, and the difference on top of one of them.
    fn chances(&self, difference: f64) -> (f64, f64) {
        let half = self.variance / 2.0;
        (half + difference.max(0.0), half + (-difference).max(0.0))
    }

    /// Over all numbers of discordant pairs that are not next to impossible; within one number, the decision turns once as gains rise.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    fn tango(&self, difference: f64, decides: impl Fn(f64, f64) -> bool) -> Result<f64> {
        let critical = normal_quantile(1.0 - self.alpha)?;
        let (gain, loss) = self.chances(difference);
        let (n, all) = (self.n as u64, (gain + loss).min(1.0));
        let share = gain / (gain + loss);
        let (mean, sd) = (n as f64 * all, (n as f64 * all * (1.0 - all)).sqrt());
        let fewest = (mean - 8.0 * sd - 2.0).max(0.0) as u64;
        let most = ((mean + 8.0 * sd + 2.0) as u64).min(n);
        let mut sum = 0.0;
        for discordant in fewest..=most {
            let decided = |gains: u64| {
                let counts = PairedCounts {
                    n11: n - discordant,
                    n10: gains,
                    n01: discordant - gains,
                    n00: 0,
                };
                Tango::new(counts).is_ok_and(|t| decides(t.statistic(-self.margin), critical))
            };
            let upwards = decided(discordant) && !decided(0);
            let chance = match (decided(0), decided(discordant)) {
                (true, true) => 1.0,
                (false, false) => 0.0,
                _ => {
                    let (mut low, mut high) = (0, discordant);
                    while high - low > 1 {
                        let middle = u64::midpoint(low, high);
                        if decided(middle) == upwards {
                            high = middle;
                        } else {
                            low = middle;
                        }
                    }
                    let below = binomial_cdf(low, discordant, share)?;
                    if upwards { 1.0 - below } else { below }
                }
            };
            sum += chance * binomial_pmf(discordant, n, all)?;
        }
        Ok(sum.clamp(0.0, 1.0))
    }

    /// E over the estimated variance of Φ((±(δ + nΔ/(n+2)) − t·SE')/sd(D')), with SE'² = (Σd² + 2)/(n+2)² of the adjusted test.
    #[allow(clippy::cast_precision_loss)]
    fn adjusted(&self, difference: f64, sign: f64) -> Result<f64> {
        let n = self.n as f64;
        // A drop falls on some questions and spares others: that adds to the variance.
        let shift = difference.abs();
        let variance = self.variance + shift * (1.0 - shift);
        let df = n - 1.0;
        let t = student_t_quantile(1.0 - self.alpha, df)?;
        let sd = (n * variance).sqrt() / (n + 2.0);
        let reach = sign * (self.margin + n * difference / (n + 2.0));
        let density = root_chi_squared_density(df);
        let integrand = |y: f64| {
            if y <= 0.0 {
                return 0.0;
            }
            let se = (df * variance * y * y + 2.0).sqrt() / (n + 2.0);
            density(y) * normal_cdf((reach - t * se) / sd)
        };
        let width = 10.0 / (2.0 * df).sqrt();
        let (low, high) = ((1.0 - width).max(0.0), 1.0 + width);
        Ok(simpson(low, high, PANELS, integrand).clamp(0.0, 1.0))
    }
}

/// Panels of Simpson's rule.
const PANELS: u32 = 200;

/// Variance of a question's difference between two runs of one model with K repeats each: 2·s²/K, from the variance s² of single
/// repeats.
#[must_use]
pub fn unchanged_variance(within: f64, repeats: u32) -> f64 {
    2.0 * within / f64::from(repeats.max(1))
}

/// The share of p(1−p) that is within questions where nothing is measured: questions are mostly nearly always right or wrong. At a
/// score of 0.75 it gives a question's difference the variance 0.154 that docs/statistics.md tables.
pub const ASSUMED_WITHIN_SHARE: f64 = 0.154 / 2.0 / (0.75 * 0.25);
