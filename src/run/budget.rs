//! A run's money: what was spent, what is promised to requests in flight, and whether another one still fits.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::Prompt;

/// An amount of US dollars in millionths of a millionth, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Money(u128);

impl Money {
    /// The nearest amount; nothing where dollars are negative or not a number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn dollars(dollars: f64) -> Self {
        Self((dollars * 1e12).round() as u128)
    }

    /// The sum.
    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// What a request can cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// At least.
    pub least: Money,
    /// At most.
    pub most: Money,
}

/// Tokens of a prompt at most: no tokenizer makes more of a text than it has bytes.
pub(super) fn prompt_tokens(prompt: &Prompt) -> u64 {
    prompt.display().len() as u64
}

/// The money of one run.
pub(super) struct Budget {
    /// None where the run may spend what it needs.
    limit: Option<Money>,
    state: Mutex<State>,
    settled: Notify,
}

#[derive(Default)]
struct State {
    spent: Money,
    reserved: Money,
    /// Reservations that are not settled.
    in_flight: usize,
    /// The dearest request of each model so far.
    dearest: HashMap<usize, Money>,
    /// Models whose first request is on its way, or was.
    first_out: HashSet<usize>,
    /// Models whose next request no longer fits.
    over: HashSet<usize>,
}

/// Money put aside for a request. It is given back when this is dropped, less what was settled.
pub(super) struct Reservation {
    budget: Arc<Budget>,
    model: usize,
    most: Money,
    cost: Money,
}

impl Budget {
    /// A budget of which something is spent already.
    pub(super) fn new(limit: Option<f64>, spent: impl IntoIterator<Item = f64>) -> Arc<Self> {
        let spent = spent.into_iter().map(Money::dollars);
        Arc::new(Self {
            limit: limit.map(Money::dollars),
            state: Mutex::new(State {
                spent: spent.fold(Money::default(), Money::plus),
                ..State::default()
            }),
            settled: Notify::new(),
        })
    }

    /// Puts aside what a request to a model can cost at most; waits while requests in flight could still leave room for it. None where
    /// it does not fit.
    ///
    /// Where the most that a request can cost no longer fits, requests go out one at a time for as long as the dearest so far would
    /// fit: the most is seldom reached, and a small budget is not to be left unspent for its sake.
    pub(super) async fn reserve(
        self: &Arc<Self>,
        model: usize,
        mut bounds: Bounds,
    ) -> Option<Reservation> {
        let mut settled = std::pin::pin!(self.settled.notified());
        loop {
            // Waiting begins before the look, so that nothing settled in between is missed.
            settled.as_mut().enable();
            match self.fits(model, &mut bounds) {
                Fits::Yes => {
                    return Some(Reservation {
                        budget: Arc::clone(self),
                        model,
                        most: bounds.most,
                        cost: Money::default(),
                    });
                }
                Fits::No => {
                    self.settled.notify_waiters();
                    return None;
                }
                Fits::Perhaps => settled.as_mut().await,
            }
            settled.set(self.settled.notified());
        }
    }

    /// Whether a model's requests no longer fit.
    pub(super) fn is_over(&self, model: usize) -> bool {
        self.state().over.contains(&model)
    }

    /// Whether that is so of any model.
    pub(super) fn is_over_for_any(&self) -> bool {
        !self.state().over.is_empty()
    }

    fn fits(&self, model: usize, bounds: &mut Bounds) -> Fits {
        let mut state = self.state();
        // What has cost more than it should have can do so again: a server's own instructions, or an answer asked for anew.
        let dearest = state.dearest.get(&model).copied();
        bounds.most = bounds.most.max(dearest.unwrap_or_default());
        let Some(limit) = self.limit.filter(|_| bounds.most > Money::default()) else {
            state.reserve(bounds.most);
            return Fits::Yes;
        };
        if state.over.contains(&model) {
            return Fits::No;
        }
        // The first request of each model goes alone, and shows what one really costs.
        if dearest.is_none() && state.first_out.contains(&model) {
            return Fits::Perhaps;
        }
        if state.spent.plus(state.reserved).plus(bounds.most) <= limit {
            state.first_out.insert(model);
            state.reserve(bounds.most);
            return Fits::Yes;
        }
        if state.in_flight > 0 {
            return Fits::Perhaps;
        }
        let likely = dearest.unwrap_or(bounds.least);
        if state.spent.plus(likely) <= limit {
            state.first_out.insert(model);
            state.reserve(bounds.most);
            Fits::Yes
        } else {
            state.over.insert(model);
            Fits::No
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reserve(&mut self, most: Money) {
        if most > Money::default() {
            self.in_flight += 1;
        }
        self.reserved = self.reserved.plus(most);
    }
}

enum Fits {
    Yes,
    No,
    /// When one in flight has cost less than it could.
    Perhaps,
}

impl Reservation {
    /// Says what the request cost, judges included.
    pub(super) fn cost(&mut self, dollars: f64) {
        self.cost = Money::dollars(dollars);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        if self.most > Money::default() {
            state.in_flight -= 1;
        }
        state.reserved.0 = state.reserved.0.saturating_sub(self.most.0);
        state.spent = state.spent.plus(self.cost);
        let dearest = state.dearest.entry(self.model).or_default();
        *dearest = (*dearest).max(self.cost);
        drop(state);
        self.budget.settled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(least: f64, most: f64) -> Bounds {
        Bounds {
            least: Money::dollars(least),
            most: Money::dollars(most),
        }
    }

    /// Requests that are made within a budget by 64 at once, each of which costs the same.
    async fn requests(budget: &Arc<Budget>, cost: f64, most: f64) -> usize {
        let one = || async {
            let mut made = 0;
            while let Some(mut reserved) = budget.reserve(0, bounds(cost / 8.0, most)).await {
                tokio::task::yield_now().await;
                reserved.cost(cost);
                made += 1;
            }
            made
        };
        let made = futures::future::join_all((0..64).map(|_| one())).await;
        made.into_iter().sum()
    }

    #[tokio::test]
    async fn sixty_four_at_once_stay_within_the_budget() {
        // A cent each, as the most that it can be, and where it could be a dollar.
        for most in [0.01, 0.03, 1.0] {
            let budget = Budget::new(Some(0.10), []);
            assert_eq!(requests(&budget, 0.01, most).await, 10, "{most}");
            assert!(budget.is_over(0));
        }
    }

    #[tokio::test]
    async fn what_an_earlier_start_spent_counts() {
        let budget = Budget::new(Some(0.10), [0.05, 0.02]);
        assert_eq!(requests(&budget, 0.01, 0.02).await, 3);
        let budget = Budget::new(Some(0.10), [0.11]);
        assert_eq!(requests(&budget, 0.01, 0.02).await, 0);
    }

    #[tokio::test]
    async fn amounts_below_a_millionth_of_a_dollar_add_up() {
        let budget = Budget::new(Some(0.000_001), []);
        assert_eq!(requests(&budget, 0.000_000_4, 0.000_02).await, 2);
    }

    #[tokio::test]
    async fn a_model_that_costs_nothing_goes_on() {
        let budget = Budget::new(Some(0.01), [0.01]);
        assert!(budget.reserve(0, bounds(0.001, 0.01)).await.is_none());
        assert!(budget.reserve(1, Bounds::default()).await.is_some());
    }
}
