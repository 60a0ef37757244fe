//! An order of models that admits what it cannot separate.

use serde::Serialize;

use super::{Asked, Estimand, PairedTest, Question, comparison::Pairs};
use crate::stats::{Inference, Undefined, holm, rank_intervals};

/// A model's place among others on one suite.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Ranked {
    /// The model.
    pub model: String,
    /// Its mean score over the questions it has a score for.
    pub value: f64,
    /// The best rank it may have: 1 + models shown better.
    pub best: usize,
    /// The worst: models − those shown worse.
    pub worst: usize,
}

/// An order of models on one suite.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Ranking {
    /// The suite.
    pub suite: String,
    /// Best first, by score.
    pub models: Vec<Ranked>,
    /// Adjacent models, every pair of which was tested and none shown to differ; a model may be in two groups.
    pub not_separable: Vec<Vec<String>>,
    /// Fewest questions that a tested pair of models shares.
    pub n: usize,
    /// Pairs tested; their p values were corrected together by Holm's method at 5 %.
    pub pairs: usize,
    /// Pairs that could not be tested: nothing is known of their order.
    pub untested: usize,
    /// Why the first of them could not.
    pub undefined: Option<Undefined>,
}

/// What is known of one pair of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// It could not be tested.
    Unknown,
    /// It was tested, and no difference was shown.
    NotShown,
    /// The first is shown better.
    First,
    /// The second is shown better.
    Second,
}

/// Ranks every model that has scores on a suite. None for fewer than two.
#[must_use]
pub fn rank(asked: &Asked, suite: &str, estimand: Estimand) -> Option<Ranking> {
    let mut models = scores(asked, suite);
    if models.len() < 2 {
        return None;
    }
    models.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let own: Vec<Vec<&Question>> = models
        .iter()
        .map(|(model, _)| of_model(asked, suite, model))
        .collect();
    let mut tested = Vec::new();
    let (mut fewest, mut untested, mut undefined) = (usize::MAX, 0, None);
    for i in 0..models.len() {
        for j in i + 1..models.len() {
            let pairs = Pairs::between(&own[i], &own[j]);
            let planned = pairs.shared.len() + pairs.missing.len();
            let test = PairedTest::of(&pairs.units(), estimand, planned);
            match test.and_then(|t| Ok((t.value(), t.p_two_sided()?))) {
                Ok((value, p)) => {
                    fewest = fewest.min(pairs.shared.len());
                    tested.push((i, j, value, p));
                }
                Err(why) => {
                    untested += 1;
                    undefined.get_or_insert(why);
                }
            }
        }
    }
    let p: Vec<f64> = tested.iter().map(|t| t.3).collect();
    let adjusted = holm(&p).unwrap_or_default();
    let mut orders = vec![vec![Order::Unknown; models.len()]; models.len()];
    for ((i, j, value, _), p) in tested.iter().zip(adjusted) {
        orders[*i][*j] = match (p <= 0.05, *value > 0.0) {
            (false, _) => Order::NotShown,
            (true, true) => Order::First,
            (true, false) => Order::Second,
        };
    }
    let better: Vec<Vec<bool>> = (0..models.len())
        .map(|i| {
            let is_better =
                |j: usize| orders[i][j] == Order::First || orders[j][i] == Order::Second;
            (0..models.len()).map(is_better).collect()
        })
        .collect();
    let ranked: Vec<Ranked> = models
        .iter()
        .zip(rank_intervals(&better))
        .map(|((model, value), (best, worst))| Ranked {
            model: (*model).to_owned(),
            value: *value,
            best,
            worst,
        })
        .collect();
    Some(Ranking {
        suite: suite.into(),
        not_separable: groups(&ranked, &orders),
        models: ranked,
        n: if tested.is_empty() { 0 } else { fewest },
        pairs: tested.len(),
        untested,
        undefined,
    })
}

fn of_model<'a>(asked: &'a Asked, suite: &str, model: &str) -> Vec<&'a Question> {
    let own = asked.all();
    own.filter(|q| &*q.model == model && &*q.suite == suite)
        .collect()
}

#[allow(clippy::cast_precision_loss)]
pub(super) fn scores<'a>(asked: &'a Asked, suite: &str) -> Vec<(&'a str, f64)> {
    let mut sums: Vec<(&str, f64, usize)> = Vec::new();
    for question in asked.scored.iter().filter(|q| &*q.suite == suite) {
        match sums.last_mut() {
            Some((model, sum, n)) if **model == *question.model => {
                *sum += question.value;
                *n += 1;
            }
            _ => sums.push((&question.model, question.value, 1)),
        }
    }
    sums.into_iter()
        .map(|(m, sum, n)| (m, sum / n as f64))
        .collect()
}

/// The longest runs of neighbours that were all tested against each other without a shown difference; runs inside another are skipped.
fn groups(ranked: &[Ranked], orders: &[Vec<Order>]) -> Vec<Vec<String>> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for start in 0..ranked.len() {
        let mut end = start;
        while end + 1 < ranked.len() && (start..=end).all(|i| orders[i][end + 1] == Order::NotShown)
        {
            end += 1;
        }
        if end > start && groups.last().is_none_or(|last| end > last.1) {
            groups.push((start, end));
        }
    }
    groups
        .into_iter()
        .map(|(start, end)| {
            ranked[start..=end]
                .iter()
                .map(|r| r.model.clone())
                .collect()
        })
        .collect()
}
