//! A run's money: what was spent, what is promised to requests in flight, and whether another one still fits.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// An amount of US dollars in millionths of a millionth, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Money(u128);

impl Money {
    /// The nearest amount; nothing if dollars are negative or not a number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn dollars(dollars: f64) -> Self {
        Self((dollars * 1e12).round() as u128)
    }

    /// The sum.
    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; nothing if the other is more.
    pub(super) fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// What a request can cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// At least.
    pub least: Money,
    /// At most.
    pub most: Money,
    /// Whether it is sent together with others: none is sent ahead to see what one costs.
    pub together: bool,
}

/// The money of one run.
pub(super) struct Budget {
    /// None if the run may spend what it needs.
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

/// Money put aside for a request. It is given back when this is dropped, less what was paid.
pub(super) struct Reservation {
    budget: Arc<Budget>,
    model: usize,
    bounds: Bounds,
    /// Paid since it was put aside.
    paid: Money,
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
            let fits = self.fits(&mut self.state(), model, &mut bounds);
            match fits {
                Fits::Yes => {
                    return Some(Reservation {
                        budget: Arc::clone(self),
                        model,
                        bounds,
                        paid: Money::default(),
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

    fn fits(&self, state: &mut State, model: usize, bounds: &mut Bounds) -> Fits {
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
        if !bounds.together && dearest.is_none() && state.first_out.contains(&model) {
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
        // One that failed and cost nothing does not make the next one free.
        let likely = dearest.unwrap_or_default().max(bounds.least);
        // A batch of one would take hours for an answer.
        if !bounds.together && state.spent.plus(likely) <= limit {
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

    /// Gives back what was put aside for a model's request, less what was paid.
    fn settle(&mut self, model: usize, most: Money, paid: Money) {
        if most > Money::default() {
            self.in_flight -= 1;
        }
        self.reserved = self.reserved.less(most);
        self.spent = self.spent.plus(paid);
        let dearest = self.dearest.entry(model).or_default();
        *dearest = (*dearest).max(paid);
    }
}

enum Fits {
    Yes,
    No,
    /// When one in flight has cost less than it could.
    Perhaps,
}

impl Reservation {
    /// As much as is needed, of a budget without a limit.
    pub(super) fn unlimited() -> Self {
        Self {
            budget: Budget::new(None, []),
            model: 0,
            bounds: Bounds::default(),
            paid: Money::default(),
        }
    }

    /// Pays for something that was asked, judges included.
    pub(super) fn pay(&mut self, cost: Money) {
        self.paid = self.paid.plus(cost);
    }

    /// Puts the same aside for one more request, where something was paid of it; says whether that fits. Where it does not, what is left
    /// stays put aside.
    ///
    /// Never waits: whoever sends a request again holds places that the others may be waiting for.
    pub(super) fn renew(&mut self) -> bool {
        if self.paid == Money::default() {
            return true;
        }
        let left = self.bounds.most.less(self.paid);
        let mut state = self.budget.state();
        state.settle(self.model, self.bounds.most, std::mem::take(&mut self.paid));
        let fits = self.budget.fits(&mut state, self.model, &mut self.bounds);
        let fits = matches!(fits, Fits::Yes);
        if !fits {
            self.bounds.most = left;
            state.reserve(left);
        }
        drop(state);
        self.budget.settled.notify_waiters();
        fits
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.settle(self.model, self.bounds.most, self.paid);
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
            together: false,
        }
    }

    /// Requests that are made within a budget by 64 at once, each of which costs the same.
    async fn requests(budget: &Arc<Budget>, cost: f64, most: f64) -> usize {
        let one = || async {
            let mut made = 0;
            while let Some(mut reserved) = budget.reserve(0, bounds(cost / 8.0, most)).await {
                tokio::task::yield_now().await;
                reserved.pay(Money::dollars(cost));
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
    async fn requests_of_a_batch_are_let_go_together_and_stay_within_the_budget() {
        let budget = Budget::new(Some(0.10), []);
        let together = Bounds {
            together: true,
            ..bounds(0.001, 0.03)
        };
        let mut batch = Vec::new();
        for _ in 0..3 {
            batch.push(budget.reserve(0, together).await.unwrap());
        }
        let waiting = budget.reserve(0, together);
        let timeout = std::time::Duration::from_millis(50);
        assert!(
            tokio::time::timeout(timeout, waiting).await.is_err(),
            "a fourth could be too dear"
        );
        for mut one in batch {
            one.pay(Money::dollars(0.03));
        }
        assert!(
            budget.reserve(0, together).await.is_none(),
            "and no batch of one is made of what is left"
        );
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

    #[tokio::test]
    async fn each_further_request_is_put_aside_anew() {
        let budget = Budget::new(Some(0.10), []);
        // Requests that cost a cent each, and are sent four times over.
        let mut sent = 0;
        while let Some(mut reserved) = budget.reserve(0, bounds(0.005, 0.01)).await {
            for _ in 0..4 {
                sent += 1;
                reserved.pay(Money::dollars(0.01));
                if !reserved.renew() {
                    break;
                }
            }
        }
        assert_eq!(sent, 10);
        assert!(budget.is_over(0));
    }

    #[tokio::test]
    async fn what_cost_nothing_is_sent_again_on_the_same_reservation() {
        let budget = Budget::new(Some(0.01), []);
        let mut first = budget.reserve(0, bounds(0.005, 0.01)).await.unwrap();
        for _ in 0..100 {
            assert!(first.renew());
        }
        first.pay(Money::dollars(0.01));
        assert!(!first.renew());
    }

    #[tokio::test]
    async fn a_first_request_that_failed_for_nothing_does_not_make_the_others_free() {
        let budget = Budget::new(Some(0.10), []);
        drop(budget.reserve(0, bounds(0.01, 0.02)).await);
        let mut other = budget.reserve(1, bounds(0.01, 0.02)).await.unwrap();
        other.pay(Money::dollars(0.10));
        drop(other);
        assert!(budget.reserve(0, bounds(0.01, 0.02)).await.is_none());
    }

    #[tokio::test]
    async fn what_is_left_stays_put_aside_where_one_more_does_not_fit() {
        let budget = Budget::new(Some(0.10), []);
        let (mut one, mut two) = (
            budget.reserve(0, bounds(0.01, 0.04)).await.unwrap(),
            budget.reserve(1, bounds(0.01, 0.06)).await.unwrap(),
        );
        one.pay(Money::dollars(0.01));
        assert!(!one.renew(), "a cent more than there is");
        two.pay(Money::dollars(0.06));
        assert!(!two.renew());
        one.pay(Money::dollars(0.03));
        drop((one, two));
        assert!(budget.reserve(2, bounds(0.000_1, 0.01)).await.is_none());
    }

    #[tokio::test]
    async fn renewing_at_once_never_waits_for_itself() {
        let budget = Budget::new(Some(0.10), []);
        let one = || async {
            let mut sent = 0;
            while let Some(mut reserved) = budget.reserve(0, bounds(0.005, 0.03)).await {
                sent += 1;
                reserved.pay(Money::dollars(0.01));
                while reserved.renew() {
                    tokio::task::yield_now().await;
                    sent += 1;
                    reserved.pay(Money::dollars(0.01));
                }
            }
            sent
        };
        let all = futures::future::join_all((0..16).map(|_| one()));
        let sent = tokio::time::timeout(std::time::Duration::from_secs(10), all).await;
        assert_eq!(sent.unwrap().into_iter().sum::<usize>(), 10);
    }
}
