//! Quantiles of the distributions that the intervals need.
//!
//! statrs gives the distribution functions to 1e-12; its quantiles are coarser (1e-8 for t, 4e-4 relative for a beta near
//! zero), so each is polished here by a few safeguarded Newton steps on its own distribution function.

use statrs::distribution::{Beta, Continuous, ContinuousCDF, Normal, StudentsT};

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
