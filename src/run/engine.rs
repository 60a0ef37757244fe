//! The runner's loop: every model's trials in flight side by side, each written down as soon as it ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::watch;

use super::event::RunEvent;
use super::plan::{Plan, Trial};
use crate::model::{Completion, ErrorClass, Finish, ModelError, Origin, Request, RequestKey};
use crate::score::{Score, ScoreContext, Scorer};
use crate::store::{
    CompletionCache, Failure, JournalWriter, StoreError, TrialKey, TrialRecord, TrialStatus,
};
use crate::suite::Sample;

/// What bounds a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Most requests in flight a model; the model's own figure where nothing is said.
    pub max_connections: Option<usize>,
    /// US dollars to spend at most.
    pub budget: Option<f64>,
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
pub struct Outcome {
    /// Trials with an answer, those of earlier starts included.
    pub answered: u64,
    /// Trials without one.
    pub failed: u64,
    /// Trials never asked: a model was given up, or the run stopped.
    pub not_asked: u64,
    /// Models given up, with the reason.
    pub given_up: Vec<(usize, String)>,
    /// Why it stopped early, if it did.
    pub stopped: Option<StopReason>,
}

/// Consecutive failures of one model after which it is given up.
const PATIENCE: u64 = 25;

struct Run<E> {
    plan: Arc<Plan>,
    journal: JournalWriter,
    cache: Option<CompletionCache>,
    done: HashSet<TrialKey>,
    limits: Limits,
    on_event: E,
    /// Spent so far, in millionths of a dollar.
    spent: AtomicU64,
    over_budget: AtomicBool,
}

