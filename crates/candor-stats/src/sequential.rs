//! Evidence that stays valid however often one looks: betting wealth, confidence sequences, and a sign test.
//!
//! Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting". Values are in [0, 1]; a paired
//! difference d in [−1, 1] enters as (d + 1)/2. They must come in an order drawn before they were seen.

use super::{Inference, Interval, Result, Undefined, ln_beta};

/// Mean and variance so far, started from one imagined observation of mean ½ and variance ¼, as the bets use them.
#[derive(Debug, Clone, Copy)]
struct Running {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Running {
    const fn new() -> Self {
        Self {
            count: 0.0,
            sum: 0.0,
            squares: 0.0,
        }
    }

    fn mean(&self) -> f64 {
        (0.5 + self.sum) / (self.count + 1.0)
    }

    fn variance(&self) -> f64 {
        (0.25 + self.squares) / (self.count + 1.0)
    }

    fn push(&mut self, x: f64) {
        self.count += 1.0;
        self.sum += x;
        self.squares += (x - self.mean().min(1.0)).powi(2);
    }
}

/// The conditional mean of the next value if the mean is `m`: of the population, or of what is left of it.
fn conditional_mean(m: f64, population: Option<f64>, seen: &Running) -> f64 {
    match population {
        None => m,
        Some(n) => (n * m - seen.sum) / (n - seen.count),
    }
}

/// Wealth of a gambler who bets that the mean is above `m`; under mean ≤ m it exceeds 1/α with probability at most α, ever.
///
/// Bets are the approximate Kelly fraction (μ̂ − m)/(V̂ + (μ̂ − m)²), cut to [0, ¾/m].
#[derive(Debug, Clone, Copy)]
pub struct BettingWealth {
    m: f64,
    population: Option<f64>,
    seen: Running,
    log_wealth: f64,
    best: f64,
    /// What was seen already adds up to more than the mean tested.
    settled_above: bool,
}

impl BettingWealth {
    /// A bet against mean ≤ `m`, for draws from an endless population, or without replacement from one of `population` values.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn against(m: f64, population: Option<usize>) -> Self {
        Self {
            m,
            population: population.map(|n| n as f64),
            seen: Running::new(),
            log_wealth: 0.0,
            best: 0.0,
            settled_above: false,
        }
    }

    /// Takes the next value in [0, 1].
    pub fn push(&mut self, x: f64) {
        let m = conditional_mean(self.m, self.population, &self.seen);
        if (0.0..=1.0).contains(&m) {
            let expected = conditional_mean(self.seen.mean(), self.population, &self.seen);
            let edge = expected - m;
            let bet = (edge / (self.seen.variance() + edge * edge)).max(0.0);
            let bet = if m > 0.0 { bet.min(0.75 / m) } else { bet };
            self.log_wealth += (1.0 + bet * (x - m)).max(1e-300).ln();
        } else {
            self.log_wealth = f64::INFINITY;
            self.settled_above |= m < 0.0;
        }
        if self.log_wealth.is_finite() || self.settled_above {
            self.best = self.best.max(self.log_wealth);
        }
        self.seen.push(x);
    }

    /// ln of the wealth now; infinite where the values seen rule the mean out, from above or from below.
    #[must_use]
    pub fn log_wealth(&self) -> f64 {
        self.log_wealth
    }

    /// Whether the wealth has ever reached 1/α, or the values seen already exceed the mean: mean ≤ m is then rejected at level α. That
    /// the mean is ruled out from below is not evidence against mean ≤ m.
    #[must_use]
    pub fn rejects_at(&self, alpha: f64) -> bool {
        self.best >= (1.0 / alpha).ln()
    }
}

