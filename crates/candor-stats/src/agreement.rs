//! How far raters agree beyond chance.
//!
//! Percent agreement, κ and AC1 are read together: 94 % agreement can have κ = −0.02 and AC1 = 0.94, where one category is rare.

use std::collections::BTreeMap;

use super::{Interval, Result, Undefined, normal_quantile, student_t_quantile};

/// A coefficient with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// The coefficient: 1 is perfect, 0 is chance.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// Units.
    pub n: f64,
}

impl Agreement {
    /// value ± z·SE.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1).
    pub fn z_interval(&self, level: f64) -> Result<Interval> {
        let z = normal_quantile(f64::midpoint(1.0, level))?;
        Ok(Interval::around(self.value, z * self.se))
    }

    /// value ± t(n − 1)·SE, cut at 1.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for a level outside (0, 1) or a single unit.
    pub fn t_interval(&self, level: f64) -> Result<Interval> {
        let t = student_t_quantile(f64::midpoint(1.0, level), self.n - 1.0)?;
        let interval = Interval::around(self.value, t * self.se);
        Ok(Interval {
            high: interval.high.min(1.0),
            ..interval
        })
    }
}

/// How much a disagreement between two ordered categories counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// Every disagreement counts alike.
    Unweighted,
    /// By distance.
    Linear,
    /// By squared distance.
    Quadratic,
}

impl Weights {
    #[allow(clippy::cast_precision_loss)]
    fn agreement(self, i: usize, j: usize, categories: usize) -> f64 {
        let share = i.abs_diff(j) as f64 / (categories - 1) as f64;
        match self {
            Self::Unweighted => f64::from(u8::from(i == j)),
            Self::Linear => 1.0 - share,
            Self::Quadratic => 1.0 - share * share,
        }
    }
}

/// Two raters' square table of counts as shares, with its margins.
struct Shares {
    n: f64,
    cells: Vec<Vec<f64>>,
    rows: Vec<f64>,
    columns: Vec<f64>,
}

impl Shares {
    #[allow(clippy::cast_precision_loss)]
    fn of(table: &[Vec<u64>]) -> Result<Self> {
        let k = table.len();
        if k < 2 || table.iter().any(|row| row.len() != k) {
            return Err(Undefined::OutOfRange);
        }
        let n = table.iter().flatten().sum::<u64>() as f64;
        if n == 0.0 {
            return Err(Undefined::NoData);
        }
        let cells: Vec<Vec<f64>> = table
            .iter()
            .map(|row| row.iter().map(|c| *c as f64 / n).collect())
            .collect();
        let rows = cells.iter().map(|row| row.iter().sum()).collect();
        let columns = (0..k)
            .map(|j| cells.iter().map(|row| row[j]).sum())
            .collect();
        Ok(Self {
            n,
            cells,
            rows,
            columns,
        })
    }

    fn each(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        self.cells
            .iter()
            .enumerate()
            .flat_map(|(i, row)| row.iter().enumerate().map(move |(j, p)| (i, j, *p)))
    }
}

/// Share of units on which two raters agree; `table[i][j]` counts units that the first calls i and the second j.
///
/// # Errors
/// [`Undefined::NoData`] without units, [`Undefined::OutOfRange`] for a table that is not square.
pub fn percent_agreement(table: &[Vec<u64>]) -> Result<f64> {
    let shares = Shares::of(table)?;
    Ok(shares.each().filter(|(i, j, _)| i == j).map(|c| c.2).sum())
}

