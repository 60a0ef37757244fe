//! The run directory: manifest, journal, Parquet, and the completion cache.
//!
//! The journal is the truth while a run lives; Parquet is written from it when the run ends, and read back as [`Table`]s.

mod baseline;
mod cache;
pub mod column;
mod directory;
mod error;
mod frames;
mod journal;
mod labels;
mod manifest;
mod record;
mod replace;
mod table;

pub use baseline::{BASELINES, Baseline, Baselines};
pub use cache::CompletionCache;
pub use directory::RunDirectory;
pub use error::StoreError;
pub use frames::{SCORES, TRIALS, stratum_column};
pub use journal::{JournalWriter, read_journal};
pub use labels::{TrialLabel, append_label, read_labels};
pub use manifest::{Manifest, ModelRecord, RunStatus, Shard, SuiteRecord};
pub use record::{Failure, TrialKey, TrialRecord, TrialStatus};
pub use table::{Filter, Floats, Parts, Reading, Table, Texts, Wholes};
