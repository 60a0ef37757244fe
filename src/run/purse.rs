//! The money of one trial: what its model and its judges take is paid from one reservation, request by request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::budget::{Money, Reservation};
use super::logs::Logs;
use crate::model::{Attempts, Exchange, Payer, Traffic};

/// A reservation that several who ask for one trial pay from.
pub(super) struct Purse {
    reservation: Mutex<Reservation>,
    logs: Logs,
}

impl Purse {
    /// Holds what was reserved.
    pub(super) fn new(reservation: Reservation, logs: Logs) -> Self {
        Self {
            reservation: Mutex::new(reservation),
            logs,
        }
    }

    /// Holds as much as is needed.
    pub(super) fn bottomless() -> Self {
        Self::new(Reservation::unlimited(), Logs::default())
    }

    fn reservation(&self) -> MutexGuard<'_, Reservation> {
        self.reservation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// For one question, with all the requests that it takes. Its raw exchanges are kept where the run is recorded.
    pub(super) fn payment(&self) -> Payment<'_> {
        Payment {
            purse: self,
            paid: Mutex::default(),
            exchanges: self.logs.recording.is_some().then(Mutex::default),
        }
    }
}

/// What is paid for one question.
pub(super) struct Payment<'a> {
    purse: &'a Purse,
    paid: Mutex<Money>,
    /// The raw exchanges, where they are kept.
    exchanges: Option<Mutex<Vec<Exchange>>>,
}

impl Payment<'_> {
    /// Pays what the question has taken in all, and gives it in US dollars where it is known.
    pub(super) fn settle(&self, attempts: &Attempts) -> Option<f64> {
        self.pay(&mut self.purse.reservation(), attempts);
        attempts.spent.map(|spent| spent.0)
    }

    /// The raw exchanges, where they were kept.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        let kept = self.exchanges.as_ref();
        kept.map(|kept| std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner)))
            .unwrap_or_default()
    }

    /// Pays what was not paid before.
    fn pay(&self, reservation: &mut Reservation, attempts: &Attempts) {
        let all = Money::dollars(attempts.spent.map_or(0.0, |spent| spent.0));
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        reservation.pay(all.less(*paid));
        *paid = all;
    }
}

impl Payer for Payment<'_> {
    fn pays_on(&self, so_far: &Attempts) -> bool {
        let mut reservation = self.purse.reservation();
        self.pay(&mut reservation, so_far);
        reservation.renew()
    }

    fn hears(&self, traffic: &Traffic) {
        if let Some(log) = &self.purse.logs.traffic {
            log.write(traffic);
        }
    }

    fn keeps_exchanges(&self) -> bool {
        self.exchanges.is_some()
    }

    fn keep(&self, exchange: Exchange) {
        if let Some(kept) = &self.exchanges {
            kept.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(exchange);
        }
    }
}
