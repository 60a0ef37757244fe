//! How many requests may be in flight to one account: found out, not guessed.
//!
//! The limit starts low and doubles per round trip until a request is turned away or more in flight brings no more answers (slow
//! start). From then on it grows by one per round trip, and only while all that it allows is really in flight; a rejection cuts it, once
//! per episode: of the requests that were sent before the cut, no other one cuts it again.
//!
//! Pure: the time comes from outside.

use std::time::{Duration, Instant};

use crate::model::LimitCause;

/// Requests in flight before anything is known of a server.
pub(super) const START: usize = 16;
/// The most that are ever in flight, unless a number was asked for.
const CEILING: f64 = 1024.0;
/// What a rejection leaves of the limit.
const CUT: f64 = 0.85;
/// A limit is used where this share of it is in flight.
const USED: f64 = 0.9;
/// The least growth of answers per second that a growth of the limit by half must bring.
const FASTER: f64 = 1.1;
/// How often a limit that brought nothing is probed again.
const PROBE_AFTER: Duration = Duration::from_mins(1);

/// The limit, and what is in flight.
#[derive(Debug)]
pub(super) struct Limiter {
    /// None if it was asked for: then it is kept elsewhere, and nothing changes it.
    adaptive: Option<Adaptive>,
    in_flight: usize,
    /// Requests so far.
    sent: u64,
    /// The last of them with which all that the limit allows was in flight.
    full: u64,
}

#[derive(Debug)]
struct Adaptive {
    limit: f64,
    /// Below it the limit doubles per round trip.
    threshold: f64,
    /// Cuts so far.
    episode: u64,
    /// Whether anything was answered since the last cut.
    answered: bool,
    window: Window,
    /// The limit that brought the most answers per second, and how many.
    best: (f64, f64),
    /// Until when the limit does not grow, because it brought nothing.
    held_until: Option<Instant>,
}

/// Answers that are counted for their rate.
#[derive(Debug, Default)]
struct Window {
    since: Option<Instant>,
    answers: usize,
    /// The limit when it began, which all its answers had at least.
    limit: f64,
}

impl Window {
    fn begun(now: Instant, limit: f64) -> Self {
        Self {
            since: Some(now),
            answers: 0,
            limit,
        }
    }
}

/// A request in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    episode: u64,
    /// Its number among the requests.
    number: u64,
}

/// What became of a request, as far as the limit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    /// There were too many.
    Rejected,
    /// It says nothing of how many there are.
    Other,
}

/// A change of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub from: usize,
    pub to: usize,
    pub cause: LimitCause,
}

impl Limiter {
    /// One that finds its limit.
    pub(super) fn adaptive() -> Self {
        #[allow(clippy::cast_precision_loss)]
        let limit = START as f64;
        Self {
            adaptive: Some(Adaptive {
                limit,
                threshold: CEILING,
                episode: 0,
                answered: true,
                window: Window::default(),
                best: (limit, 0.0),
                held_until: None,
            }),
            in_flight: 0,
            sent: 0,
            full: 0,
        }
    }

    /// One that lets all through: the caller keeps to a number of their own.
    pub(super) fn fixed() -> Self {
        Self {
            adaptive: None,
            in_flight: 0,
            sent: 0,
            full: 0,
        }
    }

    /// Requests that may be in flight now; none if nothing here limits them.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn limit(&self) -> Option<usize> {
        self.adaptive.as_ref().map(|a| a.limit as usize)
    }

    /// A place for one more request, where there is one.
    pub(super) fn enter(&mut self) -> Option<Ticket> {
        if self.limit().is_some_and(|limit| self.in_flight >= limit) {
            return None;
        }
        self.in_flight += 1;
        self.sent += 1;
        #[allow(clippy::cast_precision_loss)]
        let in_flight = self.in_flight as f64;
        let limit = self.adaptive.as_ref().map(|a| a.limit);
        if limit.is_some_and(|limit| in_flight >= limit * USED) {
            self.full = self.sent;
        }
        Some(Ticket {
            episode: self.adaptive.as_ref().map_or(0, |a| a.episode),
            number: self.sent,
        })
    }

    /// Gives the place back. Says how the limit changed, if it did.
    pub(super) fn leave(&mut self, ticket: Ticket, fate: Fate, now: Instant) -> Option<Change> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let from = self.limit()?;
        let was_used = self.full >= ticket.number;
        let adaptive = self.adaptive.as_mut()?;
        let cause = match fate {
            Fate::Answered => adaptive.answered(was_used, now),
            Fate::Rejected => adaptive.rejected(ticket),
            Fate::Other => return None,
        };
        let to = self.limit()?;
        (from != to).then_some(Change { from, to, cause })
    }
}

impl Adaptive {
    fn rejected(&mut self, ticket: Ticket) -> LimitCause {
        if ticket.episode == self.episode {
            // Where nothing is answered any more, the server is out of order: what it could bear before is not forgotten.
            self.limit = (self.limit * CUT).max(1.0);
            if self.answered {
                self.threshold = self.limit;
            }
            self.answered = false;
            self.episode += 1;
            self.window = Window::default();
            self.best = (self.limit, 0.0);
        }
        LimitCause::Rejected
    }

