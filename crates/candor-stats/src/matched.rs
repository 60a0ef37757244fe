//! Matched strata: odds ratios pooled over topics, and tests of one question under several conditions.

use super::root::bisect;
use super::{Interval, Result, Undefined, chi_squared_sf, normal_quantile};

/// One stratum's 2 × 2 table: \[\[sensitive withheld, sensitive answered\], \[control withheld, control answered\]\].
pub type Table = [[f64; 2]; 2];

/// Mantel and Haenszel's pooled ratios over strata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MantelHaenszel {
    /// Odds ratio, Σ ad/n ÷ Σ bc/n. For 1:1 pairs it is b/c.
    pub odds_ratio: f64,
    /// Standard error of its logarithm (Robins, Breslow, Greenland 1986).
    pub log_se: f64,
    /// Risk ratio.
    pub risk_ratio: f64,
    /// The Cochran–Mantel–Haenszel statistic of no association; for 1:1 pairs it is McNemar's.
    pub chi_squared: f64,
    /// Its p.
    pub p: f64,
    /// The same with continuity correction.
    pub chi_squared_corrected: f64,
    /// Its p.
    pub p_corrected: f64,
}

impl MantelHaenszel {
    /// From strata; those without a withheld or without an answered item carry no information.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without strata, [`Undefined::NoVariation`] if no stratum is discordant in one of the two directions:
    /// the ratio is then 0, infinite or 0/0.
    pub fn of(strata: &[Table]) -> Result<Self> {
        if strata.is_empty() {
            return Err(Undefined::NoData);
        }
        let (mut r, mut s) = (0.0, 0.0);
        let (mut pr, mut ps_qr, mut qs) = (0.0, 0.0, 0.0);
        let (mut risk_first, mut risk_second) = (0.0, 0.0);
        let (mut excess, mut variance) = (0.0, 0.0);
        for [[a, b], [c, d]] in strata {
            let n = a + b + c + d;
            if n == 0.0 {
                continue;
            }
            let (ri, si) = (a * d / n, b * c / n);
            let (pi, qi) = ((a + d) / n, (b + c) / n);
            r += ri;
            s += si;
            pr += pi * ri;
            ps_qr += pi * si + qi * ri;
            qs += qi * si;
            risk_first += a * (c + d) / n;
            risk_second += c * (a + b) / n;
            excess += a - (a + b) * (a + c) / n;
            if n > 1.0 {
                variance += (a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1.0));
            }
        }
        if r == 0.0 || s == 0.0 || variance == 0.0 {
            return Err(Undefined::NoVariation);
        }
        let chi_squared = excess * excess / variance;
        let corrected = (excess.abs() - 0.5).max(0.0).powi(2) / variance;
        Ok(Self {
            odds_ratio: r / s,
            log_se: (pr / (2.0 * r * r) + ps_qr / (2.0 * r * s) + qs / (2.0 * s * s)).sqrt(),
            risk_ratio: risk_first / risk_second,
            chi_squared,
            p: chi_squared_sf(chi_squared, 1.0)?,
            chi_squared_corrected: corrected,
            p_corrected: chi_squared_sf(corrected, 1.0)?,
        })
    }

    /// The odds ratio's interval, exp(ln OR ± z·SE).
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1).
    pub fn interval(&self, level: f64) -> Result<Interval> {
        let half = normal_quantile(f64::midpoint(1.0, level))? * self.log_se;
        Ok(Interval {
            low: (self.odds_ratio.ln() - half).exp(),
            high: (self.odds_ratio.ln() + half).exp(),
        })
    }
}

/// Breslow and Day's test that strata share one odds ratio, plain and with Tarone's correction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homogeneity {
    /// Breslow and Day's χ².
    pub breslow_day: f64,
    /// Its p.
    pub breslow_day_p: f64,
    /// With Tarone's correction.
    pub tarone: f64,
    /// Its p.
    pub tarone_p: f64,
}

