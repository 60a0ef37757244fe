//! The same question asked several times: how far repeats differ, and what k tries reach.

use super::{Inference, Interval, Mean, Result, Undefined, student_t_cdf, student_t_quantile};

/// Variance of scores split into between and within questions, from repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceComponents {
    /// Mean of question means.
    pub mean: f64,
    /// Mean variance of repeats of one question (n − 1).
    pub within: f64,
    /// Variance between questions, Var(question means) − within/K. May come out negative: cut it at 0 for planning only.
    pub between: f64,
    /// Standard error of the mean, the questions being a sample.
    pub se: f64,
    /// Standard deviation of the mean when the same questions are asked again as often.
    pub rerun_sd: f64,
    /// Probability that two repeats of a question disagree, averaged over questions.
    pub flip_rate: f64,
    /// Share of questions whose repeats all scored 1.
    pub always_right: f64,
    /// Share of questions whose repeats all scored 0.
    pub always_wrong: f64,
    /// Questions.
    pub questions: usize,
}

#[allow(clippy::cast_precision_loss)]
impl VarianceComponents {
    /// From the repeats of each question (`rows[question][repeat]`).
    ///
    /// # Errors
    /// [`Undefined::NoData`] without questions, [`Undefined::NeedsRepeats`] if no question has two repeats,
    /// [`Undefined::OneCluster`] with a single question.
    pub fn of(rows: &[Vec<f64>]) -> Result<Self> {
        let rows: Vec<&Vec<f64>> = rows.iter().filter(|r| !r.is_empty()).collect();
        if rows.is_empty() {
            return Err(Undefined::NoData);
        }
        let repeated: Vec<&&Vec<f64>> = rows.iter().filter(|r| r.len() > 1).collect();
        if repeated.is_empty() {
            return Err(Undefined::NeedsRepeats);
        }
        let within = repeated
            .iter()
            .map(|r| Mean::of(r).map(|m| m.sd * m.sd))
            .sum::<Result<f64>>()?
            / repeated.len() as f64;
        let means: Vec<f64> = rows
            .iter()
            .map(|r| r.iter().sum::<f64>() / r.len() as f64)
            .collect();
        let over_questions = Mean::of(&means)?;
        let n = rows.len() as f64;
        let mean_inverse_repeats = rows.iter().map(|r| 1.0 / r.len() as f64).sum::<f64>() / n;
        let share = |value: f64| {
            rows.iter()
                .filter(|r| r.iter().all(|s| *s == value))
                .count() as f64
                / n
        };
        Ok(Self {
            mean: over_questions.value,
            within,
            between: over_questions.sd.powi(2) - within * mean_inverse_repeats,
            se: over_questions.se,
            rerun_sd: (within * mean_inverse_repeats / n).sqrt(),
            flip_rate: repeated.iter().map(|r| flips(r)).sum::<f64>() / repeated.len() as f64,
            always_right: share(1.0),
            always_wrong: share(0.0),
            questions: rows.len(),
        })
    }

    /// Intraclass correlation: the share of the variance that is between questions.
    ///
    /// # Errors
    /// [`Undefined::NoVariation`] if there is no variance.
    pub fn intraclass_correlation(&self) -> Result<f64> {
        let all = self.between + self.within;
        if all == 0.0 {
            return Err(Undefined::NoVariation);
        }
        Ok(self.between / all)
    }
}

/// Share of the pairs of repeats that differ.
#[allow(clippy::cast_precision_loss)]
fn flips(repeats: &[f64]) -> f64 {
    let mut sorted = repeats.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = repeats.len();
    let pairs = |k: usize| (k * k.saturating_sub(1)) as f64;
    let same: f64 = sorted.chunk_by(|a, b| a == b).map(|c| pairs(c.len())).sum();
    1.0 - same / pairs(n)
}

/// pass@k, the chance that at least one of k tries is right, from c right of n: 1 − C(n−c, k)/C(n, k) (Chen et al. 2021).
///
/// # Errors
/// [`Undefined::FewerThanK`] for n < k, [`Undefined::OutOfRange`] for c > n or k = 0.
pub fn pass_at_k(n: u64, c: u64, k: u64) -> Result<f64> {
    enough(n, c, k)?;
    Ok(1.0 - all_from(n - c, n, k))
}

