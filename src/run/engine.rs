//! The runner's loop: every model's trials in flight side by side, each written down as soon as it ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::{FuturesOrdered, FuturesUnordered};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use super::budget::Budget;
use super::convoy::Convoy;
use super::earlier::Earlier;
use super::event::RunEvent;
use super::logs::Logs;
use super::meter::Meter;
use super::panel::LostJudge;
use super::patience::Patience;
use super::plan::Plan;
use super::scoring::Scoring;
use super::trial::{Asker, Ended};
use crate::model::ErrorClass;
use crate::store::{CachedAnswers, CompletionCache, JournalWriter, StoreError};

/// What bounds a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Most requests in flight per model; by default the model's own figure.
    pub max_connections: Option<usize>,
    /// US dollars to spend at most, those of earlier starts included.
    pub budget: Option<f64>,
}

/// How often a model that waits for others looks whether they have come on.
const LOOK: Duration = Duration::from_millis(50);

/// Why a run stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// By hand.
    Interrupted,
    /// The budget is spent.
    Budget,
    /// What the run was for is decided.
    Decided,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Trials with an answer, those of earlier starts included.
    pub answered: u64,
    /// Trials without one.
    pub failed: u64,
    /// Those of them that a recording lacks.
    pub not_recorded: u64,
    /// Trials never asked: a model was given up, or the run stopped.
    pub not_asked: u64,
    /// Trials with an answer that a judge could not be asked about.
    pub unjudged: u64,
    /// Answers from the completion cache, those of earlier starts included.
    pub cached: Option<CachedAnswers>,
    /// Whether a server said which upstream served an answer, those of earlier starts included.
    pub routed: bool,
    /// Models given up, with the reason.
    pub given_up: Vec<(usize, String)>,
    /// Judges that could not be asked about every answer.
    pub lost_judges: Vec<LostJudge>,
    /// Why it stopped early, if it did.
    pub stopped: Option<StopReason>,
}

struct Run<E> {
    asker: Arc<Asker>,
    journal: JournalWriter,
    limits: Limits,
    convoy: Convoy,
    on_event: E,
    outcome: Mutex<Outcome>,
}

/// Runs a plan to its end, or until `stop` turns true. What `earlier` starts have finished is not asked again.
///
/// # Errors
/// [`StoreError`] if the journal cannot be written: then nothing more is asked.
#[allow(clippy::too_many_arguments)] // Each is a different thing, and none belongs to another.
pub async fn execute(
    plan: Arc<Plan>,
    journal: JournalWriter,
    cache: Option<Arc<CompletionCache>>,
    earlier: Earlier,
    limits: Limits,
    logs: Logs,
    on_event: impl Fn(RunEvent) + Send + Sync + 'static,
    stop: watch::Receiver<bool>,
) -> Result<Outcome, StoreError> {
    let scoring = Scoring::new(Arc::clone(&plan.panel), cache.clone());
    for planned in &plan.suites {
        scoring.prepare(&planned.scorers).await;
    }
    let outcome = Outcome {
        cached: earlier.cached,
        routed: earlier.routed,
        ..Outcome::default()
    };
    let run = Arc::new(Run {
        asker: Arc::new(Asker {
            budget: Budget::new(limits.budget, earlier.spent.iter().copied()),
            plan: Arc::clone(&plan),
            begun: earlier.begun.unwrap_or_else(Timestamp::now),
            cache,
            earlier,
            scoring,
            logs,
        }),
        journal,
        limits,
        convoy: Convoy::new(
            plan.models.iter().map(|m| m.model.is_hosted()),
            Instant::now(),
        ),
        on_event,
        outcome: Mutex::new(outcome),
    });
    let start = |model| Task(tokio::spawn(Arc::clone(&run).model(model, stop.clone())));
    let tasks: Vec<_> = (0..plan.models.len()).map(start).collect();
    let mut failure = None;
    for (model, task) in tasks.into_iter().enumerate() {
        match task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failure = Some(error),
            Err(panic) => run.give_up(
                model,
                format!("its task panicked, which is a bug in candor: {panic}"),
            ),
        }
    }
    let Ok(run) = Arc::try_unwrap(run) else {
        unreachable!("every task has ended, so this is the only owner of the run")
    };
    // Why the journal's writer stopped is known to the writer alone.
    run.journal.close()?;
    if let Some(error) = failure {
        return Err(error);
    }
    let mut outcome = run
        .outcome
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let all = plan.trials_per_model() * plan.models.len() as u64;
    outcome.not_asked = all.saturating_sub(outcome.answered + outcome.failed);
    outcome.given_up.sort();
    outcome.lost_judges = plan.panel.lost_judges();
    outcome.stopped = match (run.asker.budget.is_over_for_any(), *stop.borrow()) {
        (true, _) => Some(StopReason::Budget),
        (_, true) => Some(StopReason::Interrupted),
        _ => None,
    };
    Ok(outcome)
}