/// Cohen's κ with the standard error of Fleiss, Cohen and Everitt (1969).
///
/// # Errors
/// As for [`percent_agreement`], and [`Undefined::NoVariation`] if both raters used one category only.
pub fn cohen_kappa(table: &[Vec<u64>], weights: Weights) -> Result<Agreement> {
    let (shares, expected, kappa, spread) = kappa_parts(table, weights)?;
    let k = table.len();
    let squares: f64 = shares
        .each()
        .map(|(i, j, p)| p * (weights.agreement(i, j, k) - spread(i, j) * (1.0 - kappa)).powi(2))
        .sum();
    let variance = (squares - (kappa - expected * (1.0 - kappa)).powi(2))
        / (shares.n * (1.0 - expected).powi(2));
    Ok(Agreement {
        value: kappa,
        se: variance.max(0.0).sqrt(),
        n: shares.n,
    })
}

/// Standard error of κ without agreement beyond chance; κ divided by it is a z statistic.
///
/// # Errors
/// As for [`cohen_kappa`].
pub fn kappa_null_se(table: &[Vec<u64>], weights: Weights) -> Result<f64> {
    let (shares, expected, _, spread) = kappa_parts(table, weights)?;
    let k = table.len();
    let squares: f64 = shares
        .each()
        .map(|(i, j, _)| {
            shares.rows[i] * shares.columns[j] * (weights.agreement(i, j, k) - spread(i, j)).powi(2)
        })
        .sum();
    let variance = (squares - expected * expected) / (shares.n * (1.0 - expected).powi(2));
    Ok(variance.max(0.0).sqrt())
}

/// The table's shares, the agreement expected by chance, κ, and the sum of both raters' mean weights for a cell.
#[allow(clippy::type_complexity)]
fn kappa_parts(
    table: &[Vec<u64>],
    weights: Weights,
) -> Result<(Shares, f64, f64, impl Fn(usize, usize) -> f64)> {
    let shares = Shares::of(table)?;
    let k = table.len();
    let weighted = |f: &dyn Fn(usize, usize, f64) -> f64| -> f64 {
        shares
            .each()
            .map(|(i, j, p)| weights.agreement(i, j, k) * f(i, j, p))
            .sum()
    };
    let observed = weighted(&|_, _, p| p);
    let expected = weighted(&|i, j, _| shares.rows[i] * shares.columns[j]);
    if (1.0 - expected).abs() < 1e-15 {
        return Err(Undefined::NoVariation);
    }
    let row_mean: Vec<f64> = (0..k)
        .map(|i| {
            (0..k)
                .map(|j| shares.columns[j] * weights.agreement(i, j, k))
                .sum()
        })
        .collect();
    let column_mean: Vec<f64> = (0..k)
        .map(|j| {
            (0..k)
                .map(|i| shares.rows[i] * weights.agreement(i, j, k))
                .sum()
        })
        .collect();
    let kappa = (observed - expected) / (1.0 - expected);
    Ok((shares, expected, kappa, move |i, j| {
        row_mean[i] + column_mean[j]
    }))
}

/// What several raters said of several units, `None` where a rater was silent.
#[derive(Debug, Clone)]
pub struct Ratings {
    /// The values met, ascending.
    values: Vec<f64>,
    /// For each unit, how many raters gave each value.
    counts: Vec<Vec<f64>>,
}

impl Ratings {
    /// From `raters[rater][unit]`.
    ///
    /// # Errors
    /// [`Undefined::NoData`] if nobody rated anything.
    pub fn new(raters: &[Vec<Option<f64>>]) -> Result<Self> {
        let mut places: BTreeMap<u64, usize> = BTreeMap::new();
        let mut values: Vec<f64> = raters.iter().flatten().flatten().copied().collect();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        if values.is_empty() {
            return Err(Undefined::NoData);
        }
        for (at, value) in values.iter().enumerate() {
            places.insert(value.to_bits(), at);
        }
        let units = raters.iter().map(Vec::len).max().unwrap_or(0);
        let mut counts = vec![vec![0.0; values.len()]; units];
        for rater in raters {
            for (unit, value) in rater.iter().enumerate() {
                if let Some(at) = value.and_then(|v| places.get(&v.to_bits())) {
                    counts[unit][*at] += 1.0;
                }
            }
        }
        counts.retain(|unit| unit.iter().sum::<f64>() > 0.0);
        Ok(Self { values, counts })
    }