    fn answered(&mut self, was_used: bool, now: Instant) -> LimitCause {
        self.answered = true;
        if self.is_no_faster(now) {
            self.limit = self.best.0;
            self.held_until = Some(now + PROBE_AFTER);
            return LimitCause::NoFaster;
        }
        if self.held_until.is_some_and(|until| now < until) {
            return LimitCause::Used;
        }
        if self.held_until.take().is_some() {
            self.best = (self.limit, 0.0);
        }
        if was_used {
            let step = if self.limit < self.threshold {
                1.0
            } else {
                1.0 / self.limit
            };
            self.limit = (self.limit + step).min(CEILING);
        }
        LimitCause::Used
    }

    /// Counts an answer; says whether a limit that has grown by half since the best rate brought next to nothing.
    #[allow(clippy::cast_precision_loss)]
    fn is_no_faster(&mut self, now: Instant) -> bool {
        let Some(since) = self.window.since else {
            self.window = Window::begun(now, self.limit);
            return false;
        };
        self.window.answers += 1;
        let elapsed = now.duration_since(since).as_secs_f64();
        // Two round trips of the whole limit, and long enough to be measured.
        if (self.window.answers as f64) < 2.0 * self.limit || elapsed < 0.1 {
            return false;
        }
        let rate = self.window.answers as f64 / elapsed;
        let used = std::mem::replace(&mut self.window, Window::begun(now, self.limit)).limit;
        let (limit, best) = self.best;
        if rate > best * FASTER {
            self.best = (used, rate);
            return false;
        }
        used > limit * 1.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets rounds of as many requests as fit run against a server that bears this many at once, 50 ms each.
    fn rounds(
        limiter: &mut Limiter,
        bears: usize,
        rounds: u32,
        clock: &mut Instant,
    ) -> (usize, usize) {
        let (mut answered, mut rejected) = (0, 0);
        for _ in 0..rounds {
            *clock += Duration::from_millis(50);
            let mut sent = Vec::new();
            while let Some(ticket) = limiter.enter() {
                if sent.len() < bears {
                    sent.push(ticket);
                } else {
                    limiter.leave(ticket, Fate::Rejected, *clock);
                    rejected += 1;
                    break;
                }
            }
            answered += sent.len();
            for ticket in sent {
                limiter.leave(ticket, Fate::Answered, *clock);
            }
        }
        (answered, rejected)
    }

    #[test]
    fn the_limit_of_a_server_is_found_and_kept_to() {
        let (mut limiter, mut clock) = (Limiter::adaptive(), Instant::now());
        rounds(&mut limiter, 200, 100, &mut clock);
        let (answered, rejected) = rounds(&mut limiter, 200, 400, &mut clock);
        assert!(
            answered >= 400 * 200 * 85 / 100,
            "{answered} of {}",
            400 * 200
        );
        assert!(rejected * 50 < answered, "{rejected} rejected");
        // It halves, and is followed within twenty seconds.
        rounds(&mut limiter, 100, 40, &mut clock);
        let (answered, rejected) = rounds(&mut limiter, 100, 360, &mut clock);
        assert!(
            answered >= 360 * 100 * 85 / 100,
            "{answered} of {}",
            360 * 100
        );
        assert!(rejected * 50 < answered, "{rejected} rejected");
    }

    #[test]
    fn of_one_episode_only_the_first_rejection_cuts() {
        let (mut limiter, now) = (Limiter::adaptive(), Instant::now());
        let tickets: Vec<Ticket> = std::iter::from_fn(|| limiter.enter()).collect();
        assert_eq!(tickets.len(), START);
        let changes: Vec<Change> = tickets
            .into_iter()
            .filter_map(|ticket| limiter.leave(ticket, Fate::Rejected, now))
            .collect();
        assert_eq!(
            changes,
            [Change {
                from: 16,
                to: 13,
                cause: LimitCause::Rejected
            }]
        );
    }

    #[test]
    fn a_limit_that_is_not_used_does_not_grow() {
        let (mut limiter, now) = (Limiter::adaptive(), Instant::now());
        for _ in 0..1000 {
            let ticket = limiter.enter().expect("a place");
            assert_eq!(limiter.leave(ticket, Fate::Answered, now), None);
        }
        assert_eq!(limiter.limit(), Some(START));
    }

    #[test]
    fn after_an_outage_the_limit_comes_back_at_once() {
        let (mut limiter, mut clock) = (Limiter::adaptive(), Instant::now());
        rounds(&mut limiter, 200, 100, &mut clock);
        rounds(&mut limiter, 0, 60, &mut clock);
        assert_eq!(limiter.limit(), Some(1));
        rounds(&mut limiter, 200, 20, &mut clock);
        assert!(
            limiter.limit().is_some_and(|limit| limit > 120),
            "{limiter:?}"
        );
    }

    #[test]
    fn a_server_that_gets_no_faster_is_not_flooded() {
        let (mut limiter, mut clock) = (Limiter::adaptive(), Instant::now());
        // It answers 800 per second, however many wait.
        for _ in 0..200 {
            let sent: Vec<Ticket> = std::iter::from_fn(|| limiter.enter()).collect();
            for ticket in sent {
                clock += Duration::from_micros(1250);
                limiter.leave(ticket, Fate::Answered, clock);
            }
        }
        assert!(
            limiter.limit().is_some_and(|limit| limit < 64),
            "{limiter:?}"
        );
    }

    #[test]
    fn a_number_that_was_asked_for_is_not_changed() {
        let (mut limiter, now) = (Limiter::fixed(), Instant::now());
        let ticket = limiter.enter().expect("a place");
        assert_eq!(limiter.leave(ticket, Fate::Rejected, now), None);
        assert!((0..5000).all(|_| limiter.enter().is_some()));
    }
}