/// What [`BettingWealth`] leaves of the mean at every look: bounds at one-sided level `alpha` each, on a grid of `1/steps` and `at`, a
/// mean that must be on it. Every mean below the lower bound is rejected from below, every mean above the upper from above.
///
/// # Errors
/// As for [`hedged_sequence`].
pub fn betting_bounds(
    x: &[f64],
    alpha: f64,
    population: Option<usize>,
    at: f64,
    steps: u32,
) -> Result<Interval> {
    checked(x, population)?;
    let mirrored: Vec<f64> = x.iter().map(|x| 1.0 - x).collect();
    let bound = |x: &[f64], at: f64| -> f64 {
        let mut grid: Vec<f64> = (0..=steps)
            .map(|i| f64::from(i) / f64::from(steps))
            .collect();
        grid.push(at);
        grid.sort_unstable_by(f64::total_cmp);
        let rejected = |m: &f64| {
            let mut wealth = BettingWealth::against(*m, population);
            for x in x {
                wealth.push(*x);
            }
            wealth.rejects_at(alpha)
        };
        grid.iter()
            .copied()
            .take_while(|m| rejected(m))
            .last()
            .unwrap_or(0.0)
    };
    Ok(Interval {
        low: bound(x, at),
        high: 1.0 - bound(&mirrored, 1.0 - at),
    })
}

/// Bets of the predictable empirical-Bernstein mixture, √(2 ln(1/α)/(t ln(1 + t) σ̂²)), or with `fixed_n` in place of t ln(1 + t).
#[must_use]
pub fn predictable_bets(x: &[f64], alpha: f64, fixed_n: Option<f64>) -> Vec<f64> {
    let mut seen = Running::new();
    x.iter()
        .map(|x| {
            let t = seen.count + 1.0;
            let time = fixed_n.unwrap_or(t * (1.0 + t).ln());
            let bet = (2.0 * (1.0 / alpha).ln() / (time * seen.variance())).sqrt();
            seen.push(*x);
            bet
        })
        .collect()
}

/// How far a hedged bet may go.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    /// A share of what would risk everything under the mean tested.
    OfMean(f64),
    /// A figure.
    Plain(f64),
}

/// ln of the larger of half the capital that bets upwards and half that bets downwards, after each value. Infinite where the values
/// seen rule the mean `m` out (only without replacement).
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn hedged_log_capital(x: &[f64], m: f64, alpha: f64, population: Option<usize>) -> Vec<f64> {
    let bets = predictable_bets(x, alpha / 2.0, None);
    capital(x, &bets, m, population.map(|n| n as f64), Cut::OfMean(0.5))
}

fn capital(x: &[f64], bets: &[f64], m: f64, population: Option<f64>, cut: Cut) -> Vec<f64> {
    let (mut up, mut down) = (0.5_f64.ln(), 0.5_f64.ln());
    let mut seen = Running::new();
    x.iter()
        .zip(bets)
        .map(|(x, bet)| {
            let mean = conditional_mean(m, population, &seen);
            seen.push(*x);
            if !(0.0..=1.0).contains(&mean) {
                return f64::INFINITY;
            }
            let most = |edge: f64| match cut {
                Cut::OfMean(share) => share / edge,
                Cut::Plain(most) => most,
            };
            let gain = |bet: f64| {
                if x == &mean {
                    1.0
                } else {
                    1.0 + bet * (x - mean)
                }
            };
            up += gain(bet.min(most(mean))).max(0.0).ln();
            down += gain(-bet.min(most(1.0 - mean))).max(0.0).ln();
            up.max(down)
        })
        .collect()
}

/// The hedged confidence sequence: after each value, the interval of means whose capital has stayed under 1/α, on a grid of
/// `1/steps`, one step added outward, intersected over time.
///
/// # Errors
/// [`Undefined::NoData`] without values, [`Undefined::OutOfRange`] for values outside [0, 1] or a population smaller than them.
#[allow(clippy::cast_precision_loss)]
pub fn hedged_sequence(
    x: &[f64],
    alpha: f64,
    population: Option<usize>,
    steps: u32,
) -> Result<Vec<Interval>> {
    checked(x, population)?;
    let bets = predictable_bets(x, alpha / 2.0, None);
    let sequence = grid(
        x,
        &bets,
        alpha,
        population.map(|n| n as f64),
        Cut::OfMean(0.5),
        steps,
    );
    Ok(intersected(sequence))
}

