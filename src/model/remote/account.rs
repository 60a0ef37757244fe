//! What all requests to one account of one server share: how many may be in flight, how many may be sent per minute, and the pause that
//! all keep when its server asks for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::bucket::Bucket;
use super::limiter::{Change, Fate, Limiter, Ticket};
use super::pace::Pace;

/// The accounts that a process asks through: models of one account share it.
#[derive(Debug, Clone, Default)]
pub struct Accounts(Arc<Mutex<HashMap<AccountKey, Weak<Account>>>>);

/// Server and key, as a hash.
type AccountKey = [u8; 32];

/// What is allowed, where somebody said so.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowance {
    /// Requests in flight per model; found out if none.
    pub connections: Option<usize>,
    pub requests_per_minute: Option<u64>,
    pub tokens_per_minute: Option<u64>,
}

impl Accounts {
    /// The account of a key on a server. The first model that asks for it decides its allowance.
    pub(super) fn account(
        &self,
        server: &str,
        key: Option<&SecretString>,
        allowance: Allowance,
    ) -> Arc<Account> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(server.as_bytes()).update(&[0]);
        hasher.update(key.map_or("", ExposeSecret::expose_secret).as_bytes());
        // A number that was asked for is of the model, not of the account.
        hasher.update(&[u8::from(allowance.connections.is_some())]);
        let key = *hasher.finalize().as_bytes();
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(&key).and_then(Weak::upgrade) {
            return account;
        }
        let account = Arc::new(Account::new(server, allowance));
        accounts.insert(key, Arc::downgrade(&account));
        account
    }
}

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    server: String,
    limiter: Mutex<Limiter>,
    left: Notify,
    requests: Option<Mutex<Bucket>>,
    tokens: Option<Mutex<Bucket>>,
    /// The pause that its server asked for.
    pub pace: Pace,
    /// One place: what came empty under load is asked for again one at a time.
    quiet: Semaphore,
    retries: Mutex<RetryBudget>,
}

impl Account {
    fn new(server: &str, allowance: Allowance) -> Self {
        let bucket = |amount: Option<u64>| amount.map(Bucket::per_minute).map(Mutex::new);
        Self {
            server: server.to_owned(),
            limiter: Mutex::new(match allowance.connections {
                Some(_) => Limiter::fixed(),
                None => Limiter::adaptive(),
            }),
            left: Notify::new(),
            requests: bucket(allowance.requests_per_minute),
            tokens: bucket(allowance.tokens_per_minute),
            pace: Pace::default(),
            quiet: Semaphore::new(1),
            retries: Mutex::default(),
        }
    }

    /// Its server, without user, password and query.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Requests that may be in flight now, if that is found out here.
    pub(super) fn limit(&self) -> Option<usize> {
        self.limiter().limit()
    }

    /// A place for a request of about this many tokens, when there is one, the allowance per minute permits it and no pause is on.
    pub(super) async fn place(&self, tokens: u64) -> Place<'_> {
        let now = Instant::now();
        let take = |bucket: &Option<Mutex<Bucket>>, amount| {
            bucket.as_ref().map_or(Duration::ZERO, |bucket| {
                let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
                bucket.take(amount, now)
            })
        };
        let wait = take(&self.requests, 1).max(take(&self.tokens, tokens));
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let mut left = std::pin::pin!(self.left.notified());
        loop {
            self.pace.ready().await;
            // Waiting begins before the look, so that no place given back in between is missed.
            left.as_mut().enable();
            let entered = self.limiter().enter();
            if let Some(ticket) = entered {
                return Place {
                    account: self,
                    ticket: Some(ticket),
                };
            }
            left.as_mut().await;
            left.set(self.left.notified());
        }
    }

    /// The one place for what is asked again because it came empty.
    pub(super) async fn quiet_place(&self) -> Option<SemaphorePermit<'_>> {
        self.quiet.acquire().await.ok()
    }

    /// Whether the budget of retries has one left. What is beyond it waits longest.
    pub(super) fn takes_retry(&self) -> bool {
        self.retry_budget().take()
    }

    fn retry_budget(&self) -> MutexGuard<'_, RetryBudget> {
        self.retries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the requests in flight. Dropped, it is given back.
pub(super) struct Place<'a> {
    account: &'a Account,
    ticket: Option<Ticket>,
}

impl Place<'_> {
    /// Gives it back with what became of the request. Says how the limit changed, if it did.
    pub(super) fn leave(mut self, fate: Fate) -> Option<Change> {
        if fate == Fate::Answered {
            self.account.retry_budget().earn();
        }
        let ticket = self.ticket.take()?;
        self.give_back(ticket, fate)
    }

    fn give_back(&self, ticket: Ticket, fate: Fate) -> Option<Change> {
        let change = self.account.limiter().leave(ticket, fate, Instant::now());
        match &change {
            // A limit that has grown has room for one more than the one that left.
            Some(change) if change.to > change.from => self.account.left.notify_waiters(),
            _ => self.account.left.notify_one(),
        }
        change
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.give_back(ticket, Fate::Other);
        }
    }
}

/// Retries that may go out soon: a number to begin with, and one more per five answers. A server that fails at everything is not sent
/// six times of everything in a hurry.
#[derive(Debug)]
struct RetryBudget {
    fifths: u64,
}

/// Retries to begin with, in fifths.
const FIRST_RETRIES: u64 = 5 * 64;
/// The most that are saved up, in fifths.
const MAX_RETRIES: u64 = 5 * 256;

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            fifths: FIRST_RETRIES,
        }
    }
}

impl RetryBudget {
    fn earn(&mut self) {
        self.fifths = (self.fifths + 1).min(MAX_RETRIES);
    }

    fn take(&mut self) -> bool {
        let has_one = self.fifths >= 5;
        if has_one {
            self.fifths -= 5;
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_one_key_share_an_account_and_others_do_not() {
        let accounts = Accounts::default();
        let key = |text: &str| SecretString::from(text.to_owned());
        let open = |server: &str, key: &SecretString| {
            accounts.account(server, Some(key), Allowance::default())
        };
        let one = open("https://host", &key("a"));
        assert!(Arc::ptr_eq(&one, &open("https://host", &key("a"))));
        assert!(!Arc::ptr_eq(&one, &open("https://host", &key("b"))));
        assert!(!Arc::ptr_eq(&one, &open("https://other", &key("a"))));
    }

    #[test]
    fn retries_beyond_their_budget_are_told_from_those_within() {
        let mut budget = RetryBudget::default();
        assert_eq!((0..1000).filter(|_| budget.take()).count(), 64);
        (0..10).for_each(|_| budget.earn());
        assert_eq!((0..1000).filter(|_| budget.take()).count(), 2);
    }

    #[tokio::test]
    async fn a_dropped_request_gives_its_place_back() {
        let account = Account::new("https://host", Allowance::default());
        for _ in 0..100 {
            drop(account.place(1).await);
        }
        assert_eq!(
            account.limiter().limit(),
            Some(super::super::limiter::START)
        );
    }
}
