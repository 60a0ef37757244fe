//! The run directory: manifest, journal, Parquet, and the completion cache.
//!
//! The journal is the truth; Parquet is written from it when a run ends, whenever the two no longer belong together, and read back as
//! [`Table`]s. Scores given later are in a journal of their own, and take precedence.

mod access;
mod address;
mod baseline;
mod bucket;
mod cache;
pub mod column;
mod directory;
mod error;
mod frames;
mod journal;
mod labels;
mod lock;
mod manifest;
mod merge;
mod own_files;
mod record;
mod recording;
mod replace;
mod rescored;
mod seal;
mod shards;
mod table;
mod tail;
mod traffic;

pub use address::{is_on_a_store, working_folder};
pub use baseline::{BASELINES, Baseline, Baselines};
pub use bucket::{fetched, send_report};
pub use cache::CompletionCache;
pub use directory::{Records, RunDirectory};
pub use error::StoreError;
pub use frames::{SCORES, TRIALS, stratum_column};
pub use journal::{JournalLine, JournalReader, JournalWriter, Written, read_journal, read_record};
pub use labels::{TrialLabel, append_label, read_labels, write_labels};
pub use manifest::{CachedAnswers, Manifest, ModelRecord, RouteOf, RunStatus, Shard, SuiteRecord};
pub use own_files::{BATCHES, Output, may_be_written};
pub use record::{Failure, ROUTE, TrialKey, TrialRecord, TrialStatus, Unjudged};
pub use recording::{JudgeAsked, Recording};
pub use rescored::RescoredSuite;
pub use shards::{ShardGap, Shards, is_a_run, local_copies, missing_shards, runs_at};
pub use table::{Filter, Floats, Parts, Reading, Table, Texts, Wholes};
pub use tail::JournalTail;
pub use traffic::{LimitHistory, ServerTraffic, TrafficLog};