/// pass^k, the chance that all of k tries are right, from c right of n: C(c, k)/C(n, k) (τ-bench, Yao et al. 2024).
///
/// # Errors
/// As for [`pass_at_k`].
pub fn pass_hat_k(n: u64, c: u64, k: u64) -> Result<f64> {
    enough(n, c, k)?;
    Ok(all_from(c, n, k))
}

/// G-Pass@k at τ, the chance that at least ⌈τk⌉ of k tries are right: a hypergeometric tail (Liu et al. 2024).
///
/// # Errors
/// As for [`pass_at_k`], and [`Undefined::OutOfRange`] for τ outside (0, 1].
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
pub fn g_pass_at_k(n: u64, c: u64, k: u64, tau: f64) -> Result<f64> {
    enough(n, c, k)?;
    if !(tau > 0.0 && tau <= 1.0) {
        return Err(Undefined::OutOfRange);
    }
    // A τ such as 0.6 times 5 is 3.0000000000000004 in binary; it means 3.
    let least = ((tau * k as f64 - 1e-9).ceil() as u64).max(1);
    let tail = (least..=k.min(c))
        .filter(|j| k - j <= n - c)
        .map(|j| choose(c, j) * choose(n - c, k - j) / choose(n, k))
        .sum::<f64>();
    Ok(tail.min(1.0))
}

fn enough(n: u64, c: u64, k: u64) -> Result<()> {
    if c > n || k == 0 {
        return Err(Undefined::OutOfRange);
    }
    if n < k {
        return Err(Undefined::FewerThanK);
    }
    Ok(())
}

/// C(some, k)/C(all, k): the chance that k draws without replacement all fall among `some`.
#[allow(clippy::cast_precision_loss)]
fn all_from(some: u64, all: u64, k: u64) -> f64 {
    if some < k {
        return 0.0;
    }
    (0..k)
        .map(|i| (some - i) as f64 / (all - i) as f64)
        .product()
}

#[allow(clippy::cast_precision_loss)]
fn choose(n: u64, k: u64) -> f64 {
    (0..k.min(n - k))
        .map(|i| (n - i) as f64 / (i + 1) as f64)
        .product()
}

/// The mean over exactly these questions, with the model's own randomness as its only error: Var = Σ s²ᵢ/Kᵢ ÷ n².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RerunError {
    /// Standard error of a mean over the questions.
    pub se: f64,
    /// Degrees of freedom: repeats − questions.
    pub df: f64,
    /// Questions.
    pub n: usize,
}

#[allow(clippy::cast_precision_loss)]
impl RerunError {
    /// From each question's variance of its mean, s²/K, and all repeats together; `None` where a question has one repeat.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without questions, [`Undefined::NeedsRepeats`] if one was asked once.
    pub fn of(variances: &[Option<f64>], repeats: usize) -> Result<Self> {
        let n = variances.len();
        if n == 0 {
            return Err(Undefined::NoData);
        }
        let sum: Option<f64> = variances.iter().copied().sum();
        Ok(Self {
            se: sum.ok_or(Undefined::NeedsRepeats)?.sqrt() / n as f64,
            df: repeats.saturating_sub(n).max(1) as f64,
            n,
        })
    }
}

/// The difference of two models on exactly these questions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RerunT {
    value: f64,
    error: RerunError,
}

impl RerunT {
    /// From the observed difference and the error of it.
    ///
    /// # Errors
    /// [`Undefined::NoVariation`] if no repeat differed: then repeats say nothing of the next one.
    pub fn new(value: f64, error: RerunError) -> Result<Self> {
        if error.se > 0.0 {
            Ok(Self { value, error })
        } else {
            Err(Undefined::NoVariation)
        }
    }
}

impl Inference for RerunT {
    fn value(&self) -> f64 {
        self.value
    }

    fn units(&self) -> (usize, usize) {
        (self.error.n, self.error.n)
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        let t = student_t_quantile(f64::midpoint(1.0, level), self.error.df)?;
        Ok(Interval::around(self.value, t * self.error.se))
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        student_t_cdf((d - self.value) / self.error.se, self.error.df)
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        student_t_cdf((self.value - d) / self.error.se, self.error.df)
    }
}
