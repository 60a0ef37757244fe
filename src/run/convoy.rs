//! Hosted models are asked in step: a host can change what it serves from one hour to the next, and a comparison of two models should not
//! compare two hours.
//!
//! A model may be ahead of the slowest by twice the requests that it has in flight, which delays no run: a run ends with its slowest model.
//! One that makes no progress is not waited for.
//!
//! Pure but for its lock: the time comes from outside.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The least that a model may be ahead, in trials.
const LEAST_LEAD: u64 = 64;
/// How long a model without progress is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// The hosted models of a run.
#[derive(Debug)]
pub(super) struct Convoy(Mutex<Vec<Option<Member>>>);

#[derive(Debug, Clone, Copy)]
struct Member {
    /// The place in the plan's order of the trial that it is asked next.
    place: u64,
    /// When it last came forward.
    moved: Instant,
}

impl Convoy {
    /// Of the models of a run, those that are hosted.
    pub(super) fn new(are_hosted: impl Iterator<Item = bool>, now: Instant) -> Self {
        let member = Member {
            place: 0,
            moved: now,
        };
        let members = are_hosted.map(|is| is.then_some(member));
        Self(Mutex::new(members.collect()))
    }

    /// Whether a model may be asked the trial at a place, with this many requests in flight. If so, it has come forward to it.
    pub(super) fn admits(
        &self,
        model: usize,
        place: u64,
        connections: usize,
        now: Instant,
    ) -> bool {
        let mut members = self.members();
        if members[model].is_none() {
            return true;
        }
        let others = members.iter().enumerate();
        let others = others.filter_map(|(i, m)| m.filter(|_| i != model));
        let waited_for = others.filter(|m| now.duration_since(m.moved) < PATIENCE);
        let slowest = waited_for.map(|m| m.place).min();
        let lead = LEAST_LEAD.max(2 * connections as u64);
        let may = slowest.is_none_or(|slowest| place <= slowest + lead);
        if may {
            members[model] = Some(Member { place, moved: now });
        }
        may
    }

    /// A model has ended an answer, or has none to be asked.
    pub(super) fn moved(&self, model: usize, now: Instant) {
        if let Some(member) = &mut self.members()[model] {
            member.moved = now;
        }
    }

    /// A model is asked nothing more.
    pub(super) fn leave(&self, model: usize) {
        self.members()[model] = None;
    }

    fn members(&self) -> MutexGuard<'_, Vec<Option<Member>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_model_keeps_to_its_lead_and_a_local_one_waits_for_nobody() {
        let now = Instant::now();
        let convoy = Convoy::new([true, true, false].into_iter(), now);
        let goes = |model, connections| {
            (0..10_000)
                .take_while(|place| convoy.admits(model, *place, connections, now))
                .count()
        };
        assert_eq!(goes(0, 100), 201);
        assert_eq!(goes(2, 1), 10_000);
        assert!((0..50).all(|place| convoy.admits(1, place, 1, now)));
        assert!(convoy.admits(0, 249, 100, now) && !convoy.admits(0, 250, 100, now));
        convoy.leave(1);
        assert_eq!(goes(0, 100), 10_000);
    }

    #[test]
    fn a_model_without_progress_is_not_waited_for_and_one_that_is_ahead_is_never() {
        let (start, later) = (Instant::now(), Instant::now() + PATIENCE);
        let convoy = Convoy::new([true, true].into_iter(), start);
        assert!(!convoy.admits(0, 1000, 1, start));
        assert!(convoy.admits(0, 1000, 1, later));
        assert!(convoy.admits(1, 3, 1, later), "the slow one goes on");
        convoy.moved(1, later);
        assert!(!convoy.admits(0, 1001, 1, later), "and is waited for again");
    }
}
