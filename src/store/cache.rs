//! The completion cache: one SQLite file per user, keyed by the request. A paid answer is never paid twice, two that are asked for at
//! once included.
//!
//! SQLite is never waited for on a task: reads go to the blocking pool, writes to a thread that takes what is waiting in one transaction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use crate::model::{Completion, Finish, ModelError, Origin, RequestKey};

/// Answers by request. Safe to share between tasks and, through SQLite's WAL, between processes.
pub struct CompletionCache {
    reader: Arc<Reader>,
    /// Answers that are not in the file yet.
    waiting: Arc<Waiting>,
    writer: Option<mpsc::Sender<(RequestKey, Arc<str>)>>,
    thread: Option<JoinHandle<()>>,
    /// Requests that are being asked: others asking the same wait for the answer.
    asking: Mutex<HashMap<RequestKey, Arc<tokio::sync::Mutex<()>>>>,
}

type Waiting = Mutex<HashMap<RequestKey, (Arc<str>, Timestamp)>>;

struct Reader {
    connection: Mutex<Connection>,
    path: PathBuf,
    /// Set when it could not be read: then it holds nothing, which is said once.
    broken: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CompletionCache {
    /// Opens or makes the cache file.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be opened, or is not a cache.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |e: &dyn std::fmt::Display| {
            StoreError::file("cannot open the completion cache", path, e)
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
        }
        let connect = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.execute_batch(
                "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 CREATE TABLE IF NOT EXISTS completions (key BLOB PRIMARY KEY, completion TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) WITHOUT ROWID;
                 SELECT key FROM completions LIMIT 1;",
            )?;
            Ok(connection)
        };
        let reader = Reader {
            connection: Mutex::new(connect().map_err(|e| failed(&e))?),
            path: path.to_path_buf(),
            broken: AtomicBool::new(false),
        };
        let waiting = Arc::new(Waiting::default());
        let (writer, queue) = mpsc::channel();
        let (connection, own) = (connect().map_err(|e| failed(&e))?, Arc::clone(&waiting));
        let place = path.to_path_buf();
        let thread = std::thread::Builder::new()
            .name("candor-cache".into())
            .spawn(move || write(connection, &place, &queue, &own))
            .map_err(|e| failed(&e))?;
        Ok(Self {
            reader: Arc::new(reader),
            waiting,
            writer: Some(writer),
            thread: Some(thread),
            asking: Mutex::default(),
        })
    }

    /// The answer to a request: the one that was given before, else the one asked for now, which is then kept. Where the same is being
    /// asked already, that answer is waited for.
    ///
    /// # Errors
    /// What `asked` gives.
    pub async fn answer(
        &self,
        key: &RequestKey,
        asked: impl Future<Output = Result<Completion, ModelError>>,
    ) -> Result<Completion, ModelError> {
        let turn = Arc::clone(locked(&self.asking).entry(*key).or_default());
        let held = turn.lock().await;
        let answer = match self.get(key).await {
            Some(known) => Ok(known),
            None => asked.await.inspect(|completion| {
                if completion.finish != Finish::Error {
                    self.put(key, completion);
                }
            }),
        };
        drop(held);
        let mut asking = locked(&self.asking);
        // Ours and the map's: nobody else waits for it.
        if Arc::strong_count(&turn) == 2 {
            asking.remove(key);
        }
        answer
    }

    /// The answer to a request, if it was asked before. A cache that cannot be read is a cache that holds nothing.
    async fn get(&self, key: &RequestKey) -> Option<Completion> {
        let waiting = locked(&self.waiting).get(key).cloned();
        let (text, given) = if let Some((text, given)) = waiting {
            (text.to_string(), Some(given))
        } else {
            let (reader, key) = (Arc::clone(&self.reader), *key);
            let read = tokio::task::spawn_blocking(move || reader.read(&key));
            let (text, created) = read.await.ok()??;
            (text, timestamp(&created))
        };
        let mut completion: Completion = serde_json::from_str(&text).ok()?;
        completion.origin = Origin::Cache;
        completion.given = given;
        Some(completion)
    }

    /// Keeps an answer that will be read back as it is.
    fn put(&self, key: &RequestKey, completion: &Completion) {
        let text = serde_json::to_string(completion)
            .ok()
            .filter(|text| serde_json::from_str::<Completion>(text).is_ok());
        let (Some(text), Some(writer)) = (text, &self.writer) else {
            return;
        };
        let text: Arc<str> = text.into();
        locked(&self.waiting).insert(*key, (Arc::clone(&text), Timestamp::now()));
        let _ = writer.send((*key, text));
    }
}