/// The betting interval for a number of values fixed beforehand: tighter than the sequence, valid at the end only.
///
/// # Errors
/// As for [`hedged_sequence`].
#[allow(clippy::cast_precision_loss)]
pub fn betting_interval(x: &[f64], alpha: f64, steps: u32) -> Result<Interval> {
    checked(x, None)?;
    let bets = predictable_bets(x, alpha / 2.0, Some(x.len() as f64));
    let sequence = grid(x, &bets, alpha, None, Cut::Plain(1.0), steps);
    intersected(sequence)
        .last()
        .copied()
        .ok_or(Undefined::NoData)
}

#[allow(clippy::cast_precision_loss)]
fn grid(
    x: &[f64],
    bets: &[f64],
    alpha: f64,
    population: Option<f64>,
    cut: Cut,
    steps: u32,
) -> Vec<Interval> {
    let threshold = (1.0 / alpha).ln();
    let step = 1.0 / f64::from(steps);
    let mut kept: Vec<Option<(f64, f64)>> = vec![None; x.len()];
    for i in 0..=steps {
        let m = f64::from(i) * step;
        for (kept, capital) in kept.iter_mut().zip(capital(x, bets, m, population, cut)) {
            if capital <= threshold {
                *kept = Some(kept.map_or((m, m), |(low, _)| (low, m)));
            }
        }
    }
    let mut sum = 0.0;
    kept.into_iter()
        .zip(x)
        .enumerate()
        .map(|(t, (kept, x))| {
            sum += x;
            let (mut low, mut high) = kept.unwrap_or((0.0, 1.0));
            low = (low - step).max(0.0);
            high = (high + step).min(1.0);
            if let Some(n) = population {
                // What is still unseen can add at most 1 and at least 0 each.
                low = low.max(sum / n);
                high = high.min(1.0 - (t as f64 + 1.0 - sum) / n);
            }
            Interval { low, high }
        })
        .collect()
}

/// The empirical-Bernstein confidence sequence.
///
/// # Errors
/// As for [`hedged_sequence`].
pub fn empirical_bernstein_sequence(x: &[f64], alpha: f64) -> Result<Vec<Interval>> {
    two_sided(x, alpha, |x, alpha| {
        let (mut sum, mut count) = (0.0, 0.0);
        let bets = predictable_bets(x, alpha, None);
        x.iter()
            .zip(bets)
            .map(|(x, bet)| {
                let bet = bet.min(0.5);
                let before: f64 = if count > 0.0 { sum / count } else { 0.0 };
                sum += x;
                count += 1.0;
                (bet, (x - before).powi(2) * (-(1.0 - bet).ln() - bet))
            })
            .collect()
    })
}

/// Hoeffding's confidence sequence.
///
/// # Errors
/// As for [`hedged_sequence`].
#[allow(clippy::cast_precision_loss)]
pub fn hoeffding_sequence(x: &[f64], alpha: f64) -> Result<Vec<Interval>> {
    two_sided(x, alpha, |x, alpha| {
        (1..=x.len())
            .map(|t| {
                let t = t as f64;
                let bet = (8.0 * (1.0 / alpha).ln() / (t * (1.0 + t).ln()))
                    .sqrt()
                    .min(1.0);
                (bet, bet * bet / 8.0)
            })
            .collect()
    })
}

/// Two one-sided sequences at α/2 from each value's bet and penalty, intersected over time.
fn two_sided(
    x: &[f64],
    alpha: f64,
    terms: impl Fn(&[f64], f64) -> Vec<(f64, f64)>,
) -> Result<Vec<Interval>> {
    checked(x, None)?;
    let lower = |x: &[f64]| -> Vec<f64> {
        let (mut bets, mut weighted, mut penalties) = (0.0, 0.0, 0.0);
        terms(x, alpha / 2.0)
            .into_iter()
            .zip(x)
            .map(|((bet, penalty), x)| {
                bets += bet;
                weighted += bet * x;
                penalties += penalty;
                (weighted - (2.0 / alpha).ln() - penalties) / bets
            })
            .collect()
    };
    let mirrored: Vec<f64> = x.iter().map(|x| 1.0 - x).collect();
    let sequence = lower(x)
        .into_iter()
        .zip(lower(&mirrored))
        .map(|(low, high)| Interval {
            low: low.clamp(0.0, 1.0),
            high: (1.0 - high).clamp(0.0, 1.0),
        })
        .collect();
    Ok(intersected(sequence))
}