/// Runs a plan to its end, or until `stop` turns true. Trials in `done` are not asked again.
///
/// # Errors
/// [`StoreError`] where the journal cannot be written: then nothing more is asked.
pub async fn execute(
    plan: Arc<Plan>,
    journal: JournalWriter,
    cache: Option<CompletionCache>,
    done: HashSet<TrialKey>,
    limits: Limits,
    on_event: impl Fn(RunEvent) + Send + Sync + 'static,
    stop: watch::Receiver<bool>,
) -> Result<Outcome, StoreError> {
    let run = Arc::new(Run {
        plan: Arc::clone(&plan),
        journal,
        cache,
        done,
        limits,
        on_event,
        spent: AtomicU64::new(0),
        over_budget: AtomicBool::new(false),
    });
    for scorer in plan.suites.iter().flat_map(|suite| &suite.scorers) {
        scorer.prepare();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for model in 0..plan.models.len() {
        tasks.spawn(Arc::clone(&run).model(model, stop.clone()));
    }
    let mut outcome = Outcome::default();
    let mut failure = None;
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok(Ok(part)) => {
                outcome.answered += part.answered;
                outcome.failed += part.failed;
                outcome.not_asked += part.not_asked;
                outcome.given_up.extend(part.given_up);
            }
            Ok(Err(error)) => failure = Some(error),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    outcome.given_up.sort();
    outcome.stopped = match (run.over_budget.load(Ordering::Relaxed), *stop.borrow()) {
        (true, _) => Some(StopReason::Budget),
        (_, true) => Some(StopReason::Interrupted),
        _ => None,
    };
    match Arc::try_unwrap(run) {
        Ok(run) => run.journal.close()?,
        Err(_) => unreachable!("every task has ended, so nobody else holds the run"),
    }
    Ok(outcome)
}

impl<E: Fn(RunEvent) + Send + Sync + 'static> Run<E> {
    /// One model's trials.
    async fn model(
        self: Arc<Self>,
        model: usize,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Outcome, StoreError> {
        let capabilities = self.plan.models[model].capabilities;
        let connections = self
            .limits
            .max_connections
            .unwrap_or(capabilities.concurrency)
            .max(1);
        let total = self.plan.trials_per_model();
        let already_done = if self.done.is_empty() {
            0
        } else {
            self.plan
                .trials()
                .filter(|t| self.is_done(*t, model))
                .count() as u64
        };
        (self.on_event)(RunEvent::Started {
            model,
            trials: total,
            already_done,
        });
        let mut outcome = Outcome {
            answered: already_done,
            ..Outcome::default()
        };
        let mut in_a_row = 0;
        let mut gave_up: Option<String> = None;
        {
            let trials = self
                .plan
                .trials()
                .filter(|t| self.done.is_empty() || !self.is_done(*t, model));
            let mut answers = std::pin::pin!(
                futures::stream::iter(trials)
                    .take_while(|_| futures::future::ready(
                        !self.over_budget.load(Ordering::Relaxed)
                    ))
                    .map(|trial| self.trial(trial, model))
                    .buffer_unordered(connections)
            );
            loop {
                let next = tokio::select! {
                    biased;
                    () = stopped(&mut stop) => None,
                    next = answers.next() => next,
                };
                let Some((record, event, fatal)) = next else {
                    break;
                };
                self.journal.append(&record)?;
                let failed = record.status == TrialStatus::Error && record.failure.is_some();
                if failed {
                    outcome.failed += 1;
                } else {
                    outcome.answered += 1;
                }
                // What a recording lacks says nothing of the rest of it.
                let not_recorded = record
                    .failure
                    .as_ref()
                    .is_some_and(|f| f.class == ErrorClass::NotRecorded);
                in_a_row = match failed {
                    true if not_recorded => in_a_row,
                    true => in_a_row + 1,
                    false => 0,
                };
                (self.on_event)(event);
                if fatal || in_a_row >= PATIENCE.max(2 * connections as u64) {
                    let message = record.failure.map(|f| f.message).unwrap_or_default();
                    gave_up = Some(if fatal {
                        message
                    } else {
                        format!("{in_a_row} requests in a row failed, the last so: {message}")
                    });
                    break;
                }
            }
        }
        outcome.not_asked = total.saturating_sub(outcome.answered + outcome.failed);
        if let Some(reason) = gave_up {
            (self.on_event)(RunEvent::GaveUp {
                model,
                reason: reason.clone(),
            });
            outcome.given_up.push((model, reason));
        }
        (self.on_event)(RunEvent::Ended { model });
        Ok(outcome)
    }

    fn is_done(&self, trial: Trial, model: usize) -> bool {
        self.plan
            .request(trial, model)
            .is_ok_and(|(_, _, key)| self.done.contains(&key))
    }

    /// Asks and scores one trial. The last part says whether the model is lost.
    async fn trial(&self, trial: Trial, model: usize) -> (TrialRecord, RunEvent, bool) {
        let planned = &self.plan.suites[trial.suite];
        let sample = &planned.suite.samples[trial.sample];
        let identity = self.plan.models[model].model.identity();
        let mut record = TrialRecord {
            trial: TrialKey::new(
                &RequestKey::new(&identity.fingerprint, &placeholder(), trial.epoch),
                &planned.suite.file.name,
                &sample.id,
            ),
            schedule_index: trial.schedule_index,
            model: identity.name.clone(),
            suite: planned.suite.file.name.clone(),
            sample: sample.id.clone(),
            epoch: trial.epoch,
            pairing: sample.pairing.clone(),
            strata: sample.strata.clone(),
            targets: targets(sample),
            prompt: placeholder().prompt,
            seed: None,
            status: TrialStatus::Error,
            completion: None,
            failure: None,
            scores: Vec::new(),
            finished: Timestamp::now(),
        };
        let (answer, origin) = match self.plan.request(trial, model) {
            Ok((request, request_key, key)) => {
                (record.trial, record.seed) = (key, request.parameters.seed);
                let answer = self.ask(&request, &request_key, model).await;
                record.prompt = request.prompt;
                answer
            }
            Err(error) => (
                Err(ModelError::new(ErrorClass::BadRequest, error.to_string())),
                Origin::Live,
            ),
        };
        record.finished = Timestamp::now();
        let mut event = Finished {
            cost: None,
            error: None,
            headline: None,
        };
        let mut fatal = false;
        match answer {
            Ok(completion) => {
                record.status = TrialStatus::of(&completion);
                let bench = self.plan.panel.with(self.cache.as_ref());
                let context = ScoreContext {
                    suite: &record.suite,
                    prompt: &record.prompt,
                    model: &record.model,
                    judges: &bench,
                };
                record.scores = judge(&planned.scorers, sample, &completion, &context).await;
                event.headline = record.scores.first().and_then(|s| s.value);
                event.cost = completion.cost.filter(|_| origin == Origin::Live);
                record.completion = Some(completion);
            }
            Err(error) => {
                fatal = error.class.is_fatal();
                event.error = Some(error.class);
                record.failure = Some(Failure {
                    class: error.class,
                    message: error.message,
                });
            }
        }
        if let Some(cost) = event.cost {
            self.spend(cost.0);
        }
        self.spend(self.plan.panel.take_spent());
        let event = RunEvent::Finished {
            model,
            suite: trial.suite,
            sample: trial.sample,
            scores: record.scores.clone().into(),
            status: record.status,
            origin,
            error: event.error,
            cost: event.cost,
            headline: event.headline,
        };
        (record, event, fatal)
    }

    async fn ask(
        &self,
        request: &Request,
        key: &RequestKey,
        model: usize,
    ) -> (Result<Completion, ModelError>, Origin) {
        let target = &self.plan.models[model];
        let cache = self
            .cache
            .as_ref()
            .filter(|_| target.capabilities.cacheable);
        let asked = target.model.answer(request);
        let answer = known_or(cache, key, asked).await;
        let origin = answer.as_ref().map_or(Origin::Live, |c| c.origin);
        (answer, origin)
    }

    fn spend(&self, dollars: f64) {
        let spent =
            self.spent.fetch_add(millionths(dollars), Ordering::Relaxed) + millionths(dollars);
        if self
            .limits
            .budget
            .is_some_and(|budget| spent >= millionths(budget))
        {
            self.over_budget.store(true, Ordering::Relaxed);
        }
    }
}

/// What the cache knows, else what is asked now, which is then kept.
pub(super) async fn known_or(
    cache: Option<&CompletionCache>,
    key: &RequestKey,
    asked: impl Future<Output = Result<Completion, ModelError>>,
) -> Result<Completion, ModelError> {
    if let Some(known) = cache.and_then(|c| c.get(key)) {
        return Ok(known);
    }
    let completion = asked.await?;
    if let Some(cache) = cache.filter(|_| completion.finish != Finish::Error) {
        cache.put(key, &completion);
    }
    Ok(completion)
}

/// Whole millionths of a dollar: sums of them are exact.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn millionths(dollars: f64) -> u64 {
    (dollars * 1e6).round() as u64
}