    /// Units that at least two raters rated.
    fn shared(&self) -> impl Iterator<Item = &Vec<f64>> {
        self.counts.iter().filter(|unit| total(unit) >= 2.0)
    }
}

fn total(unit: &[f64]) -> f64 {
    unit.iter().sum()
}

fn agreeing_pairs(unit: &[f64]) -> f64 {
    unit.iter().map(|c| c * (c - 1.0)).sum()
}

/// The scale that a disagreement is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Names.
    Nominal,
    /// Ranks.
    Ordinal,
    /// Distances.
    Interval,
    /// Proportions of values above zero.
    Ratio,
}

/// Krippendorff's α: 1 − observed/expected disagreement over the coincidences of values (Krippendorff 2011).
///
/// # Errors
/// [`Undefined::NoData`] if no unit has two ratings, [`Undefined::NoVariation`] if all ratings are equal: α is then 0/0.
#[allow(clippy::cast_precision_loss)]
pub fn krippendorff_alpha(ratings: &Ratings, scale: Scale) -> Result<f64> {
    let k = ratings.values.len();
    let mut coincidences = vec![vec![0.0; k]; k];
    for unit in ratings.shared() {
        let pairs = total(unit) - 1.0;
        for a in 0..k {
            for b in 0..k {
                let others = if a == b { unit[b] - 1.0 } else { unit[b] };
                coincidences[a][b] += unit[a] * others / pairs;
            }
        }
    }
    let margins: Vec<f64> = coincidences.iter().map(|row| total(row)).collect();
    let n = total(&margins);
    if n == 0.0 {
        return Err(Undefined::NoData);
    }
    let distance = |a: usize, b: usize| -> f64 {
        let (x, y) = (ratings.values[a], ratings.values[b]);
        match scale {
            Scale::Nominal => f64::from(u8::from(a != b)),
            Scale::Interval => (x - y).powi(2),
            Scale::Ratio if x + y == 0.0 => 0.0,
            Scale::Ratio => ((x - y) / (x + y)).powi(2),
            Scale::Ordinal => {
                let (low, high) = (a.min(b), a.max(b));
                let between = total(&margins[low..=high]);
                (between - f64::midpoint(margins[low], margins[high])).powi(2)
            }
        }
    };
    let (mut observed, mut expected) = (0.0, 0.0);
    for a in 0..k {
        for b in 0..k {
            observed += coincidences[a][b] * distance(a, b);
            expected += margins[a] * margins[b] * distance(a, b);
        }
    }
    if expected == 0.0 {
        return Err(Undefined::NoVariation);
    }
    Ok(1.0 - (n - 1.0) * observed / expected)
}

/// Gwet's AC1 of any number of raters with missing ratings, with its linearised standard error (Gwet 2008).
///
/// # Errors
/// [`Undefined::NoData`] if no unit has two ratings, [`Undefined::NoVariation`] if one value only was given.
#[allow(clippy::cast_precision_loss)]
pub fn gwet_ac1(ratings: &Ratings) -> Result<Agreement> {
    let k = ratings.values.len() as f64;
    if k < 2.0 {
        return Err(Undefined::NoVariation);
    }
    let n = ratings.counts.len() as f64;
    let shared = ratings.shared().count() as f64;
    if shared == 0.0 {
        return Err(Undefined::NoData);
    }
    let prevalence = prevalence(&ratings.counts);
    let observed = observed_agreement(ratings);
    let expected = prevalence.iter().map(|p| p * (1.0 - p)).sum::<f64>() / (k - 1.0);
    let value = (observed - expected) / (1.0 - expected);
    let squares: f64 = ratings
        .counts
        .iter()
        .map(|unit| {
            let raters = total(unit);
            let own = if raters >= 2.0 {
                n / shared * (agreeing_pairs(unit) / (raters * (raters - 1.0)) - expected)
                    / (1.0 - expected)
            } else {
                0.0
            };
            let own_expected = unit
                .iter()
                .zip(&prevalence)
                .map(|(c, p)| c / raters * (1.0 - p))
                .sum::<f64>()
                / (k - 1.0);
            let linear = own - 2.0 * (1.0 - value) * (own_expected - expected) / (1.0 - expected);
            (linear - value).powi(2)
        })
        .sum();
    Ok(Agreement {
        value,
        se: (squares / (n * (n - 1.0))).sqrt(),
        n,
    })
}

