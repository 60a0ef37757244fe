//! Two conditions on the same units, yes or no each: two models on the same questions, or a sensitive question next to its
//! control.

use super::inference::Inference;
use super::root::{bisect, score_interval, standardised};
use super::{
    Interval, Result, Undefined, binomial_cdf, binomial_pmf, chi_squared_sf, clopper_pearson,
    normal_cdf, normal_quantile, wilson,
};

/// The 2 × 2 table of paired yes/no outcomes: `n10` = yes for the first only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PairedCounts {
    /// Yes for both.
    pub n11: u64,
    /// Yes for the first only.
    pub n10: u64,
    /// Yes for the second only.
    pub n01: u64,
    /// No for both.
    pub n00: u64,
}

#[allow(clippy::cast_precision_loss)]
impl PairedCounts {
    /// Adds one pair.
    pub fn count(&mut self, first: bool, second: bool) {
        *match (first, second) {
            (true, true) => &mut self.n11,
            (true, false) => &mut self.n10,
            (false, true) => &mut self.n01,
            (false, false) => &mut self.n00,
        } += 1;
    }

    /// Pairs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.n11 + self.n10 + self.n01 + self.n00
    }

    fn checked_total(&self) -> Result<f64> {
        match self.total() {
            0 => Err(Undefined::NoData),
            n => Ok(n as f64),
        }
    }
}

/// Tango's score test of a difference of paired proportions, first − second.
///
/// For H0: Δ = d, with A = 2n, B = −n10 − n01 + (2n − n10 + n01)d, C = −n01·d(1−d) and q = (√(B²−4AC) − B)/2A,
/// Z(d) = (n10 − n01 − nd)/√(n(2q + d(1−d))); the interval is every d with |Z| ≤ z (Tango 1998, found by bisection). At d = 0,
/// Z² is McNemar's χ².
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tango {
    counts: PairedCounts,
}

impl Tango {
    /// The test of a table.
    ///
    /// # Errors
    /// [`Undefined::NoData`] for an empty table.
    pub fn new(counts: PairedCounts) -> Result<Self> {
        counts.checked_total().map(|_| Self { counts })
    }

    /// The score statistic at a difference; infinite where the variance is zero and the difference is not the observed one.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::many_single_char_names)] // the paper's letters
    pub fn statistic(&self, d: f64) -> f64 {
        let (n, first, second) = (
            self.counts.total() as f64,
            self.counts.n10 as f64,
            self.counts.n01 as f64,
        );
        let b = -first - second + (2.0 * n - first + second) * d;
        let c = -second * d * (1.0 - d);
        let q = ((b * b - 8.0 * n * c).max(0.0).sqrt() - b) / (4.0 * n);
        let variance = n * (2.0 * q + d * (1.0 - d));
        standardised(first - second - n * d, variance)
    }
}

impl Inference for Tango {
    #[allow(clippy::cast_precision_loss)]
    fn value(&self) -> f64 {
        (self.counts.n10 as f64 - self.counts.n01 as f64) / self.counts.total() as f64
    }

    fn units(&self) -> (usize, usize) {
        let n = usize::try_from(self.counts.total()).unwrap_or(usize::MAX);
        (n, n)
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        score_interval(self.value(), level, |d| self.statistic(d))
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        // Without a discordant pair there is no evidence of a drop or a rise at all.
        if d == 0.0 && self.counts.n10 + self.counts.n01 == 0 {
            return Ok(1.0);
        }
        Ok(normal_cdf(-self.statistic(d)))
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        if d == 0.0 && self.counts.n10 + self.counts.n01 == 0 {
            return Ok(1.0);
        }
        Ok(normal_cdf(self.statistic(d)))
    }
}

/// Newcombe's method 10 for a paired difference: Wilson limits of both margins, squared and added with their correlation.
///
/// # Errors
/// [`Undefined::NoData`] for an empty table, [`Undefined::OutOfRange`] for a level outside (0, 1).
#[allow(clippy::cast_precision_loss)]
pub fn newcombe_paired(counts: PairedCounts, level: f64) -> Result<Interval> {
    let n = counts.checked_total()?;
    let (yes, no) = (counts.n11 as f64, counts.n00 as f64);
    let (first, second) = (counts.n10 as f64, counts.n01 as f64);
    let (w1, w2) = (
        wilson(yes + first, n, level)?,
        wilson(yes + second, n, level)?,
    );
    let (p1, p2) = ((yes + first) / n, (yes + second) / n);
    let margins = (yes + first) * (second + no) * (yes + second) * (first + no);
    let product = yes * no - first * second;
    let correlation = if margins == 0.0 {
        0.0
    } else if product > 0.0 {
        (product - n / 2.0).max(0.0) / margins.sqrt()
    } else {
        product / margins.sqrt()
    };
    let reach = |a: f64, b: f64| (a * a - 2.0 * correlation * a * b + b * b).max(0.0).sqrt();
    Ok(Interval {
        low: p1 - p2 - reach(p1 - w1.low, w2.high - p2),
        high: p1 - p2 + reach(w1.high - p1, p2 - w2.low),
    })
}

/// Wald's interval with `extra` pairs more in each discordant cell and `pairs` more in all.
#[allow(clippy::cast_precision_loss)]
fn adjusted_wald(counts: PairedCounts, extra: f64, pairs: f64, level: f64) -> Result<Interval> {
    let n = counts.checked_total()? + pairs;
    let (first, second) = (
        (counts.n10 as f64 + extra) / n,
        (counts.n01 as f64 + extra) / n,
    );
    let z = normal_quantile(f64::midpoint(1.0, level))?;
    let half = z * ((first + second - (first - second).powi(2)) / n).sqrt();
    Ok(Interval {
        low: (first - second - half).max(-1.0),
        high: (first - second + half).min(1.0),
    })
}

