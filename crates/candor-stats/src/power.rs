//! What a number of questions can show, before anything is asked.

use super::{
    Result, Undefined, binomial_cdf, binomial_pmf, noncentral_t_cdf, normal_cdf, normal_quantile,
    student_t_quantile,
};

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

/// A paired non-inferiority test to be planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NonInferiority {
    /// Variance of a question's difference.
    pub variance: f64,
    /// The drop that is still tolerated, above 0.
    pub margin: f64,
    /// One-sided error.
    pub alpha: f64,
}

impl NonInferiority {
    /// Probability that `n` questions pass if the true difference is `difference`: P(T(n − 1; (Δ + δ)/√(v/n)) > t₁₋α).
    ///
    /// # Errors
    /// [`Undefined::NoData`] for fewer than two questions, [`Undefined::OutOfRange`] for a variance or margin that is not above 0.
    #[allow(clippy::cast_precision_loss)]
    pub fn power(&self, n: usize, difference: f64) -> Result<f64> {
        self.checked(n)?;
        let df = n as f64 - 1.0;
        let critical = student_t_quantile(1.0 - self.alpha, df)?;
        Ok(1.0 - noncentral_t_cdf(critical, df, self.shift(n, difference))?)
    }

    /// The same by the normal distribution.
    ///
    /// # Errors
    /// As for [`NonInferiority::power`].
    pub fn power_normal(&self, n: usize, difference: f64) -> Result<f64> {
        self.checked(n)?;
        Ok(normal_cdf(
            self.shift(n, difference) - normal_quantile(1.0 - self.alpha)?,
        ))
    }

    /// Questions needed to pass with probability `power` when nothing changed, by the normal distribution, not rounded:
    /// (z₁₋α + `z_power)²·v/δ²`.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for probabilities outside (0, 1) or a margin that is not above 0.
    pub fn questions_normal(&self, power: f64) -> Result<f64> {
        self.checked(2)?;
        let z = normal_quantile(1.0 - self.alpha)? + normal_quantile(power)?;
        Ok(z * z * self.variance / (self.margin * self.margin))
    }

    /// The fewest questions that pass with probability `power` when nothing changed.
    ///
    /// # Errors
    /// As for [`NonInferiority::questions_normal`].
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn questions(&self, power: f64) -> Result<usize> {
        let about = self.questions_normal(power)?.ceil().clamp(2.0, 1e12) as usize;
        // The t test needs a few more than the normal approximation says, and never fewer than two.
        let mut n = about.saturating_sub(2).max(2);
        while self.power(n, 0.0)? < power {
            n += 1;
        }
        while n > 2 && self.power(n - 1, 0.0)? >= power {
            n -= 1;
        }
        Ok(n)
    }

    #[allow(clippy::cast_precision_loss)]
    fn shift(&self, n: usize, difference: f64) -> f64 {
        (difference + self.margin) / (self.variance / n as f64).sqrt()
    }

    fn checked(&self, n: usize) -> Result<()> {
        if n < 2 {
            return Err(Undefined::NoData);
        }
        if self.variance > 0.0 && self.margin > 0.0 {
            Ok(())
        } else {
            Err(Undefined::OutOfRange)
        }
    }
}

/// Power of the one-sided paired t test of a true difference `delta` with standard deviation `sd` over `n` pairs.
///
/// # Errors
/// [`Undefined::NoData`] for fewer than two pairs, [`Undefined::OutOfRange`] for probabilities outside (0, 1).
#[allow(clippy::cast_precision_loss)]
pub fn paired_t_power_one_sided(n: usize, delta: f64, sd: f64, alpha: f64) -> Result<f64> {
    if n < 2 {
        return Err(Undefined::NoData);
    }
    let df = n as f64 - 1.0;
    let critical = student_t_quantile(1.0 - alpha, df)?;
    Ok(1.0 - noncentral_t_cdf(critical, df, delta / sd * (n as f64).sqrt())?)
}

/// Power of the two-sided paired t test, both tails counted.
///
/// # Errors
/// As for [`paired_t_power_one_sided`].
pub fn paired_t_power_two_sided(n: usize, delta: f64, sd: f64, alpha: f64) -> Result<f64> {
    Ok(paired_t_power_one_sided(n, delta, sd, alpha / 2.0)?
        + paired_t_power_one_sided(n, -delta, sd, alpha / 2.0)?)
}

/// The chances of the two kinds of discordant pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discordance {
    /// First right, second wrong.
    pub first_only: f64,
    /// Second right, first wrong.
    pub second_only: f64,
}

impl Discordance {
    /// Power of McNemar's two-sided test by the normal distribution.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for chances that are not above 0 or exceed 1 together.
    #[allow(clippy::cast_precision_loss)]
    pub fn power_normal(&self, n: u64, alpha: f64) -> Result<f64> {
        self.checked()?;
        let (low, high) = self.ordered();
        let ratio = high / low;
        let z = normal_quantile(1.0 - alpha / 2.0)?;
        let gap = ratio - 1.0;
        let reach = (n as f64 * low).sqrt() * gap - z * (ratio + 1.0).sqrt();
        Ok(normal_cdf(reach / (ratio + 1.0 - low * gap * gap).sqrt()))
    }

    /// Power of the exact test if as many pairs are discordant as expected.
    ///
    /// # Errors
    /// As for [`Discordance::power_normal`].
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    pub fn power_conditional(&self, n: u64, alpha: f64) -> Result<f64> {
        self.checked()?;
        let (low, high) = self.ordered();
        let discordant = (n as f64 * (low + high)).round() as u64;
        rejection(discordant, high / (low + high), alpha)
    }

    /// Power of the exact test over all numbers of discordant pairs.
    ///
    /// # Errors
    /// As for [`Discordance::power_normal`].
    pub fn power_exact(&self, n: u64, alpha: f64) -> Result<f64> {
        self.checked()?;
        let (low, high) = self.ordered();
        let (all, share) = (low + high, high / (low + high));
        (0..=n)
            .map(|m| Ok(binomial_pmf(m, n, all)? * rejection(m, share, alpha)?))
            .sum()
    }

    fn ordered(&self) -> (f64, f64) {
        (
            self.first_only.min(self.second_only),
            self.first_only.max(self.second_only),
        )
    }

    fn checked(&self) -> Result<()> {
        let (low, high) = self.ordered();
        if low > 0.0 && low + high <= 1.0 {
            Ok(())
        } else {
            Err(Undefined::OutOfRange)
        }
    }
}

/// Probability that the exact two-sided sign test rejects, of `m` pairs with wins of probability `p`.
fn rejection(m: u64, p: f64, alpha: f64) -> Result<f64> {
    // The largest count whose two tails together stay within alpha.
    let mut most = None;
    for k in 0..m.div_ceil(2) {
        if 2.0 * binomial_cdf(k, m, 0.5)? > alpha {
            break;
        }
        most = Some(k);
    }
    let Some(most) = most else { return Ok(0.0) };
    Ok(binomial_cdf(most, m, p)? + binomial_cdf(most, m, 1.0 - p)?)
}
