//! The right to write a run directory, wherever it is.

use std::path::{Path, PathBuf};

use super::address::Address;
use super::bucket::{self, Gaps, Upload};
use super::error::StoreError;
use super::lock::RunLock;

/// The right to write a run, until it is dropped: the lock of its folder, and of a run on a store the store's, with what sends it there.
#[derive(Debug)]
pub(super) struct WriteAccess {
    // Dropped first: what is sent last is read from the folder.
    upload: Option<Upload>,
    _lock: RunLock,
}

impl WriteAccess {
    /// The right to write a folder of this machine, under its lock.
    pub(super) fn of_folder(lock: RunLock) -> Self {
        Self {
            upload: None,
            _lock: lock,
        }
    }

    /// The right to begin a run at an address, and the working copy that it is begun in.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it, [`StoreError::Occupied`] if a run is there.
    pub(super) fn begin(address: &Address) -> Result<(PathBuf, Self), StoreError> {
        Self::at(address, bucket::begin)
    }

    /// The right to resume the run at an address, and its working copy.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it, [`StoreError::NotARun`] if none is there, [`StoreError::Lost`] if parts of its
    /// journal are gone and `gaps` refuses that.
    pub(super) fn resume(address: &Address, gaps: Gaps) -> Result<(PathBuf, Self), StoreError> {
        Self::at(address, |address, folder| {
            bucket::resume(address, folder, gaps)
        })
    }

    fn at(
        address: &Address,
        open: impl FnOnce(&Address, &Path) -> Result<Upload, StoreError>,
    ) -> Result<(PathBuf, Self), StoreError> {
        let folder = address.folder();
        bucket::make(&folder)?;
        let lock = RunLock::take(&folder).map_err(|error| match error {
            StoreError::Locked { holder, .. } => StoreError::Locked {
                path: address.to_string(),
                holder,
            },
            other => other,
        })?;
        let access = Self {
            upload: Some(open(address, &folder)?),
            _lock: lock,
        };
        Ok((folder, access))
    }

    /// Whether the run is still this process's to write.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] if it is not.
    pub(super) fn still_held(&self) -> Result<(), StoreError> {
        self.upload.as_ref().map_or(Ok(()), Upload::still_held)
    }

    /// Sends what a store does not have yet. Nothing is to be done for a folder of this machine.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be sent.
    pub(super) fn publish(&self) -> Result<(), StoreError> {
        self.upload.as_ref().map_or(Ok(()), Upload::publish)
    }
}
