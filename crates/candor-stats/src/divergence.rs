//! How far apart two distributions over the same categories are.

use super::{Result, Undefined};

/// The Jensen–Shannon distance of two distributions, in [0, √ln 2]: the square root of the Jensen–Shannon divergence with natural logarithms
/// (Endres and Schindelin 2003, "A new metric for probability distributions"), as `scipy.spatial.distance.jensenshannon` gives it.
/// Weights need not sum to one.
///
/// # Errors
/// [`Undefined::NoData`] where one has no weight above 0, [`Undefined::OutOfRange`] where it has one below, or the two differ in length.
pub fn jensen_shannon_distance(p: &[f64], q: &[f64]) -> Result<f64> {
    if p.len() != q.len() {
        return Err(Undefined::OutOfRange);
    }
    let (p, q) = (shares(p)?, shares(q)?);
    // x ln x is 0 where x is.
    let term = |x: f64, middle: f64| if x > 0.0 { x * (x / middle).ln() } else { 0.0 };
    let terms = p.iter().zip(&q).map(|(p, q)| {
        let middle = f64::midpoint(*p, *q);
        term(*p, middle) + term(*q, middle)
    });
    let divergence = terms.sum::<f64>() / 2.0;
    Ok(divergence.max(0.0).sqrt())
}

/// Weights as shares of their sum.
fn shares(weights: &[f64]) -> Result<Vec<f64>> {
    let sum: f64 = weights.iter().sum();
    if !sum.is_finite() || weights.iter().any(|w| *w < 0.0) {
        return Err(Undefined::OutOfRange);
    }
    if sum <= 0.0 {
        return Err(Undefined::NoData);
    }
    Ok(weights.iter().map(|w| w / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::{Undefined, jensen_shannon_distance};

    #[test]
    fn what_is_no_distribution_has_no_distance() {
        for (p, q, why) in [
            (&[0.5, 0.5][..], &[1.0][..], Undefined::OutOfRange),
            (&[0.0, 0.0], &[0.5, 0.5], Undefined::NoData),
            (&[-0.5, 1.5], &[0.5, 0.5], Undefined::OutOfRange),
            (&[f64::NAN, 1.0], &[0.5, 0.5], Undefined::OutOfRange),
            (&[], &[], Undefined::NoData),
        ] {
            assert_eq!(jensen_shannon_distance(p, q), Err(why), "{p:?} {q:?}");
        }
    }
}
