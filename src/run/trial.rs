//! One trial: asked, scored, and made ready to be written down.

use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

use super::budget::{Bounds, Budget, Money};
use super::earlier::Earlier;
use super::event::RunEvent;
use super::logs::Logs;
use super::panel::Heard;
use super::plan::{Plan, Trial};
use super::purse::Purse;
use super::scoring::{Answer, Scoring};
use crate::model::{
    Completion, ErrorClass, Exchange, ModelError, Origin, Parameters, Prompt, Request, RequestKey,
    SampleRef, Usd, Wanted,
};
use crate::store::{
    CompletionCache, Failure, JournalLine, JudgeAsked, ROUTE, StoreError, TrialKey, TrialRecord,
    TrialStatus,
};
use crate::suite::Sample;

/// What trials of a run share.
pub(super) struct Asker {
    pub plan: Arc<Plan>,
    pub cache: Option<Arc<CompletionCache>>,
    pub earlier: Earlier,
    pub budget: Arc<Budget>,
    pub scoring: Scoring,
    pub logs: Logs,
    /// When the run began.
    pub begun: Timestamp,
}

/// A trial that has ended.
pub(super) struct Ended {
    /// Its line of the journal.
    pub line: JournalLine,
    /// What is observed of it once the line is on disk.
    pub event: RunEvent,
    /// Why there is no answer, if there is none.
    pub failure: Option<Failure>,
    /// Whether a judge's word on the answer is missing.
    pub unjudged: bool,
    /// When the answer was given, where that was before the run.
    pub given: Option<Timestamp>,
    /// Whether its upstream is known.
    pub routed: bool,
}

/// The figures of a trial that its event tells and its record does not.
#[derive(Default)]
struct Observed {
    origin: Origin,
    spent: Option<f64>,
}

/// What asking for an answer took, over all its repeats.
#[derive(Default)]
struct Asking {
    /// US dollars; none where no request has a known price.
    spent: Option<f64>,
    exchanges: Vec<Exchange>,
}

impl Asker {
    /// Asks and score per trial. None if the budget does not reach for it.
    pub(super) async fn trial(
        self: Arc<Self>,
        trial: Trial,
        model: usize,
    ) -> Result<Option<Ended>, StoreError> {
        let sample = self.plan.sample(trial);
        let mut observed = Observed::default();
        let mut record;
        match self.plan.request_of(&sample, trial, model) {
            Err(error) => {
                record = self.blank(&sample, trial, model, None);
                let error = ModelError::new(ErrorClass::BadRequest, error.to_string());
                record.failure = Some(Failure::from(&error));
            }
            Ok((request, key, own)) => {
                record = self.blank(&sample, trial, model, Some(own));
                record.seed = request.parameters.seed;
                let kept = self.earlier.unjudged(&record.trial);
                let bounds = self.bounds(trial, model, &request, kept.is_none());
                let Some(reserved) = self.budget.reserve(model, bounds).await else {
                    return Ok(None);
                };
                let purse = Arc::new(Purse::new(reserved, self.logs.clone()));
                let asking = match kept {
                    Some(kept) => {
                        record = kept;
                        None
                    }
                    None => Some(
                        self.answer(&mut record, request, key, trial, model, &purse)
                            .await,
                    ),
                };
                let origin = record.completion.as_ref().map(|c| c.origin);
                observed.origin = origin.unwrap_or(Origin::Live);
                let heard = self.score(&mut record, sample, trial, &purse).await;
                observed.spent = spent([asking.as_ref().and_then(|a| a.spent), Some(heard.spent)]);
                self.keep_exchanges(&record, asking, &heard.asked)?;
            }
        }
        self.ended(record, trial, model, &observed).map(Some)
    }

