//! The judges of a run: opened once, asked at most as many things at once as each can take, and never asked the same thing twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::engine::{known_or, millionths};
use super::plan::PlanError;
use crate::model::{
    self, Completion, ErrorClass, Model, ModelError, ModelSpec, OpenOptions, Origin, Request,
    RequestKey,
};
use crate::score::{AskJudge, Scorer};
use crate::store::CompletionCache;

/// A judge and its places.
struct Seat {
    model: Arc<dyn Model>,
    places: Semaphore,
}

/// The judges that a run's scorers name.
#[derive(Default)]
pub struct Panel {
    seats: BTreeMap<String, Seat>,
    /// Spent on judges since it was last asked, in millionths of a dollar.
    spent: AtomicU64,
}

impl Panel {
    /// Opens every judge that a scorer names.
    ///
    /// # Errors
    /// [`PlanError`] where one cannot be opened: without its judge a figure would be another. [`PlanError::NotNamed`] where a suite
    /// would send questions, answers or a key to where nobody agreed to.
    pub async fn open(
        scorers: impl Iterator<Item = &Box<dyn Scorer>>,
        options: &OpenOptions,
    ) -> Result<Self, PlanError> {
        let mut seats = BTreeMap::new();
        for name in scorers.flat_map(|s| s.judges()) {
            if seats.contains_key(name) {
                continue;
            }
            let spec: ModelSpec = name.parse()?;
            let spec = options.named.judge(&spec)?;
            let model = model::open(&spec, options)
                .await
                .map_err(PlanError::Model)?;
            let places = Semaphore::new(model.capabilities().concurrency.max(1));
            seats.insert(name.clone(), Seat { model, places });
        }
        Ok(Self {
            seats,
            spent: AtomicU64::new(0),
        })
    }

    /// Whether every judge that a scorer names can be read as a specification; none is opened.
    ///
    /// # Errors
    /// [`PlanError::Spec`] where one cannot.
    pub fn check<'a>(
        mut scorers: impl Iterator<Item = &'a Box<dyn Scorer>>,
    ) -> Result<Self, PlanError> {
        scorers.try_for_each(|scorer| {
            let mut judges = scorer.judges().iter();
            judges.try_for_each(|name| name.parse::<ModelSpec>().map(|_| ()))
        })?;
        Ok(Self::default())
    }

    /// The panel with the cache of what it was asked before.
    #[must_use]
    pub fn with<'a>(&'a self, cache: Option<&'a CompletionCache>) -> Bench<'a> {
        Bench { panel: self, cache }
    }

    /// What was spent since this was last asked, in US dollars.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn take_spent(&self) -> f64 {
        self.spent.swap(0, Ordering::Relaxed) as f64 / 1e6
    }
}

/// A panel in session.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    panel: &'a Panel,
    cache: Option<&'a CompletionCache>,
}

#[async_trait]
impl AskJudge for Bench<'_> {
    async fn ask(&self, judge: &str, request: &Request) -> Result<Completion, ModelError> {
        let seat = self.panel.seats.get(judge).ok_or_else(|| {
            ModelError::new(
                ErrorClass::Unsupported,
                format!("the judge {judge} is not open"),
            )
        })?;
        let key = RequestKey::new(&seat.model.identity().fingerprint, request, 0);
        let cache = self.cache.filter(|_| seat.model.capabilities().cacheable);
        let asked = async {
            let _place = seat.places.acquire().await;
            seat.model.generate(request).await
        };
        let reply = known_or(cache, &key, asked).await?;
        if let Some(cost) = reply.cost.filter(|_| reply.origin == Origin::Live) {
            let millionths = millionths(cost.0);
            self.panel.spent.fetch_add(millionths, Ordering::Relaxed);
        }
        Ok(reply)
    }
}