/// Bonett and Price's interval: Wald's with one pair more in each discordant cell.
///
/// # Errors
/// [`Undefined::NoData`] for an empty table, [`Undefined::OutOfRange`] for a level outside (0, 1).
pub fn bonett_price(counts: PairedCounts, level: f64) -> Result<Interval> {
    adjusted_wald(counts, 1.0, 2.0, level)
}

/// Agresti and Min's interval: Wald's with half a pair more in every cell.
///
/// # Errors
/// [`Undefined::NoData`] for an empty table, [`Undefined::OutOfRange`] for a level outside (0, 1).
pub fn agresti_min(counts: PairedCounts, level: f64) -> Result<Interval> {
    adjusted_wald(counts, 0.5, 2.0, level)
}

/// Wald's interval for a paired difference; zero width without discordant pairs, so never a default.
///
/// # Errors
/// [`Undefined::NoData`] for an empty table, [`Undefined::OutOfRange`] for a level outside (0, 1).
pub fn wald_paired(counts: PairedCounts, level: f64) -> Result<Interval> {
    adjusted_wald(counts, 0.0, 0.0, level)
}

/// McNemar's tests of equal margins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Exact binomial p.
    pub exact_p: f64,
    /// Mid-p: the observed table counts half (Fagerland, Lydersen, Laake 2013). 1 where both cells are equal.
    pub mid_p: f64,
    /// (b − c)²/(b + c).
    pub chi_squared: f64,
    /// Its p.
    pub chi_squared_p: f64,
    /// (|b − c| − 1)²/(b + c).
    pub chi_squared_corrected: f64,
    /// Its p.
    pub chi_squared_corrected_p: f64,
}

/// McNemar's tests; every p is 1 without discordant pairs.
///
/// # Errors
/// None for tables of counts; kept as a result for the distributions beneath.
#[allow(clippy::cast_precision_loss)]
pub fn mcnemar(counts: PairedCounts) -> Result<McNemar> {
    let (b, c) = (counts.n10, counts.n01);
    let discordant = b + c;
    if discordant == 0 {
        return Ok(McNemar {
            exact_p: 1.0,
            mid_p: 1.0,
            chi_squared: 0.0,
            chi_squared_p: 1.0,
            chi_squared_corrected: 0.0,
            chi_squared_corrected_p: 1.0,
        });
    }
    let fewer = b.min(c);
    let tail = binomial_cdf(fewer, discordant, 0.5)?;
    let gap = b.abs_diff(c) as f64;
    let chi_squared = gap * gap / discordant as f64;
    let corrected = (gap - 1.0).powi(2) / discordant as f64;
    Ok(McNemar {
        exact_p: (2.0 * tail).min(1.0),
        mid_p: if b == c {
            1.0
        } else {
            (2.0 * tail - binomial_pmf(fewer, discordant, 0.5)?).min(1.0)
        },
        chi_squared,
        chi_squared_p: chi_squared_sf(chi_squared, 1.0)?,
        chi_squared_corrected: corrected,
        chi_squared_corrected_p: chi_squared_sf(corrected, 1.0)?,
    })
}

/// The conditional odds ratio of matched pairs, b/c, with intervals; an end may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConditionalOddsRatio {
    /// n10 / n01.
    pub value: f64,
    /// From Clopper–Pearson's interval of b/(b + c).
    pub exact: Interval,
    /// From the mid-p interval of b/(b + c).
    pub mid_p: Interval,
    /// Standard error of its logarithm, √(1/b + 1/c); infinite where a cell is empty.
    pub log_se: f64,
}

/// The conditional odds ratio of matched pairs.
///
/// # Errors
/// [`Undefined::NoVariation`] without discordant pairs, [`Undefined::OutOfRange`] for a level outside (0, 1).
#[allow(clippy::cast_precision_loss)]
pub fn conditional_odds_ratio(counts: PairedCounts, level: f64) -> Result<ConditionalOddsRatio> {
    let (b, c) = (counts.n10, counts.n01);
    if b + c == 0 {
        return Err(Undefined::NoVariation);
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(Undefined::OutOfRange);
    }
    let x = b as f64;
    let tail = (1.0 - level) / 2.0;
    let odds = |p: f64| {
        if p >= 1.0 {
            f64::INFINITY
        } else {
            p / (1.0 - p)
        }
    };
    let exact = clopper_pearson(b, b + c, level)?;
    // P(X < x) + ½P(X = x) falls as p rises.
    let below = |p: f64| {
        let at = binomial_pmf(b, b + c, p).unwrap_or(0.0);
        let under = if b == 0 {
            0.0
        } else {
            binomial_cdf(b - 1, b + c, p).unwrap_or(0.0)
        };
        under + at / 2.0
    };
    let mid_low = if b == 0 {
        0.0
    } else {
        bisect(0.0, 1.0, |p| below(p) > 1.0 - tail)
    };
    let mid_high = if c == 0 {
        1.0
    } else {
        bisect(0.0, 1.0, |p| below(p) > tail)
    };
    Ok(ConditionalOddsRatio {
        value: if c == 0 { f64::INFINITY } else { x / c as f64 },
        exact: Interval {
            low: odds(exact.low),
            high: odds(exact.high),
        },
        mid_p: Interval {
            low: odds(mid_low),
            high: odds(mid_high),
        },
        log_se: (1.0 / x + 1.0 / c as f64).sqrt(),
    })
}
