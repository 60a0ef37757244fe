//! The judges of a run: opened once, asked at most as many things at once as each can take, never asked the same thing twice, and given
//! up where they cannot be reached.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::budget::Money;
use super::error::PlanError;
use super::patience::Patience;

use super::purse::{Payment, Purse};
use crate::model::{
    self, Completion, ErrorClass, Model, ModelError, ModelSpec, OpenOptions, Request, RequestKey,
};
use crate::sandbox::Isolation;
use crate::score::{AskJudge, Scorer};
use crate::store::{CompletionCache, Failure, JudgeAsked, Unjudged};

/// Tokens of a judge's instructions besides question and answer, at most.
const MAX_INSTRUCTION_TOKENS: u64 = 2000;
/// Tokens of a judge's reply, at most.
const MAX_REPLY_TOKENS: u64 = 1024;
/// Times that a judge is asked about one answer, at most: in both orders, or once more for JSON.
const MAX_ASKS_PER_ANSWER: f64 = 2.0;

/// A judge and its places.
struct JudgeSlot {
    model: Arc<dyn Model>,
    /// One until it has answered: a judge that cannot be reached is then asked a few times, not once per place.
    places: Semaphore,
    state: Mutex<SlotState>,
}

struct SlotState {
    patience: Patience,
    has_answered: bool,
    given_up: Option<ModelError>,
    unreached: u64,
    last: String,
}

impl JudgeSlot {
    fn state(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A judge that could not be asked about every answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostJudge {
    /// Its specification.
    pub name: String,
    /// Questions that it was not asked, or did not reply to.
    pub questions: u64,
    /// What happened last.
    pub reason: String,
}

/// The judges that a run's scorers name.
#[derive(Default)]
pub struct Panel {
    slots: BTreeMap<String, JudgeSlot>,
    /// Whether scorers may fetch files of their own.
    may_fetch: bool,
    /// How programs run, where a scorer runs any.
    code: Option<Isolation>,
}

impl Panel {
    /// Opens every judge that a scorer names.
    ///
    /// # Errors
    /// [`PlanError`] if one cannot be opened: without its judge a figure would be another. [`PlanError::NotNamed`] if a suite
    /// would send questions, answers or a key to where nobody agreed to.
    pub async fn open(
        scorers: impl Iterator<Item = &Arc<dyn Scorer>>,
        options: &OpenOptions,
    ) -> Result<Self, PlanError> {
        let mut slots = BTreeMap::new();
        let scorers: Vec<_> = scorers.collect();
        let code = if scorers.iter().any(|s| s.runs_code()) {
            Some(options.code.isolation().map_err(PlanError::NoSandbox)?)
        } else {
            None
        };
        for name in scorers.iter().flat_map(|s| s.judges()) {
            if slots.contains_key(name) {
                continue;
            }
            let spec: ModelSpec = name.parse()?;
            let spec = options.named.judge(&spec)?;
            // A judge's word is waited for: scores are written with the answer.
            let live = OpenOptions {
                batches: None,
                ..options.clone()
            };
            let model = model::open(&spec, &live).await.map_err(PlanError::Model)?;
            let slot = JudgeSlot {
                model,
                places: Semaphore::new(1),
                state: Mutex::new(SlotState {
                    patience: Patience::with_judge(),
                    has_answered: false,
                    given_up: None,
                    unreached: 0,
                    last: String::new(),
                }),
            };
            slots.insert(name.clone(), slot);
        }
        Ok(Self {
            slots,
            may_fetch: !options.offline,
            code,
        })
    }

    /// Whether every judge that a scorer names can be read as a specification; none is opened.
    ///
    /// # Errors
    /// [`PlanError::Spec`] if one cannot.
    pub fn check<'a>(
        mut scorers: impl Iterator<Item = &'a Arc<dyn Scorer>>,
    ) -> Result<Self, PlanError> {
        scorers.try_for_each(|scorer| {
            let mut judges = scorer.judges().iter();
            judges.try_for_each(|name| name.parse::<ModelSpec>().map(|_| ()))
        })?;
        Ok(Self::default())
    }

    /// The judges by their specifications.
    pub(super) fn models(&self) -> impl Iterator<Item = &Arc<dyn Model>> {
        self.slots.values().map(|slot| &slot.model)
    }

    /// What judging one answer can cost at most, with these tokens in the question and in the answer.
    pub(super) fn max_cost(&self, scorers: &[Arc<dyn Scorer>], asked: u64, answered: u64) -> Money {
        let judges = scorers.iter().flat_map(|s| s.judges());
        let dollars = judges.filter_map(|name| {
            let read = asked + answered + MAX_INSTRUCTION_TOKENS;
            let price = self.slots.get(name)?.model.price(read, MAX_REPLY_TOKENS)?;
            Some(price.0 * MAX_ASKS_PER_ANSWER)
        });
        Money::dollars(dollars.sum())
    }

    /// Judges that could not be asked about every answer, so far.
    #[must_use]
    pub fn lost_judges(&self) -> Vec<LostJudge> {
        let lost = self.slots.iter().map(|(name, slot)| {
            let state = slot.state();
            LostJudge {
                name: name.clone(),
                questions: state.unreached,
                reason: state.last.clone(),
            }
        });
        lost.filter(|judge| judge.questions > 0).collect()
    }
}

/// The panel during one answer.
pub(super) struct JudgeSession {
    panel: Arc<Panel>,
    cache: Option<Arc<CompletionCache>>,
    purse: Arc<Purse>,
    heard: Mutex<Heard>,
}

/// What asking judges about one answer came to.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The judges that could not be asked.
    pub unjudged: Vec<Unjudged>,
    /// US dollars that all took.
    pub spent: f64,
    /// Raw exchanges, where the run is recorded.
    pub asked: Vec<JudgeAsked>,
}