/// Fleiss' κ of any number of raters with missing ratings.
///
/// # Errors
/// As for [`gwet_ac1`].
pub fn fleiss_kappa(ratings: &Ratings) -> Result<f64> {
    if ratings.shared().next().is_none() {
        return Err(Undefined::NoData);
    }
    let expected: f64 = prevalence(&ratings.counts).iter().map(|p| p * p).sum();
    if (1.0 - expected).abs() < 1e-15 {
        return Err(Undefined::NoVariation);
    }
    Ok((observed_agreement(ratings) - expected) / (1.0 - expected))
}

/// Standard error of Krippendorff's nominal α, linearised over units (Gwet 2021).
///
/// # Errors
/// As for [`krippendorff_alpha`].
#[allow(clippy::cast_precision_loss)]
pub fn krippendorff_alpha_se(ratings: &Ratings) -> Result<f64> {
    let units: Vec<&Vec<f64>> = ratings.shared().collect();
    if units.is_empty() {
        return Err(Undefined::NoData);
    }
    let n = units.len() as f64;
    let raters = units.iter().map(|u| total(u)).sum::<f64>() / n;
    let prevalence: Vec<f64> = (0..ratings.values.len())
        .map(|q| units.iter().map(|u| u[q]).sum::<f64>() / (n * raters))
        .collect();
    let expected: f64 = prevalence.iter().map(|p| p * p).sum();
    if (1.0 - expected).abs() < 1e-15 {
        return Err(Undefined::NoVariation);
    }
    let own = |u: &[f64]| agreeing_pairs(u) / (raters * (total(u) - 1.0));
    let mean = units.iter().map(|u| own(u)).sum::<f64>() / n;
    // As Gwet has it: the small-sample term is in the agreement that unequal numbers of raters are measured by, not in α.
    let small = 1.0 / (n * raters);
    let observed = (1.0 - small) * mean + small;
    let alpha = (mean - expected) / (1.0 - expected);
    let squares: f64 = units
        .iter()
        .map(|u| {
            let more = (total(u) - raters) / raters;
            let agreement = own(u) - observed * more;
            let own_expected = u
                .iter()
                .zip(&prevalence)
                .map(|(c, p)| c / raters * p)
                .sum::<f64>()
                - expected * more;
            let linear = (agreement - expected) / (1.0 - expected)
                - 2.0 * (1.0 - alpha) * (own_expected - expected) / (1.0 - expected);
            (linear - alpha).powi(2)
        })
        .sum();
    Ok((squares / (n * (n - 1.0))).sqrt())
}

/// Share of agreeing pairs of ratings, averaged over units that two or more rated.
#[allow(clippy::cast_precision_loss)]
fn observed_agreement(ratings: &Ratings) -> f64 {
    let shared = ratings.shared().count() as f64;
    ratings
        .shared()
        .map(|u| agreeing_pairs(u) / (total(u) * (total(u) - 1.0)))
        .sum::<f64>()
        / shared
}

/// Share of each value, averaged over units.
#[allow(clippy::cast_precision_loss)]
fn prevalence(counts: &[Vec<f64>]) -> Vec<f64> {
    let n = counts.len() as f64;
    let values = counts.first().map_or(0, Vec::len);
    (0..values)
        .map(|q| counts.iter().map(|u| u[q] / total(u)).sum::<f64>() / n)
        .collect()
}