    /// The end of a trial whose task failed: a bug in candor, which costs this trial and no other.
    pub(super) fn end_of_failed_task(
        &self,
        trial: Trial,
        model: usize,
        reason: &str,
    ) -> Result<Ended, StoreError> {
        let sample = self.plan.sample(trial);
        let mut record = match self.plan.request_of(&sample, trial, model) {
            Ok((request, _, own)) => TrialRecord {
                prompt: request.prompt,
                ..self.blank(&sample, trial, model, Some(own))
            },
            Err(_) => self.blank(&sample, trial, model, None),
        };
        record.failure = Some(Failure {
            class: ErrorClass::Runtime,
            message: format!("the trial failed, which is a bug in candor: {reason}"),
        });
        self.ended(record, trial, model, &Observed::default())
    }

    /// For each trial of a model, in the plan's order, whether an earlier start has finished it; empty if there was none. A trial's key takes its
    /// rendered prompt, so this is done once and on all cores.
    pub(super) fn done(&self, model: usize) -> Vec<bool> {
        /// Trials looked at by one core in a row.
        const AT_ONCE: usize = 4096;
        if self.earlier.done.is_empty() {
            return Vec::new();
        }
        let mut trials: Vec<(usize, Trial)> = self.plan.trials().enumerate().collect();
        // In the order of the samples, since neighbours are unpacked together.
        trials.sort_unstable_by_key(|(_, trial)| (trial.suite, trial.sample));
        let finished = trials.par_chunks(AT_ONCE).flat_map_iter(|trials| {
            let mut reader = self.plan.reader();
            trials.iter().filter_map(move |&(at, trial)| {
                let sample = reader.sample(trial);
                let request = self.plan.request_of(&sample, trial, model);
                let (_, _, key) = request.ok()?;
                self.earlier.done.contains(&key).then_some(at)
            })
        });
        let finished: Vec<usize> = finished.collect();
        let mut done = vec![false; trials.len()];
        for at in finished {
            done[at] = true;
        }
        done
    }

    /// Gets the answer from the cache or the model, and gives what that took.
    async fn answer(
        &self,
        record: &mut TrialRecord,
        mut request: Request,
        key: RequestKey,
        trial: Trial,
        model: usize,
        purse: &Purse,
    ) -> Asking {
        let seed = request.parameters.seed;
        let mut asking = Asking::default();
        let mut answer = self
            .asked_once(&request, &key, model, purse, &mut asking)
            .await;
        for repeat in 1..self.plan.suites[trial.suite].suite.prompts.repeats() {
            let Ok(so_far) = answer else { break };
            request.parameters.seed = seed.map(|seed| seed.wrapping_add(repeat.into()));
            let key = self.plan.repeat_key(&request, model, trial.epoch, repeat);
            let next = self.asked_once(&request, &key, model, purse, &mut asking);
            answer = match next.await {
                Ok(next) => Ok(so_far.joined_by(next)),
                Err(error) => Err(ModelError {
                    attempts: Box::new(so_far.attempts.and(*error.attempts)),
                    ..error
                }),
            };
        }
        record.finished = Timestamp::now();
        record.prompt = request.prompt;
        let attempts = match answer {
            Ok(mut completion) => {
                record.status = TrialStatus::of(&completion);
                if record.status == TrialStatus::Error {
                    record.failure = Some(Failure {
                        class: ErrorClass::Server,
                        message: "the provider reports that the answer ended in an error".into(),
                    });
                }
                let attempts = std::mem::take(&mut completion.attempts);
                if let Some(route) = &completion.served.route {
                    // A suite's own stratum of that name is the suite's.
                    let strata = &mut record.strata;
                    strata.entry(ROUTE.into()).or_insert_with(|| route.clone());
                }
                record.completion = Some(completion);
                attempts
            }
            Err(error) => {
                record.failure = Some(Failure::from(&error));
                *error.attempts
            }
        };
        let alone = attempts.sent <= u32::from(record.failure.is_none());
        record.attempts = (!alone).then_some(attempts);
        asking
    }

