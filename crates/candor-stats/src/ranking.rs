//! Many models: strengths from pairwise wins, mean win rates, and ranks that admit ties.

use super::{Result, Undefined};

/// Bradley–Terry strengths on the logit scale: P(i beats j) = 1/(1 + exp(θⱼ − θᵢ)).
#[derive(Debug, Clone, PartialEq)]
pub struct BradleyTerry {
    /// Strengths relative to the first model's, which is 0.
    pub relative: Vec<f64>,
    /// Their standard errors (Wald, comparisons taken as independent); 0 for the first.
    pub relative_se: Vec<f64>,
    /// Strengths centred on 0.
    pub centred: Vec<f64>,
    /// Their standard errors.
    pub centred_se: Vec<f64>,
}

impl BradleyTerry {
    /// Most likely strengths from `wins[i][j]`, the times that i beat j (ties half to each), by Newton's method.
    ///
    /// # Errors
    /// [`Undefined::NotConnected`] if two groups of models never met, [`Undefined::NoFiniteMle`] if a group only ever won
    /// against the rest (Ford 1957), [`Undefined::OutOfRange`] for a table that is not square, [`Undefined::NoData`] without two models.
    #[allow(clippy::cast_precision_loss)]
    pub fn fit(wins: &[Vec<f64>]) -> Result<Self> {
        let m = wins.len();
        if m < 2 {
            return Err(Undefined::NoData);
        }
        if wins
            .iter()
            .any(|row| row.len() != m || row.iter().any(|w| !w.is_finite() || *w < 0.0))
        {
            return Err(Undefined::OutOfRange);
        }
        if !reaches_all(m, |i, j| wins[i][j] + wins[j][i] > 0.0) {
            return Err(Undefined::NotConnected);
        }
        if !(reaches_all(m, |i, j| wins[i][j] > 0.0) && reaches_all(m, |i, j| wins[j][i] > 0.0)) {
            return Err(Undefined::NoFiniteMle);
        }
        let mut theta = vec![0.0_f64; m];
        let mut inverse = Vec::new();
        for _ in 0..100 {
            let (mut gradient, mut information) = (vec![0.0; m - 1], vec![vec![0.0; m - 1]; m - 1]);
            for i in 1..m {
                for j in (0..m).filter(|j| *j != i) {
                    let games = wins[i][j] + wins[j][i];
                    let p = 1.0 / (1.0 + (theta[j] - theta[i]).exp());
                    gradient[i - 1] += wins[i][j] - games * p;
                    let weight = games * p * (1.0 - p);
                    information[i - 1][i - 1] += weight;
                    if j > 0 {
                        information[i - 1][j - 1] -= weight;
                    }
                }
            }
            inverse = invert(information).ok_or(Undefined::NoFiniteMle)?;
            let step: Vec<f64> = inverse
                .iter()
                .map(|row| row.iter().zip(&gradient).map(|(a, g)| a * g).sum())
                .collect();
            // A long step is cut: far from the optimum the quadratic is a poor guide.
            let longest = step.iter().fold(0.0_f64, |a: f64, s: &f64| a.max(s.abs()));
            let scale = if longest > 2.0 { 2.0 / longest } else { 1.0 };
            for (t, s) in theta[1..].iter_mut().zip(&step) {
                *t += scale * s;
            }
            if longest < 1e-12 {
                break;
            }
        }
        let mean = theta.iter().sum::<f64>() / m as f64;
        // The covariance of the relative strengths, with a row of zeros for the first model.
        let covariance = |i: usize, j: usize| {
            if i == 0 || j == 0 {
                0.0
            } else {
                inverse[i - 1][j - 1]
            }
        };
        let row_mean = |i: usize| (0..m).map(|j| covariance(i, j)).sum::<f64>() / m as f64;
        let grand = (0..m).map(row_mean).sum::<f64>() / m as f64;
        Ok(Self {
            relative_se: (0..m).map(|i| covariance(i, i).sqrt()).collect(),
            centred: theta.iter().map(|t| t - mean).collect(),
            centred_se: (0..m)
                .map(|i| {
                    (covariance(i, i) - 2.0 * row_mean(i) + grand)
                        .max(0.0)
                        .sqrt()
                })
                .collect(),
            relative: theta,
        })
    }

