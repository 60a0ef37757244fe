//! How two lists of figures go together.

use super::ranking::average_ranks;
use super::{Result, Undefined, normal_cdf, student_t_cdf};

/// A correlation and its two-sided p of none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// In [−1, 1].
    pub value: f64,
    /// p.
    pub p: f64,
}

/// Pearson's r, with p from t(n − 2).
///
/// # Errors
/// [`Undefined::NoData`] for fewer than three pairs, [`Undefined::OutOfRange`] for lists of two lengths, [`Undefined::NoVariation`]
/// where a list is constant.
#[allow(clippy::cast_precision_loss)]
pub fn pearson(x: &[f64], y: &[f64]) -> Result<Correlation> {
    let n = x.len();
    if n != y.len() {
        return Err(Undefined::OutOfRange);
    }
    if n < 3 {
        return Err(Undefined::NoData);
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n as f64;
    let (mx, my) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        xx += (a - mx).powi(2);
        yy += (b - my).powi(2);
        xy += (a - mx) * (b - my);
    }
    if xx == 0.0 || yy == 0.0 {
        return Err(Undefined::NoVariation);
    }
    let value = (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0);
    let df = n as f64 - 2.0;
    let p = if value.abs() >= 1.0 {
        0.0
    } else {
        2.0 * student_t_cdf(-value.abs() * (df / (1.0 - value * value)).sqrt(), df)?
    };
    Ok(Correlation { value, p })
}

/// Spearman's ρ: Pearson's r of the ranks.
///
/// # Errors
/// As for [`pearson`].
pub fn spearman(x: &[f64], y: &[f64]) -> Result<Correlation> {
    pearson(&average_ranks(x), &average_ranks(y))
}

/// Kendall's τ-b. Its p is exact for up to 33 pairs without ties, else normal with the variance for ties.
///
/// # Errors
/// As for [`pearson`].
#[allow(clippy::cast_precision_loss)]
pub fn kendall(x: &[f64], y: &[f64]) -> Result<Correlation> {
    let n = x.len();
    if n != y.len() {
        return Err(Undefined::OutOfRange);
    }
    if n < 3 {
        return Err(Undefined::NoData);
    }
    let (mut concordant, mut discordant) = (0_u64, 0_u64);
    for i in 0..n {
        for j in 0..i {
            let product = (x[i] - x[j]) * (y[i] - y[j]);
            if product > 0.0 {
                concordant += 1;
            } else if product < 0.0 {
                discordant += 1;
            }
        }
    }
    let (tx, ty) = (ties(x), ties(y));
    let pairs = (n * (n - 1) / 2) as f64;
    if tx.pairs == pairs || ty.pairs == pairs {
        return Err(Undefined::NoVariation);
    }
    let excess = concordant as f64 - discordant as f64;
    let value = excess / ((pairs - tx.pairs) * (pairs - ty.pairs)).sqrt();
    let p = if tx.pairs == 0.0 && ty.pairs == 0.0 && n <= 33 {
        exact_kendall_p(n, usize::try_from(concordant.min(discordant)).unwrap_or(0))
    } else {
        let m = n as f64;
        let all = m * (m - 1.0);
        let variance = (all * (2.0 * m + 5.0) - tx.fives - ty.fives) / 18.0
            + 2.0 * tx.pairs * ty.pairs / all
            + tx.triples * ty.triples / (9.0 * all * (m - 2.0));
        2.0 * normal_cdf(-excess.abs() / variance.sqrt())
    };
    Ok(Correlation { value, p })
}

struct Ties {
    pairs: f64,
    triples: f64,
    fives: f64,
}

#[allow(clippy::cast_precision_loss)]
fn ties(values: &[f64]) -> Ties {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let sum = |f: fn(f64) -> f64| {
        sorted
            .chunk_by(|a, b| a == b)
            .map(|c| f(c.len() as f64))
            .sum()
    };
    Ties {
        pairs: sum(|t| t * (t - 1.0) / 2.0),
        triples: sum(|t| t * (t - 1.0) * (t - 2.0)),
        fives: sum(|t| t * (t - 1.0) * (2.0 * t + 5.0)),
    }
}

/// P(at most `fewer` inversions), both tails, from the count of permutations by inversions.
#[allow(clippy::cast_precision_loss)]
fn exact_kendall_p(n: usize, fewer: usize) -> f64 {
    let most = n * (n - 1) / 2;
    let mut shares = vec![0.0; most + 1];
    shares[0] = 1.0;
    for size in 2..=n {
        let mut next = vec![0.0; most + 1];
        let mut window = 0.0;
        for (k, slot) in next.iter_mut().enumerate() {
            window += shares[k];
            if k >= size {
                window -= shares[k - size];
            }
            *slot = window / size as f64;
        }
        shares = next;
    }
    (2.0 * shares[..=fewer].iter().sum::<f64>()).min(1.0)
}