impl Drop for CompletionCache {
    fn drop(&mut self) {
        self.writer = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Reader {
    fn read(&self, key: &RequestKey) -> Option<(String, String)> {
        if self.broken.load(Ordering::Relaxed) {
            return None;
        }
        let connection = locked(&self.connection);
        let found = connection
            .prepare_cached("SELECT completion, created FROM completions WHERE key = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row(params![key.as_bytes().as_slice()], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()
            });
        found.unwrap_or_else(|e| {
            if !self.broken.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "the completion cache {} cannot be read ({e}); the run continues without it",
                    self.path.display()
                );
            }
            None
        })
    }
}

/// When an answer was stored, as SQLite writes it: UTC, to the millisecond (to the second in earlier versions).
fn timestamp(created: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", created).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// How long a batch waits for a file that another process holds, and how long the last one does, which ends the run.
const PATIENCE: Duration = Duration::from_millis(200);
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Maximum number of answers taken from the queue at once.
const BATCH: usize = 256;

/// Writes what waits until nobody can add to it. While another process holds the file, answers pile up, and are known all the same.
fn write(
    mut connection: Connection,
    path: &Path,
    queue: &mpsc::Receiver<(RequestKey, Arc<str>)>,
    waiting: &Waiting,
) {
    let mut backlog = Vec::new();
    let mut kept = |backlog: &mut Vec<(RequestKey, Arc<str>)>, patience: Duration| {
        connection.busy_timeout(patience)?;
        insert(&mut connection, backlog)?;
        let mut waiting = locked(waiting);
        for (key, _) in backlog.drain(..) {
            waiting.remove(&key);
        }
        Ok(())
    };
    while let Ok(first) = queue.recv() {
        backlog.push(first);
        backlog.extend(queue.try_iter().take(BATCH));
        match kept(&mut backlog, PATIENCE) {
            Err(e) if !is_busy(&e) => break,
            _ => {}
        }
    }
    if !backlog.is_empty()
        && let Err(e) = kept(&mut backlog, LAST_PATIENCE)
    {
        tracing::warn!(
            "the completion cache {} cannot be written ({e}); answers of this run are no longer cached",
            path.display()
        );
    }
}

fn insert(connection: &mut Connection, batch: &[(RequestKey, Arc<str>)]) -> rusqlite::Result<()> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for (key, text) in batch {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO completions (key, completion, created) VALUES \
                (?1, ?2, strftime('%Y-%m-%d %H:%M:%f', 'now'))",
            )?
            .execute(params![key.as_bytes().as_slice(), &**text])?;
    }
    transaction.commit()
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::model::{Parameters, Prompt, Request, SampleRef, Wanted};

    fn key(prompt: &str) -> RequestKey {
        let request = Request {
            prompt: Prompt::Text(prompt.into()),
            parameters: Parameters::default(),
            wanted: Wanted::Generate,
            about: SampleRef::default(),
        };
        RequestKey::new("model", &request, 0)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_request_asked_ten_times_at_once_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("completions.sqlite");
        let cache = CompletionCache::open(&path).unwrap();
        let asked = AtomicU32::new(0);
        let ask = || async {
            cache
                .answer(&key("the same"), async {
                    asked.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    Ok(Completion::text("an answer"))
                })
                .await
                .unwrap()
        };
        let answers = futures::future::join_all((0..10).map(|_| ask())).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let live = answers.iter().filter(|a| a.origin == Origin::Live).count();
        assert_eq!(live, 1, "the others say that they were known");
        assert!(locked(&cache.asking).is_empty());
        drop(cache);
        let again = CompletionCache::open(&path).unwrap();
        let known = again.get(&key("the same")).await.unwrap();
        let age = Timestamp::now().duration_since(known.given.unwrap());
        assert!(age.as_secs().abs() < 60, "it says when it was given");
    }

    #[tokio::test]
    async fn an_answer_that_json_cannot_hold_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CompletionCache::open(&folder.path().join("c.sqlite")).unwrap();
        let mut wrong = Completion::text("");
        wrong.continuations.push(crate::model::ContinuationScore {
            log_likelihood: f64::NAN,
            is_greedy: false,
            tokens: 1,
        });
        let _ = cache.answer(&key("q"), async { Ok(wrong) }).await;
        assert!(cache.get(&key("q")).await.is_none());
    }

    #[test]
    fn a_file_that_is_not_a_cache_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("completions.sqlite");
        std::fs::write(
            &path,
            "not a database, but long enough to be read as one".repeat(40),
        )
        .unwrap();
        assert!(CompletionCache::open(&path).is_err());
    }
}
