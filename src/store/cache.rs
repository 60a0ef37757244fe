//! The completion cache: one SQLite file a user, keyed by the request. A paid answer is never paid twice.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use crate::model::{Completion, Origin, RequestKey};

/// Answers by request. Safe to share between tasks and, through SQLite's WAL, between processes.
pub struct CompletionCache {
    connection: Mutex<Connection>,
}

impl CompletionCache {
    /// Opens or makes the cache file.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |e: &dyn std::fmt::Display| {
            StoreError::file("cannot open the completion cache", path, e)
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
        }
        let connection = Connection::open(path).map_err(|e| failed(&e))?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
                 CREATE TABLE IF NOT EXISTS completions (key BLOB PRIMARY KEY, completion TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) WITHOUT ROWID;",
            )
            .map_err(|e| failed(&e))?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// The answer to a request, if it was asked before. A cache that cannot be read is a cache that holds nothing.
    #[must_use]
    pub fn get(&self, key: &RequestKey) -> Option<Completion> {
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found: Result<Option<String>, _> = connection
            .query_row(
                "SELECT completion FROM completions WHERE key = ?1",
                params![key.as_bytes().as_slice()],
                |row| row.get(0),
            )
            .optional();
        let text = found
            .inspect_err(|e| tracing::warn!("the completion cache cannot be read: {e}"))
            .ok()??;
        let mut completion: Completion = serde_json::from_str(&text).ok()?;
        completion.origin = Origin::Cache;
        Some(completion)
    }

    /// Keeps an answer.
    pub fn put(&self, key: &RequestKey, completion: &Completion) {
        let Ok(text) = serde_json::to_string(completion) else {
            return;
        };
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Err(e) = connection.execute(
            "INSERT OR REPLACE INTO completions (key, completion) VALUES (?1, ?2)",
            params![key.as_bytes().as_slice(), text],
        ) {
            tracing::warn!("the completion cache cannot be written: {e}");
        }
    }
}
