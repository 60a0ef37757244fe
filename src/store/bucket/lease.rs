//! The lock of a run on a store: an object that its writer replaces every few seconds. One that has stopped changing is a dead writer's,
//! and may be taken over; its writer, should it wake up, finds that it has been.
//!
//! No clocks are compared: whoever wants the lock watches it. Every write asks the store that nothing else has been written in between, so
//! that of two who try at once one succeeds.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::client::{Objects, Put, Where};
use super::known::Tag;
use crate::store::error::StoreError;
use crate::store::lock::{Holder, LOCK};
use crate::text::visible_line;

/// How often a writer gives a sign of life.
pub(super) const BEAT: Duration = Duration::from_secs(5);
/// How long a lock must stay as it is to be a dead writer's.
const SILENCE: Duration = Duration::from_secs(30);
/// How often a lock that is watched is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes of a lock at most.
const LIMIT: u64 = 1 << 16;

/// What is in the object.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sign {
    #[serde(flatten)]
    holder: Holder,
    /// Names this lease, as no other one is named.
    id: String,
    /// Parts of the journal that are on the store.
    parts: u64,
    /// Signs of life so far.
    beat: u64,
}

/// A lock that this process has.
pub(super) struct Lease {
    sign: RefCell<Sign>,
    tag: Cell<Tag>,
    /// Parts that the writer before had written.
    pub promised: u64,
}

/// A lock as it was found.
struct Found {
    sign: Option<Sign>,
    tag: Tag,
}

impl Found {
    async fn read(objects: &Objects) -> Result<Option<Self>, StoreError> {
        let object = objects.read(LOCK, LIMIT).await?;
        Ok(object.map(|(text, tag)| Self {
            sign: serde_json::from_slice(&text).ok(),
            tag,
        }))
    }

    fn id(&self) -> Option<&str> {
        self.sign.as_ref().map(|sign| sign.id.as_str())
    }

    fn parts(&self) -> u64 {
        self.sign.as_ref().map_or(0, |sign| sign.parts)
    }

    fn holder(&self) -> String {
        let holder = self.sign.as_ref().map(|sign| sign.holder.to_string());
        holder.map_or_else(
            || "another process".into(),
            |holder| visible_line(&holder).into_owned(),
        )
    }
}

/// Parts of the journal that the lock, if there is one, says are on the store.
pub(super) async fn promised(objects: &Objects) -> Result<u64, StoreError> {
    Ok(Found::read(objects).await?.map_or(0, |found| found.parts()))
}

impl Lease {
    /// Takes the lock. One that is there is watched, and taken over where it does not change; `dead` names one whose writer is known to have
    /// ended.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it and lives.
    pub(super) async fn take(objects: &Objects, dead: Option<&str>) -> Result<Self, StoreError> {
        let mut sign = Sign {
            holder: Holder::own(),
            id: blake3::Hash::from_bytes(rand::random())
                .to_hex()
                .to_string(),
            parts: 0,
            beat: 0,
        };
        loop {
            let Some(found) = Found::read(objects).await? else {
                match sign.put(objects, Where::Nothing).await? {
                    Put::Done(tag) => return Ok(Self::of(sign, tag)),
                    Put::Refused => continue,
                }
            };
            if found.id() == Some(sign.id.as_str()) {
                // The reply to the write before was lost.
                return Ok(Self::of(sign, found.tag));
            }
            let known_dead = dead.is_some() && found.id() == dead;
            if !known_dead {
                watch(objects, &found).await?;
            }
            sign.parts = found.parts();
            let taken = sign.put(objects, Where::Tagged(found.tag.clone())).await?;
            if let Put::Done(tag) = taken {
                tracing::warn!(
                    "{}: taken over from {}, which gave no sign of life",
                    objects.address(),
                    found.holder()
                );
                return Ok(Self::of(sign, tag));
            }
        }
    }

    fn of(sign: Sign, tag: Tag) -> Self {
        Self {
            promised: sign.parts,
            sign: RefCell::new(sign),
            tag: Cell::new(tag),
        }
    }

    /// What names it.
    pub(super) fn id(&self) -> String {
        self.sign.borrow().id.clone()
    }

    /// Writes down with the next sign of life how many parts there are.
    pub(super) fn promise(&self, parts: u64) {
        self.sign.borrow_mut().parts = parts;
    }

    /// Does something while giving signs of life.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] as soon as somebody else has the lock; what is being done is then dropped.
    pub(super) async fn during<T>(
        &self,
        objects: &Objects,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        tokio::select! {
            lost = self.keep(objects) => Err(lost),
            done = work => done,
        }
    }

    /// Gives signs of life until the lock is lost. A store that is not reached for a while takes nothing from anybody.
    async fn keep(&self, objects: &Objects) -> StoreError {
        loop {
            tokio::time::sleep(BEAT).await;
            match self.beat(objects).await {
                Ok(()) => {}
                Err(lost @ StoreError::TakenOver { .. }) => return lost,
                Err(error) => tracing::debug!("{error}"),
            }
        }
    }

    async fn beat(&self, objects: &Objects) -> Result<(), StoreError> {
        let sign = {
            let mut sign = self.sign.borrow_mut();
            sign.beat += 1;
            sign.clone()
        };
        let tag = self.tag.take();
        self.tag.set(tag.clone());
        if let Put::Done(tag) = sign.put(objects, Where::Tagged(tag)).await? {
            self.tag.set(tag);
            return Ok(());
        }
        match Found::read(objects).await? {
            // The reply to the sign before was lost.
            Some(found) if found.id() == Some(sign.id.as_str()) => self.tag.set(found.tag),
            Some(found) => return Err(taken_over(objects, found.holder())),
            None => return Err(taken_over(objects, "somebody who removed its lock".into())),
        }
        Ok(())
    }

    /// Gives the lock back, if it is still this one.
    pub(super) async fn release(&self, objects: &Objects) -> Result<(), StoreError> {
        let found = Found::read(objects).await?;
        if found.is_some_and(|found| found.id() == Some(self.id().as_str())) {
            objects.remove(LOCK).await?;
        }
        Ok(())
    }
}

impl Sign {
    async fn put(&self, objects: &Objects, over: Where) -> Result<Put, StoreError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        objects.put(LOCK, text, over).await
    }
}

/// That the lock is somebody else's now.
pub(super) fn taken_over(objects: &Objects, holder: String) -> StoreError {
    StoreError::TakenOver {
        path: objects.address().to_string(),
        holder,
    }
}

/// Returns once a lock has not changed for so long that its writer is dead.
async fn watch(objects: &Objects, found: &Found) -> Result<(), StoreError> {
    tracing::warn!(
        "{} is locked by {}; waiting {} s for a sign of life",
        objects.address(),
        found.holder(),
        SILENCE.as_secs()
    );
    let since = Instant::now();
    while since.elapsed() < SILENCE {
        tokio::time::sleep(LOOK).await;
        match Found::read(objects).await? {
            None => return Ok(()),
            Some(now) if now.tag == found.tag => {}
            Some(now) => {
                return Err(StoreError::Locked {
                    path: objects.address().to_string(),
                    holder: format!("{}, which is alive", now.holder()),
                });
            }
        }
    }
    Ok(())
}
