//! Scoring away from the tasks that ask: the pool of blocking threads, a core each, so that no answer waits for another's score.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::panel::{Heard, JudgeSession, Panel};
use super::purse::Purse;
use crate::model::{Completion, Prompt};
use crate::score::{NOT_SCORED, OtherSide, Score, ScoreContext, ScoreError, Scorer};
use crate::store::CompletionCache;
use crate::suite::Sample;

/// A suite's scorers, shared by all its trials.
pub type Scorers = Arc<[Arc<dyn Scorer>]>;

/// An answer to be scored, with all that scorers may look at.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub suite: String,
    pub sample: Sample,
    pub prompt: Prompt,
    pub model: String,
    pub completion: Completion,
    /// What the same model said on the other side of the pair, where that is known: not while a run is in progress.
    pub other_side: Option<OtherSide>,
}

impl Answer {
    /// Whether it is so short that reading it through takes no time.
    fn is_short(&self) -> bool {
        self.completion.text.len() <= MAX_INLINE_BYTES
    }
}

/// Bytes of a short answer.
const MAX_INLINE_BYTES: usize = 64 << 10;

/// What scoring gave.
#[derive(Debug, Default)]
pub(super) struct Scored {
    pub scores: Vec<Score>,
    /// What judges were asked for them.
    pub heard: Heard,
}

/// Scores answers.
pub(super) struct Scoring {
    panel: Arc<Panel>,
    cache: Option<Arc<CompletionCache>>,
    places: Arc<Semaphore>,
}

impl Scoring {
    pub(super) fn new(panel: Arc<Panel>, cache: Option<Arc<CompletionCache>>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            panel,
            cache,
            places: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Every score of an answer; judges are paid from the purse. A scorer that cannot judge says so in a score without a value.
    pub(super) async fn score(
        &self,
        scorers: &Scorers,
        answer: &Arc<Answer>,
        purse: &Arc<Purse>,
    ) -> Scored {
        let (panel, purse) = (Arc::clone(&self.panel), Arc::clone(purse));
        let session = Arc::new(JudgeSession::new(panel, self.cache.clone(), purse));
        let mut scores = Vec::new();
        for (index, scorer) in scorers.iter().enumerate() {
            let given = match scorer.as_judge() {
                None if scorer.is_quick() && answer.is_short() => at_once(|| {
                    scorer.score(
                        &answer.sample,
                        &answer.completion,
                        &context(answer, &session),
                    )
                }),
                None => self.on_a_core(scorers, index, answer, &session).await,
                // Judges are waited for, which takes no core.
                Some(judge) => judge
                    .judge(
                        &answer.sample,
                        &answer.completion,
                        &context(answer, &session),
                    )
                    .await
                    .map_err(|e| e.to_string()),
            };
            scores.extend(given.map_or_else(
                |reason| vec![not_scored(scorer.as_ref(), reason)],
                |given| {
                    given
                        .into_iter()
                        .map(|s| finite(scorer.as_ref(), s))
                        .collect()
                },
            ));
        }
        Scored {
            scores,
            heard: session.heard(),
        }
    }

    async fn on_a_core(
        &self,
        scorers: &Scorers,
        index: usize,
        answer: &Arc<Answer>,
        session: &Arc<JudgeSession>,
    ) -> Result<Vec<Score>, String> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let (scorers, answer, session) =
            (Arc::clone(scorers), Arc::clone(answer), Arc::clone(session));
        let scored = tokio::task::spawn_blocking(move || {
            let _place = place;
            let context = context(&answer, &session);
            scorers[index].score(&answer.sample, &answer.completion, &context)
        });
        match scored.await {
            Ok(scores) => scores.map_err(|e| e.to_string()),
            Err(panic) => Err(failed(&panic)),
        }
    }

    /// Compiles and loads what scorers need, before the first request is timed. What fails here fails again, and is told, at the first
    /// answer.
    pub(super) async fn prepare(&self, scorers: &Scorers) {
        let scorers = Arc::clone(scorers);
        let all = move || scorers.iter().for_each(|scorer| scorer.prepare());
        let _ = tokio::task::spawn_blocking(all).await;
    }
}

/// A score that is given on the spot. A panic costs this score and nothing else, as it does on another thread.
fn at_once(score: impl FnOnce() -> Result<Vec<Score>, ScoreError>) -> Result<Vec<Score>, String> {
    match catch_unwind(AssertUnwindSafe(score)) {
        Ok(scores) => scores.map_err(|e| e.to_string()),
        Err(_) => Err(failed(&"it panicked")),
    }
}

fn failed(why: &dyn Display) -> String {
    format!("the scorer failed, which is a bug in candor: {why}")
}

fn context<'a>(answer: &'a Answer, session: &'a JudgeSession) -> ScoreContext<'a> {
    ScoreContext {
        suite: &answer.suite,
        prompt: &answer.prompt,
        model: &answer.model,
        may_fetch: session.may_fetch(),
        code: session.code(),
        other_side: answer.other_side.as_ref(),
        judges: session,
    }
}

fn not_scored(scorer: &dyn Scorer, reason: String) -> Score {
    Score {
        label: Some(NOT_SCORED.into()),
        explanation: Some(reason),
        ..Score::new(scorer, scorer.metrics()[0].name)
    }
}

/// A value that is not a number is none.
fn finite(scorer: &dyn Scorer, score: Score) -> Score {
    if score.value.is_none_or(f64::is_finite) && score.confidence.is_none_or(f64::is_finite) {
        return score;
    }
    Score {
        metric: score.metric,
        ..not_scored(scorer, "its value is not a number".into())
    }
}