/// Tests whether strata share the Mantel–Haenszel odds ratio.
///
/// # Errors
/// As for [`MantelHaenszel::of`], and [`Undefined::OneCluster`] with one informative stratum.
#[allow(clippy::cast_precision_loss)]
pub fn breslow_day(strata: &[Table]) -> Result<Homogeneity> {
    let ratio = MantelHaenszel::of(strata)?.odds_ratio;
    let (mut statistic, mut excess, mut variance, mut informative) = (0.0, 0.0, 0.0, 0_u32);
    for [[a, b], [c, d]] in strata {
        let (first, second, withheld) = (a + b, c + d, a + c);
        let answered = b + d;
        if first == 0.0 || second == 0.0 || withheld == 0.0 || answered == 0.0 {
            continue;
        }
        let expected = expected_under(ratio, first, second, withheld);
        let cells = [
            expected,
            first - expected,
            withheld - expected,
            second - withheld + expected,
        ];
        let own = 1.0 / cells.iter().map(|x| 1.0 / x).sum::<f64>();
        statistic += (a - expected).powi(2) / own;
        excess += a - expected;
        variance += own;
        informative += 1;
    }
    if informative < 2 {
        return Err(Undefined::OneCluster);
    }
    let df = f64::from(informative - 1);
    let tarone = statistic - excess * excess / variance;
    Ok(Homogeneity {
        breslow_day: statistic,
        breslow_day_p: chi_squared_sf(statistic, df)?,
        tarone,
        tarone_p: chi_squared_sf(tarone, df)?,
    })
}

/// The expected first cell of a table with these margins under an odds ratio: the root of a quadratic.
fn expected_under(ratio: f64, first: f64, second: f64, withheld: f64) -> f64 {
    if (ratio - 1.0).abs() < 1e-12 {
        return first * withheld / (first + second);
    }
    let a = 1.0 - ratio;
    let b = second - withheld + ratio * (first + withheld);
    let c = -ratio * first * withheld;
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    let (low, high) = ((withheld - second).max(0.0), first.min(withheld));
    let candidates = [(-b + root) / (2.0 * a), (-b - root) / (2.0 * a)];
    candidates
        .into_iter()
        .find(|x| *x >= low && *x <= high)
        .unwrap_or(f64::midpoint(low, high))
}

/// The exact conditional odds ratio over strata, all margins fixed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactOddsRatio {
    /// The conditional maximum-likelihood estimate; 0 or infinite at the ends of the support.
    pub value: f64,
    /// Its exact interval.
    pub interval: Interval,
    /// Exact two-sided p of no association.
    pub p: f64,
}