/// Ends when `stop` turns true; never, where nobody can turn it any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What an event needs to know of an answer.
struct Finished {
    cost: Option<crate::model::Usd>,
    error: Option<ErrorClass>,
    headline: Option<f64>,
}

/// Stands for the request of a sample that cannot be rendered.
fn placeholder() -> Request {
    Request {
        prompt: crate::model::Prompt::Text(String::new()),
        parameters: crate::model::Parameters::default(),
        wanted: crate::model::Wanted::Generate,
        about: crate::model::SampleRef::default(),
    }
}

/// Right answers as a reader of transcripts wants them: a choice by its text.
pub(super) fn targets(sample: &Sample) -> Vec<String> {
    match (sample.choices.is_empty(), sample.target_choice()) {
        (false, Some(choice)) => vec![sample.choices[choice].clone()],
        _ => sample.targets.clone(),
    }
}

/// Every score of an answer. A scorer that cannot judge says so in a score without a value.
pub(super) async fn judge(
    scorers: &[Box<dyn Scorer>],
    sample: &Sample,
    completion: &Completion,
    context: &ScoreContext<'_>,
) -> Vec<Score> {
    let mut scores = Vec::new();
    for scorer in scorers {
        match scorer.score(sample, completion, context).await {
            Ok(given) => scores.extend(given),
            Err(error) => scores.push(Score {
                label: Some("not_scored".into()),
                explanation: Some(error.to_string()),
                ..Score::new(scorer.as_ref(), scorer.metrics()[0].name)
            }),
        }
    }
    scores
}
