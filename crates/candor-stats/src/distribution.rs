//! The distributions that intervals and tests rest on.
//!
//! statrs gives the distribution functions to 1e-12; its quantiles are coarser (1e-8 for t, 4e-4 relative for a beta near
//! zero), so each is polished here by a few safeguarded Newton steps on its own distribution function. The noncentral t,
//! which statrs lacks, is integrated here.

use statrs::distribution::{
    Beta, Binomial, ChiSquared, Continuous, ContinuousCDF, Discrete, DiscreteCDF, Normal, StudentsT,
};
use statrs::function::gamma::ln_gamma;

use super::integral::simpson;
use super::{Result, Undefined};

/// Quantile of the standard normal distribution at `p` in (0, 1).
///
/// # Errors
/// [`Undefined::OutOfRange`] for `p` outside (0, 1) or a parameter outside its range.
pub fn normal_quantile(p: f64) -> Result<f64> {
    open_unit(p)?;
    let normal = Normal::new(0.0, 1.0).map_err(|_| Undefined::OutOfRange)?;
    Ok(polish(
        &normal,
        p,
        normal.inverse_cdf(p),
        f64::NEG_INFINITY,
        f64::INFINITY,
    ))
}

/// Quantile of Student's t with `df` > 0 degrees of freedom at `p` in (0, 1).
///
/// # Errors
/// [`Undefined::OutOfRange`] for `p` outside (0, 1) or a parameter outside its range.
pub fn student_t_quantile(p: f64, df: f64) -> Result<f64> {
    open_unit(p)?;
    let t = StudentsT::new(0.0, 1.0, df).map_err(|_| Undefined::OutOfRange)?;
    Ok(polish(
        &t,
        p,
        t.inverse_cdf(p),
        f64::NEG_INFINITY,
        f64::INFINITY,
    ))
}

/// Quantile of the beta distribution with shapes `a`, `b` > 0 at `p` in (0, 1).
///
/// # Errors
/// [`Undefined::OutOfRange`] for `p` outside (0, 1) or a parameter outside its range.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> Result<f64> {
    open_unit(p)?;
    let beta = Beta::new(a, b).map_err(|_| Undefined::OutOfRange)?;
    Ok(polish(&beta, p, beta.inverse_cdf(p), 0.0, 1.0))
}

/// Distribution function of the standard normal.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * statrs::function::erf::erfc(-x / std::f64::consts::SQRT_2)
}

/// Distribution function of Student's t with `df` > 0 degrees of freedom.
///
/// # Errors
/// [`Undefined::OutOfRange`] for df ≤ 0.
pub fn student_t_cdf(x: f64, df: f64) -> Result<f64> {
    let t = StudentsT::new(0.0, 1.0, df).map_err(|_| Undefined::OutOfRange)?;
    Ok(t.cdf(x))
}

/// Distribution function of the beta distribution with shapes `a`, `b` > 0.
///
/// # Errors
/// [`Undefined::OutOfRange`] for a shape that is not above 0.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> Result<f64> {
    let beta = Beta::new(a, b).map_err(|_| Undefined::OutOfRange)?;
    Ok(beta.cdf(x.clamp(0.0, 1.0)))
}

/// Probability of at most `k` successes in `n` trials of probability `p`.
///
/// # Errors
/// [`Undefined::OutOfRange`] for `p` outside [0, 1].
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> Result<f64> {
    let binomial = Binomial::new(p, n).map_err(|_| Undefined::OutOfRange)?;
    Ok(binomial.cdf(k))
}

/// Probability of exactly `k` successes in `n` trials of probability `p`.
///
/// # Errors
/// [`Undefined::OutOfRange`] for `p` outside [0, 1].
pub fn binomial_pmf(k: u64, n: u64, p: f64) -> Result<f64> {
    let binomial = Binomial::new(p, n).map_err(|_| Undefined::OutOfRange)?;
    Ok(binomial.pmf(k))
}

/// Upper tail of the χ² distribution with `df` > 0 degrees of freedom.
///
/// # Errors
/// [`Undefined::OutOfRange`] for df ≤ 0.
pub fn chi_squared_sf(x: f64, df: f64) -> Result<f64> {
    let chi_squared = ChiSquared::new(df).map_err(|_| Undefined::OutOfRange)?;
    Ok(chi_squared.sf(x.max(0.0)))
}

/// ln B(a, b) for `a`, `b` > 0.
#[must_use]
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Density of √(χ²/df).
pub(super) fn root_chi_squared_density(df: f64) -> impl Fn(f64) -> f64 {
    let half = df / 2.0;
    let constant = std::f64::consts::LN_2 + half * half.ln() - ln_gamma(half);
    move |y: f64| {
        if y > 0.0 {
            (constant + (df - 1.0) * y.ln() - half * y * y).exp()
        } else if df > 1.0 {
            0.0
        } else {
            // Only for df = 1 is it above zero there.
            constant.exp()
        }
    }
}

/// Panels of Simpson's rule.
const PANELS: u32 = 2000;

/// Distribution function of the noncentral t with `df` degrees of freedom and noncentrality `shift`.
///
/// P(T ≤ x) = ∫ Φ(xy − shift) f(y) dy with y = √(χ²/df), by Simpson's rule over twelve standard deviations around 1.
///
/// # Errors
/// [`Undefined::OutOfRange`] for df < 1.
pub fn noncentral_t_cdf(x: f64, df: f64, shift: f64) -> Result<f64> {
    if df.is_nan() || df < 1.0 {
        return Err(Undefined::OutOfRange);
    }
    let density = root_chi_squared_density(df);
    let integrand = |y: f64| density(y) * normal_cdf(x * y - shift);
    let reach = 12.0 / (2.0 * df).sqrt();
    let (low, high) = ((1.0 - reach).max(0.0), 1.0 + reach);
    Ok(simpson(low, high, PANELS, integrand).clamp(0.0, 1.0))
}

fn open_unit(p: f64) -> Result<()> {
    if p > 0.0 && p < 1.0 {
        Ok(())
    } else {
        Err(Undefined::OutOfRange)
    }
}

/// Newton on `cdf(x) = p` from `start`, kept inside a bracket that tightens at each step.
fn polish<D: ContinuousCDF<f64, f64> + Continuous<f64, f64>>(
    distribution: &D,
    p: f64,
    start: f64,
    mut low: f64,
    mut high: f64,
) -> f64 {
    let mut x = start;
    for _ in 0..50 {
        let error = distribution.cdf(x) - p;
        if error == 0.0 {
            return x;
        }
        if error > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let mut next = x - error / distribution.pdf(x);
        if !(next > low && next < high) {
            if !(low.is_finite() && high.is_finite()) {
                return x;
            }
            next = f64::midpoint(low, high);
        }
        if (next - x).abs() <= 1e-15 * x.abs() {
            return next;
        }
        x = next;
    }
    x
}
