//! Why a run directory cannot be read or written.

use std::path::Path;

/// Why a run directory cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The path is not a run directory.
    #[error("{path} is not a run directory: {reason}")]
    NotARun {
        /// The directory.
        path: String,
        /// What is missing.
        reason: String,
    },
    /// A run is not what it should be to be merged with others.
    #[error("{path} cannot be merged: {reason}")]
    NotShards {
        /// The directory.
        path: String,
        /// What sets it apart.
        reason: String,
    },
    /// The path is an address of another kind of store.
    #[error(
        "{address} is on a network store that candor does not reach: run directories are on file systems and on S3-compatible stores, as s3://BUCKET/PREFIX. Many stores \
         have an interface of S3, which AWS_ENDPOINT_URL names; to others copy a local directory when the run has ended, e.g. `rclone sync DIR REMOTE:…`"
    )]
    OnNetwork {
        /// The address.
        address: String,
    },
    /// The path begins as the address of an S3-compatible store and is none.
    #[error("{address} is not an address: {reason}. Write s3://BUCKET/PREFIX")]
    NotAnAddress {
        /// As written.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A store on the network does not do what it was asked.
    #[error("cannot {action} {address}: {reason}. {remedy}")]
    Bucket {
        /// What was tried.
        action: &'static str,
        /// The run or the object.
        address: String,
        /// Why it failed.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// Another process has taken over the run on a store that this process was writing.
    #[error(
        "{path} was taken over by {holder} while this process gave no sign of life. It stops here; what the other process does not have, it asks again"
    )]
    TakenOver {
        /// The run.
        path: String,
        /// Who has it.
        holder: String,
    },
    /// The directory contains a run already, or files that a new one would overwrite.
    #[error("{path}: {reason}")]
    Occupied {
        /// The directory.
        path: String,
        /// What is there, and what to do.
        reason: String,
    },
    /// Another process writes the run.
    #[error(
        "{path} is in use by {holder}; wait until it ends or stop it, or name another directory"
    )]
    Locked {
        /// The directory.
        path: String,
        /// Who has it.
        holder: String,
    },
    /// A run has lost something that was in it.
    #[error("{path}: {what}. {remedy}")]
    Lost {
        /// The file.
        path: String,
        /// What is gone.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A file to be written is one that the command reads, or one of a run's own.
    #[error("{path} is {whose} and must not be overwritten; name another file")]
    NotForOutput {
        /// The file.
        path: String,
        /// What it is.
        whose: String,
    },
    /// A trial that would not be read back as it is.
    #[error("cannot record the trial: {reason}")]
    NotReadable {
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{action} {path}: {reason}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// Why it failed.
        reason: String,
    },
    /// A pinned run is not what it was.
    #[error(
        "the run {path} is not the one pinned as '{name}': its tables have changed since. Restore it, or pin it again with `candor baseline set {name} {path}`"
    )]
    NotPinned {
        /// The baseline's name.
        name: String,
        /// The run.
        path: String,
    },
    /// A column of a table is not what it should be.
    #[error(
        "the tables of the run cannot be read: column {name}: {reason}. `candor score RUN` rewrites the scores"
    )]
    Column {
        /// The column.
        name: String,
        /// Why.
        reason: String,
    },
    /// A frame cannot be made or read.
    #[error("the table {path} cannot be {action}: {reason}")]
    Frame {
        /// Written or read.
        action: &'static str,
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl StoreError {
    pub(super) fn rescored_lost(path: &Path) -> Self {
        Self::Lost {
            path: path.display().to_string(),
            what: "the file is missing, but holds the scores that `candor score` gave this run"
                .into(),
            remedy: "Restore it from a copy, or rescore the answers with `candor score \
                RUN` (with -s for scorers other than the suites' own)"
                .into(),
        }
    }

    pub(super) fn file(action: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> Self {
        Self::File {
            action,
            path: path.display().to_string(),
            reason: reason.to_string(),
        }
    }
}