impl JudgeSession {
    pub(super) fn new(
        panel: Arc<Panel>,
        cache: Option<Arc<CompletionCache>>,
        purse: Arc<Purse>,
    ) -> Self {
        Self {
            panel,
            cache,
            purse,
            heard: Mutex::default(),
        }
    }

    /// Whether scorers may fetch files of their own.
    pub(super) fn may_fetch(&self) -> bool {
        self.panel.may_fetch
    }

    /// How programs run that answers write.
    pub(super) fn code(&self) -> Option<&Isolation> {
        self.panel.code.as_ref()
    }

    /// What came of asking, so far.
    pub(super) fn heard(&self) -> Heard {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *heard)
    }

    async fn reply(
        &self,
        name: &str,
        slot: &JudgeSlot,
        request: &Request,
        payment: &Payment<'_>,
    ) -> Result<Completion, ModelError> {
        let asked = async {
            let _place = slot.places.acquire().await;
            if let Some(error) = slot.state().given_up.clone() {
                return Err(error);
            }
            let reply = slot.model.answer_for(payment, request).await;
            let mut state = slot.state();
            match &reply {
                Ok(_) => {
                    state.patience.answered();
                    if !std::mem::replace(&mut state.has_answered, true) {
                        let more = slot.model.capabilities().concurrency.saturating_sub(1);
                        slot.places.add_permits(more);
                    }
                }
                Err(error) => {
                    if let Some(reason) = state.patience.record_failure(&Failure::from(error)) {
                        let reason = format!("gave up on the judge {name}: {reason}");
                        state.given_up = Some(ModelError::new(error.class, reason));
                    }
                }
            }
            reply
        };
        let key = RequestKey::new(&slot.model.identity().fingerprint, request, 0);
        match &self.cache {
            Some(cache) if slot.model.capabilities().cacheable => cache.answer(&key, asked).await,
            _ => asked.await,
        }
    }
}

#[async_trait]
impl AskJudge for JudgeSession {
    async fn ask(&self, judge: &str, request: &Request) -> Result<Completion, ModelError> {
        let slot = self.panel.slots.get(judge).ok_or_else(|| {
            ModelError::new(
                ErrorClass::Unsupported,
                format!("the judge {judge} is not open"),
            )
        })?;
        let payment = self.purse.payment();
        let reply = self.reply(judge, slot, request, &payment).await;
        let attempts = match &reply {
            Ok(reply) => &reply.attempts,
            Err(error) => &*error.attempts,
        };
        let spent = payment.settle(attempts);
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.spent += spent.unwrap_or(0.0);
        let exchanges = payment.exchanges();
        if !exchanges.is_empty() {
            let judge = judge.to_owned();
            heard.asked.push(JudgeAsked { judge, exchanges });
        }
        // What a recorded judge did not say, it will not say later either.
        if let Err(error) = &reply
            && error.class != ErrorClass::NotRecorded
        {
            let mut state = slot.state();
            state.unreached += 1;
            state.last.clone_from(&error.message);
            heard.unjudged.push(Unjudged {
                judge: judge.to_owned(),
                failure: Failure::from(error),
            });
        }
        reply
    }
}