impl<E: Fn(RunEvent) + Send + Sync + 'static> Run<E> {
    /// One model's trials.
    async fn model(
        self: Arc<Self>,
        model: usize,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), StoreError> {
        let plan = &self.asker.plan;
        let asked_for = self.limits.max_connections;
        let target = &plan.models[model].model;
        // What a server can take may be found out while the run continues.
        let asked_for = asked_for.filter(|_| !target.asks_in_batches());
        let connections = || asked_for.unwrap_or_else(|| target.room()).max(1);
        let asker = Arc::clone(&self.asker);
        let done = match tokio::task::spawn_blocking(move || asker.done(model)).await {
            Ok(done) => done,
            // To ask all again instead would be to pay twice.
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let already_done = done.iter().filter(|is_done| **is_done).count() as u64;
        self.count(|outcome| outcome.answered += already_done);
        (self.on_event)(RunEvent::Started {
            model,
            trials: plan.trials_per_model(),
            already_done,
        });
        let variously = plan.suites.len() > 1;
        let mut meter = Meter::new(target, model);
        let mut patience = Patience::with_model(connections(), already_done > 0, variously);
        let mut gave_up = None;
        // An event follows its trial's line onto the disk, in the order of the lines.
        let mut writing = FuturesOrdered::new();
        let is_done = |at: usize| done.get(at).copied().unwrap_or_default();
        let trials = plan.trials().enumerate();
        let mut trials = trials.filter(|(at, _)| !is_done(*at)).peekable();
        let mut asked = FuturesUnordered::new();
        loop {
            let mut waits = false;
            while asked.len() < patience.room(connections())
                && !self.asker.budget.is_over(model)
                && let Some(&(place, trial)) = trials.peek()
            {
                waits = !self
                    .convoy
                    .admits(model, place as u64, connections(), Instant::now());
                if waits {
                    break;
                }
                trials.next();
                let task = Arc::clone(&self.asker).trial(trial, model);
                let task = Task(tokio::spawn(task));
                asked.push(async move { (trial, task.await) });
            }
            if trials.peek().is_none() || self.asker.budget.is_over(model) {
                self.convoy.leave(model);
            }
            if asked.is_empty() && writing.is_empty() && !waits {
                break;
            }
            let (trial, joined) = tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                Some(recorded) = writing.next() => {
                    self.report(recorded)?;
                    continue;
                }
                Some(next) = asked.next() => next,
                () = tokio::time::sleep(LOOK), if waits => continue,
                () = meter.due(), if meter.is_there() => {
                    meter.read().into_iter().for_each(&self.on_event);
                    continue;
                }
            };
            self.convoy.moved(model, Instant::now());
            let ended = match joined {
                Ok(ended) => ended?,
                Err(panic) => Some(self.asker.end_of_failed_task(
                    trial,
                    model,
                    &panic.to_string(),
                )?),
            };
            let Some(ended) = ended else { continue };
            let lost = match &ended.failure {
                None => {
                    patience.answered();
                    None
                }
                Some(failure) => patience.record_failure(failure),
            };
            writing.push_back(self.write(ended)?);
            if lost.is_some() {
                gave_up = lost;
                break;
            }
        }
        self.convoy.leave(model);
        drop(asked);
        while let Some(recorded) = writing.next().await {
            self.report(recorded)?;
        }
        if let Some(reason) = gave_up {
            self.give_up(model, reason);
        }
        (self.on_event)(RunEvent::Ended { model });
        Ok(())
    }

    /// Hands a trial to the journal's writer. What comes back ends when it is on disk.
    fn write(
        &self,
        ended: Ended,
    ) -> Result<impl Future<Output = (bool, Recorded)> + use<E>, StoreError> {
        let written = self.journal.append(ended.line)?;
        let recorded = Recorded {
            event: ended.event,
            failure: ended.failure.map(|f| f.class),
            unjudged: ended.unjudged,
            given: ended.given,
            routed: ended.routed,
        };
        Ok(async move { (written.is_on_disk().await, recorded) })
    }

    /// Counts a trial that is on disk, and tells of it.
    fn report(&self, (on_disk, recorded): (bool, Recorded)) -> Result<(), StoreError> {
        if !on_disk {
            return Err(StoreError::File {
                action: "cannot write",
                path: "journal.jsonl".into(),
                reason: "the writer has stopped".into(),
            });
        }
        self.count(|outcome| {
            match recorded.failure {
                None => outcome.answered += 1,
                Some(class) => {
                    outcome.failed += 1;
                    outcome.not_recorded += u64::from(class == ErrorClass::NotRecorded);
                }
            }
            outcome.unjudged += u64::from(recorded.unjudged);
            outcome.routed |= recorded.routed;
            if let Some(time) = recorded.given {
                outcome.cached = Some(CachedAnswers::and(outcome.cached, time));
            }
        });
        (self.on_event)(recorded.event);
        Ok(())
    }

    fn give_up(&self, model: usize, reason: String) {
        (self.on_event)(RunEvent::GaveUp {
            model,
            reason: reason.clone(),
        });
        self.count(|outcome| outcome.given_up.push((model, reason)));
    }

    fn count(&self, change: impl FnOnce(&mut Outcome)) {
        change(&mut self.outcome.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What is recorded of a trial, and counted, once it is on disk.
struct Recorded {
    event: RunEvent,
    /// The kind of failure, if there is no answer.
    failure: Option<ErrorClass>,
    unjudged: bool,
    given: Option<Timestamp>,
    routed: bool,
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

/// Ends when `stop` turns true; never, where nobody can turn it any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}