    /// Records the raw exchanges of a trial, where the run is recorded: those behind its answer, and those with its judges.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be.
    fn keep_exchanges(
        &self,
        record: &TrialRecord,
        asking: Option<Asking>,
        judges: &[JudgeAsked],
    ) -> Result<(), StoreError> {
        match &self.logs.recording {
            Some(recording) if asking.is_some() || !judges.is_empty() => {
                let exchanges = asking.unwrap_or_default().exchanges;
                recording.write(record, &exchanges, judges)
            }
            _ => Ok(()),
        }
    }

    /// One answer, from the cache or the model; what it took is added to the rest.
    async fn asked_once(
        &self,
        request: &Request,
        key: &RequestKey,
        model: usize,
        purse: &Purse,
        asking: &mut Asking,
    ) -> Result<Completion, ModelError> {
        let target = &self.plan.models[model];
        let payment = purse.payment();
        let asked = target.model.answer_for(&payment, request);
        let answer = match &self.cache {
            Some(cache) if target.capabilities.cacheable => cache.answer(key, asked).await,
            _ => asked.await,
        };
        let answer = answer.and_then(only_numbers);
        let attempts = match &answer {
            Ok(completion) => completion.attempts,
            Err(error) => *error.attempts,
        };
        asking.exchanges.extend(payment.exchanges());
        if let Some(now) = payment.settle(&attempts) {
            asking.spent = Some(asking.spent.unwrap_or(0.0) + now);
        }
        answer
    }

    /// Scores the answer, if there is one, and gives what its judges said besides.
    async fn score(
        &self,
        record: &mut TrialRecord,
        sample: Sample,
        trial: Trial,
        purse: &Arc<Purse>,
    ) -> Heard {
        if record.failure.is_some() {
            return Heard::default();
        }
        let Some(completion) = record.completion.take() else {
            return Heard::default();
        };
        let planned = &self.plan.suites[trial.suite];
        let answer = Arc::new(Answer {
            suite: record.suite.clone(),
            sample,
            prompt: std::mem::replace(&mut record.prompt, Prompt::Text(String::new())),
            model: record.model.clone(),
            completion,
            other_side: None,
        });
        let scored = self.scoring.score(&planned.scorers, &answer, purse).await;
        let answer = Arc::unwrap_or_clone(answer);
        (record.prompt, record.completion) = (answer.prompt, Some(answer.completion));
        let mut heard = scored.heard;
        record.scores = scored.scores;
        record.unjudged = std::mem::take(&mut heard.unjudged);
        heard
    }

    /// What a trial can cost.
    fn bounds(&self, trial: Trial, model: usize, request: &Request, asks_model: bool) -> Bounds {
        let model = &self.plan.models[model].model;
        let asked = request.prompt.most_tokens();
        let limit = u64::from(request.parameters.max_tokens);
        let planned = &self.plan.suites[trial.suite];
        let repeats = f64::from(planned.suite.prompts.repeats());
        let price = |read, written| {
            let price = asks_model.then(|| model.price(read, written)).flatten();
            Money::dollars(price.map_or(0.0, |usd| usd.0 * repeats))
        };
        let scorers = &planned.scorers;
        Bounds {
            least: price(asked / BYTES_PER_TOKEN, 1),
            together: model.asks_in_batches(),
            most: price(asked, limit).plus(self.plan.panel.max_cost(scorers, asked, limit)),
        }
    }

    /// Makes an ended trial's line and event.
    fn ended(
        &self,
        mut record: TrialRecord,
        trial: Trial,
        model: usize,
        observed: &Observed,
    ) -> Result<Ended, StoreError> {
        record.spent = observed.spent.map(Usd);
        let line = journal_line(&mut record)?;
        let event = RunEvent::Finished {
            model,
            suite: trial.suite,
            sample: trial.sample,
            headline: record.scores.first().and_then(|s| s.value),
            scores: record.scores.into(),
            status: record.status,
            origin: observed.origin,
            error: record.failure.as_ref().map(|f| f.class),
            cost: record.spent,
        };
        Ok(Ended {
            line,
            event,
            unjudged: !record.unjudged.is_empty(),
            routed: record.strata.contains_key(ROUTE),
            given: record
                .completion
                .and_then(|c| c.given)
                .filter(|given| *given < self.begun),
            failure: record.failure,
        })
    }