    /// The centred strengths on Elo's scale: 400 points a factor of ten in the odds.
    #[must_use]
    pub fn elo(&self) -> Vec<f64> {
        self.centred
            .iter()
            .map(|t| t * 400.0 / std::f64::consts::LN_10)
            .collect()
    }
}

/// Whether every node can be reached from the first.
fn reaches_all(nodes: usize, edge: impl Fn(usize, usize) -> bool) -> bool {
    let mut seen = vec![false; nodes];
    let mut open = vec![0];
    seen[0] = true;
    while let Some(i) = open.pop() {
        for (j, seen) in seen.iter_mut().enumerate() {
            if !*seen && edge(i, j) {
                *seen = true;
                open.push(j);
            }
        }
    }
    seen.into_iter().all(|s| s)
}

/// The inverse of a small symmetric matrix, by Gauss–Jordan elimination with pivots; none if it is singular.
fn invert(mut a: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let n = a.len();
    for (i, row) in a.iter_mut().enumerate() {
        row.extend((0..n).map(|j| f64::from(u8::from(i == j))));
    }
    for column in 0..n {
        let pivot =
            (column..n).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()))?;
        a.swap(column, pivot);
        let head = a[column][column];
        if head.abs() < 1e-300 {
            return None;
        }
        for value in &mut a[column] {
            *value /= head;
        }
        let pivot_row = a[column].clone();
        for (i, row) in a.iter_mut().enumerate() {
            let factor = row[column];
            if i != column && factor != 0.0 {
                for (value, p) in row.iter_mut().zip(&pivot_row) {
                    *value -= factor * p;
                }
            }
        }
    }
    Some(a.into_iter().map(|row| row[n..].to_vec()).collect())
}

/// HELM's mean win rate: (average rank − 1)/(M − 1) among the models that a column has a score of, averaged over a model's columns;
/// ties share their ranks. It changes when a model is added, so it is given only with the models named.
///
/// # Errors
/// [`Undefined::NoData`] if a model has no column with another model, [`Undefined::OutOfRange`] if rows differ in length.
#[allow(clippy::cast_precision_loss)]
pub fn mean_win_rate(scores: &[Vec<Option<f64>>], higher_is_better: &[bool]) -> Result<Vec<f64>> {
    if scores.iter().any(|row| row.len() != higher_is_better.len()) {
        return Err(Undefined::OutOfRange);
    }
    let mut sums = vec![(0.0, 0.0); scores.len()];
    for (column, up) in higher_is_better.iter().enumerate() {
        let sign = if *up { 1.0 } else { -1.0 };
        let (models, values): (Vec<usize>, Vec<f64>) = scores
            .iter()
            .enumerate()
            .filter_map(|(model, row)| row[column].map(|v| (model, sign * v)))
            .unzip();
        if models.len() < 2 {
            continue;
        }
        let most = models.len() as f64 - 1.0;
        for (model, rank) in models.into_iter().zip(average_ranks(&values)) {
            sums[model].0 += (rank - 1.0) / most;
            sums[model].1 += 1.0;
        }
    }
    sums.into_iter()
        .map(|(sum, columns)| {
            if columns > 0.0 {
                Ok(sum / columns)
            } else {
                Err(Undefined::NoData)
            }
        })
        .collect()
}

/// Ranks from 1, ascending; equal values share the mean of their ranks.
#[allow(clippy::cast_precision_loss)]
pub(super) fn average_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = start as f64 + f64::midpoint(group.len() as f64, 1.0);
        for at in group {
            ranks[*at] = rank;
        }
        start += group.len();
    }
    ranks
}

/// The best and the worst rank that a model may have, given which differences are shown: `better[i][j]` where i is shown to be
/// better than j. Best = 1 + models shown better, worst = M − models shown worse.
#[must_use]
pub fn rank_intervals(better: &[Vec<bool>]) -> Vec<(usize, usize)> {
    let m = better.len();
    (0..m)
        .map(|i| {
            let above = (0..m).filter(|j| better[*j][i]).count();
            let below = (0..m).filter(|j| better[i][*j]).count();
            (1 + above, m - below)
        })
        .collect()
}