/// The exact conditional odds ratio: the sum of first cells follows a product of noncentral hypergeometric distributions.
///
/// # Errors
/// [`Undefined::NoData`] without strata, [`Undefined::NoVariation`] if the margins leave one outcome only,
/// [`Undefined::OutOfRange`] for cells that are not counts or a level outside (0, 1).
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
pub fn exact_conditional_odds_ratio(strata: &[Table], level: f64) -> Result<ExactOddsRatio> {
    if strata.is_empty() {
        return Err(Undefined::NoData);
    }
    if !(level > 0.0 && level < 1.0)
        || strata
            .iter()
            .flatten()
            .flatten()
            .any(|c| *c < 0.0 || c.fract() != 0.0)
    {
        return Err(Undefined::OutOfRange);
    }
    let (mut density, mut lowest, mut observed) = (vec![1.0], 0.0, 0.0);
    for [[a, b], [c, d]] in strata {
        let (first, second, withheld) = (a + b, c + d, a + c);
        let (low, high) = ((withheld - second).max(0.0), first.min(withheld));
        let own = hypergeometric(first, second, withheld, low, high);
        let mut sum = vec![0.0; density.len() + own.len() - 1];
        for (i, x) in density.iter().enumerate() {
            for (j, y) in own.iter().enumerate() {
                sum[i + j] += x * y;
            }
        }
        density = sum;
        lowest += low;
        observed += a;
    }
    let most = density.len() - 1;
    if most == 0 {
        return Err(Undefined::NoVariation);
    }
    let at = (observed - lowest) as usize;
    let logs: Vec<f64> = density.iter().map(|d| d.ln()).collect();
    // Probabilities of the support under an odds ratio exp(t).
    let under = |t: f64| -> Vec<f64> {
        let tilted: Vec<f64> = logs
            .iter()
            .enumerate()
            .map(|(k, l)| l + t * k as f64)
            .collect();
        let top = tilted.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = tilted.iter().map(|l| (l - top).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / sum).collect()
    };
    let mean = |t: f64| {
        under(t)
            .iter()
            .enumerate()
            .map(|(k, p)| k as f64 * p)
            .sum::<f64>()
    };
    let at_least = |t: f64| under(t)[at..].iter().sum::<f64>();
    let at_most = |t: f64| under(t)[..=at].iter().sum::<f64>();
    let tail = (1.0 - level) / 2.0;
    let solve = |below: &dyn Fn(f64) -> bool| bisect(-50.0, 50.0, below).exp();
    let value = match at {
        0 => 0.0,
        _ if at == most => f64::INFINITY,
        _ => solve(&|t| mean(t) < at as f64),
    };
    let low = if at == 0 {
        0.0
    } else {
        solve(&|t| at_least(t) < tail)
    };
    let high = if at == most {
        f64::INFINITY
    } else {
        solve(&|t| at_most(t) > tail)
    };
    let null = under(0.0);
    let p = null
        .iter()
        .filter(|p| **p <= null[at] * (1.0 + 1e-7))
        .sum::<f64>();
    Ok(ExactOddsRatio {
        value,
        interval: Interval { low, high },
        p: p.min(1.0),
    })
}

/// Probabilities of first cells low..=high with these margins under no association, by the ratio of neighbours.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn hypergeometric(first: f64, second: f64, withheld: f64, low: f64, high: f64) -> Vec<f64> {
    let steps = (high - low) as usize;
    let mut logs = vec![0.0_f64; steps + 1];
    for k in 0..steps {
        let x = low + k as f64;
        let ratio = (first - x) * (withheld - x) / ((x + 1.0) * (second - withheld + x + 1.0));
        logs[k + 1] = logs[k] + ratio.ln();
    }
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|l| (l - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// Cochran's Q test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CochranQ {
    /// The statistic.
    pub q: f64,
    /// Degrees of freedom: conditions − 1.
    pub df: f64,
    /// p.
    pub p: f64,
}

/// Cochran's Q: the same questions under several conditions (languages, models), yes or no each; `rows[question][condition]`.
///
/// # Errors
/// [`Undefined::NoData`] without questions or a second condition, [`Undefined::OutOfRange`] if rows differ in length,
/// [`Undefined::NoVariation`] if every question came out alike under all conditions.
#[allow(clippy::cast_precision_loss)]
pub fn cochran_q(rows: &[Vec<bool>]) -> Result<CochranQ> {
    let conditions = rows.first().map_or(0, Vec::len);
    if conditions < 2 {
        return Err(Undefined::NoData);
    }
    if rows.iter().any(|r| r.len() != conditions) {
        return Err(Undefined::OutOfRange);
    }
    let k = conditions as f64;
    let yes = |row: &Vec<bool>| row.iter().filter(|v| **v).count() as f64;
    let columns: Vec<f64> = (0..conditions)
        .map(|j| rows.iter().filter(|r| r[j]).count() as f64)
        .collect();
    let all: f64 = columns.iter().sum();
    let denominator = rows.iter().map(|r| yes(r) * (k - yes(r))).sum::<f64>();
    if denominator == 0.0 {
        return Err(Undefined::NoVariation);
    }
    let spread: f64 = columns.iter().map(|c| (c - all / k).powi(2)).sum();
    let q = k * (k - 1.0) * spread / denominator;
    Ok(CochranQ {
        q,
        df: k - 1.0,
        p: chi_squared_sf(q, k - 1.0)?,
    })
}
