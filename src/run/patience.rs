//! When a model is given up: only where no request can succeed.

use crate::model::{ErrorClass, FailureScope};
use crate::store::Failure;

/// Failures in a row after which a model is given up, whatever they are.
const IN_A_ROW: u64 = 25;
/// Failures in a row that speak of the key or the model, after which it is given up as long as it has never answered: one may be a
/// firewall's word on one prompt.
const OF_THE_MODEL: usize = 3;
/// Failures in a row, each tried again as often as the settings say, after which a judge that has never answered is given up.
const OF_A_JUDGE: u64 = 3;

/// What one model's failures so far add up to.
#[derive(Debug)]
pub(super) struct Patience {
    /// Most failures in a row.
    most: u64,
    /// The same before the first answer.
    most_at_first: u64,
    /// Whether it is asked things of several kinds: that it cannot do one then says nothing of the others.
    asked_variously: bool,
    answered: bool,
    in_a_row: u64,
    of_the_model: usize,
}

impl Patience {
    /// With a model of which this many requests are in flight.
    pub(super) fn with_model(connections: usize, answered: bool, asked_variously: bool) -> Self {
        let most = IN_A_ROW.max(2 * connections as u64);
        Self {
            most,
            most_at_first: most,
            asked_variously,
            answered,
            in_a_row: 0,
            of_the_model: 0,
        }
    }

    /// With a judge.
    pub(super) fn with_judge() -> Self {
        Self {
            most: IN_A_ROW,
            most_at_first: OF_A_JUDGE,
            asked_variously: false,
            answered: false,
            in_a_row: 0,
            of_the_model: 0,
        }
    }

    /// Requests that may be in flight, of this many at most. After a failure that speaks of the key or the model, no more are sent than it
    /// takes to tell, as long as it has never answered.
    pub(super) fn room(&mut self, connections: usize) -> usize {
        // All that is in flight can fail at one moment.
        self.most = self.most.max(2 * connections as u64);
        if self.answered || self.of_the_model == 0 {
            connections
        } else {
            connections.min(OF_THE_MODEL)
        }
    }

    /// It has answered.
    pub(super) fn answered(&mut self) {
        self.answered = true;
        (self.in_a_row, self.of_the_model) = (0, 0);
    }

    /// It has failed. Says why it is given up, where it is.
    pub(super) fn record_failure(&mut self, failure: &Failure) -> Option<String> {
        let says_nothing_of_others = match failure.class {
            ErrorClass::NotRecorded => true,
            ErrorClass::Unsupported => self.asked_variously,
            _ => false,
        };
        if says_nothing_of_others {
            return None;
        }
        let scope = failure.class.scope();
        self.in_a_row += 1;
        self.of_the_model = match scope {
            FailureScope::Request => 0,
            FailureScope::Model | FailureScope::Account => self.of_the_model + 1,
        };
        let most = if self.answered {
            self.most
        } else {
            self.most_at_first
        };
        let lost = !self.answered && self.of_the_model >= OF_THE_MODEL;
        if scope == FailureScope::Account || lost {
            Some(failure.message.clone())
        } else if self.in_a_row >= most {
            Some(format!(
                "{} requests in a row failed; the last one: {}",
                self.in_a_row, failure.message
            ))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: ErrorClass) -> Failure {
        Failure {
            class,
            message: "no".into(),
        }
    }

    /// After how many failures of a class it is given up.
    fn after(patience: &mut Patience, class: ErrorClass) -> Option<usize> {
        (1..200).find(|_| patience.record_failure(&failure(class)).is_some())
    }

    #[test]
    fn a_refused_key_ends_a_model_that_has_never_answered() {
        let mut fresh = Patience::with_model(1, false, false);
        assert_eq!(after(&mut fresh, ErrorClass::Auth), Some(3));
    }

    #[test]
    fn an_empty_account_ends_a_model_whatever_it_answered() {
        let mut patience = Patience::with_model(16, true, true);
        assert_eq!(after(&mut patience, ErrorClass::Quota), Some(1));
    }

    #[test]
    fn one_refusal_among_answers_ends_nothing() {
        let mut patience = Patience::with_model(16, false, false);
        for class in [ErrorClass::Auth, ErrorClass::NotFound] {
            assert!(patience.record_failure(&failure(class)).is_none());
            patience.answered();
        }
        assert_eq!(after(&mut patience, ErrorClass::Auth), Some(32));
        let mut resumed = Patience::with_model(1, true, false);
        assert!(resumed.record_failure(&failure(ErrorClass::Auth)).is_none());
    }

    #[test]
    fn what_a_recording_lacks_says_nothing_of_the_rest() {
        let mut replay = Patience::with_model(64, false, false);
        assert_eq!(after(&mut replay, ErrorClass::NotRecorded), None);
        let mut two_suites = Patience::with_model(16, false, true);
        assert_eq!(after(&mut two_suites, ErrorClass::Unsupported), None);
    }

    #[test]
    fn a_judge_that_cannot_be_reached_is_not_asked_for_every_answer() {
        let mut judge = Patience::with_judge();
        assert_eq!(after(&mut judge, ErrorClass::Network), Some(3));
        let mut judge = Patience::with_judge();
        judge.answered();
        assert_eq!(after(&mut judge, ErrorClass::Network), Some(25));
    }
}