fn intersected(mut sequence: Vec<Interval>) -> Vec<Interval> {
    for t in 1..sequence.len() {
        let before = sequence[t - 1];
        sequence[t].low = sequence[t].low.max(before.low);
        sequence[t].high = sequence[t].high.min(before.high);
    }
    sequence
}

fn checked(x: &[f64], population: Option<usize>) -> Result<()> {
    if x.is_empty() {
        return Err(Undefined::NoData);
    }
    if x.iter().any(|x| !(0.0..=1.0).contains(x)) || population.is_some_and(|n| n < x.len()) {
        return Err(Undefined::OutOfRange);
    }
    Ok(())
}

/// ln of the paired sign test's e-value: 2ⁿ·B(w + a, l + b)/B(a, b) over discordant pairs, for the prior shapes (a, b). Under no
/// difference its running maximum exceeds 1/α with probability at most α.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn sign_log_e_value(wins: u64, losses: u64, prior: (f64, f64)) -> f64 {
    let (w, l) = (wins as f64, losses as f64);
    (w + l) * std::f64::consts::LN_2 + ln_beta(w + prior.0, l + prior.1) - ln_beta(prior.0, prior.1)
}

/// A difference over a finite list of questions, from those answered so far in the order drawn: without replacement, so that it is
/// exact once all are answered.
#[derive(Debug, Clone, PartialEq)]
pub struct PartOfRun {
    /// (d + 1)/2 of each difference, in order.
    values: Vec<f64>,
    population: usize,
}

impl PartOfRun {
    /// From the differences in [−1, 1] of the questions answered, in the order drawn, and the number of all questions.
    ///
    /// # Errors
    /// [`Undefined::NoData`] without differences, [`Undefined::OutOfRange`] beyond [−1, 1] or where more are answered than there are.
    pub fn new(differences: &[f64], population: usize) -> Result<Self> {
        let values: Vec<f64> = differences.iter().map(|d| f64::midpoint(*d, 1.0)).collect();
        checked(&values, Some(population))?;
        Ok(Self { values, population })
    }

    fn complete(&self) -> bool {
        self.values.len() == self.population
    }

    /// The smallest level at which the bets ever rejected mean ≤ `m`.
    fn p_of(values: impl Iterator<Item = f64>, m: f64, population: usize) -> f64 {
        let mut wealth = BettingWealth::against(m, Some(population));
        values.for_each(|x| wealth.push(x));
        (-wealth.best).exp().min(1.0)
    }
}

#[allow(clippy::cast_precision_loss)]
impl Inference for PartOfRun {
    fn value(&self) -> f64 {
        2.0 * self.values.iter().sum::<f64>() / self.values.len() as f64 - 1.0
    }

    fn units(&self) -> (usize, usize) {
        (self.values.len(), self.values.len())
    }

    fn interval(&self, level: f64) -> Result<Interval> {
        if self.complete() {
            return Ok(Interval::around(self.value(), 0.0));
        }
        let sequence = hedged_sequence(&self.values, 1.0 - level, Some(self.population), 1000)?;
        let last = sequence.last().ok_or(Undefined::NoData)?;
        Ok(Interval {
            low: 2.0 * last.low - 1.0,
            high: 2.0 * last.high - 1.0,
        })
    }

    fn p_not_above(&self, d: f64) -> Result<f64> {
        if self.complete() {
            return Ok(f64::from(u8::from(self.value() <= d)));
        }
        let m = f64::midpoint(d, 1.0);
        Ok(Self::p_of(self.values.iter().copied(), m, self.population))
    }

    fn p_not_below(&self, d: f64) -> Result<f64> {
        if self.complete() {
            return Ok(f64::from(u8::from(self.value() >= d)));
        }
        let m = 1.0 - f64::midpoint(d, 1.0);
        let mirrored = self.values.iter().map(|x| 1.0 - x);
        Ok(Self::p_of(mirrored, m, self.population))
    }
}