    /// The record of a trial that has not been asked. Where nothing can be asked, its key is that of a request that asks nothing.
    fn blank(
        &self,
        sample: &Sample,
        trial: Trial,
        model: usize,
        key: Option<TrialKey>,
    ) -> TrialRecord {
        let planned = &self.plan.suites[trial.suite];
        let identity = self.plan.models[model].model.identity();
        let of_nothing = || {
            let nothing = Request {
                prompt: Prompt::Text(String::new()),
                parameters: Parameters::default(),
                wanted: Wanted::Generate,
                about: SampleRef::default(),
            };
            let key = RequestKey::new(&identity.fingerprint, &nothing, trial.epoch);
            TrialKey::new(&key, &planned.suite.file.name, &sample.id)
        };
        TrialRecord {
            trial: key.unwrap_or_else(of_nothing),
            schedule_index: trial.schedule_index,
            model: identity.name.clone(),
            suite: planned.suite.file.name.clone(),
            sample: sample.id.clone(),
            epoch: trial.epoch,
            pairing: sample.pairing.clone(),
            strata: sample.strata.clone(),
            targets: targets(sample),
            prompt: Prompt::Text(String::new()),
            seed: None,
            status: TrialStatus::Error,
            completion: None,
            failure: None,
            scores: Vec::new(),
            unjudged: Vec::new(),
            attempts: None,
            spent: None,
            finished: Timestamp::now(),
        }
    }
}

/// Amounts together, in US dollars; none where nothing was paid, or no price is known.
fn spent(amounts: [Option<f64>; 2]) -> Option<f64> {
    let all: f64 = amounts.into_iter().flatten().sum();
    Some(all).filter(|all| *all > 0.0)
}

/// Bytes of a prompt per token, at most.
const BYTES_PER_TOKEN: u64 = 8;

/// An answer whose log-likelihoods are numbers: others cannot be written down, and say that the model is broken.
fn only_numbers(completion: Completion) -> Result<Completion, ModelError> {
    let wrong = completion
        .continuations
        .iter()
        .position(|c| !c.log_likelihood.is_finite());
    match wrong {
        None => Ok(completion),
        Some(at) => Err(ModelError::new(
            ErrorClass::Runtime,
            format!(
                "the model gave continuation {} the log-likelihood {}, which is not a number that can be scored; its weights or its runtime are broken",
                at + 1,
                completion.continuations[at].log_likelihood
            ),
        )),
    }
}

/// The line of a record. One that would not be read back is made one that is: the provider's answer as text, or else as a failure.
fn journal_line(record: &mut TrialRecord) -> Result<JournalLine, StoreError> {
    let first = match JournalLine::of(record) {
        Ok(line) => return Ok(line),
        Err(error) => error,
    };
    if let Some(completion) = &mut record.completion
        && let Some(raw) = completion.raw.take()
    {
        completion.raw = Some(raw.to_string().into());
        if let Ok(line) = JournalLine::of(record) {
            return Ok(line);
        }
    }
    record.status = TrialStatus::Error;
    record.completion = None;
    (record.scores, record.unjudged) = (Vec::new(), Vec::new());
    record.failure = Some(Failure {
        class: ErrorClass::Protocol,
        message: first.to_string(),
    });
    JournalLine::of(record)
}

/// Right answers as a reader of transcripts wants them: a choice by its text.
fn targets(sample: &Sample) -> Vec<String> {
    match (sample.choices.is_empty(), sample.target_choice()) {
        (false, Some(choice)) => vec![sample.choices[choice].clone()],
        _ => sample.targets.clone(),
    }
}
