//! Run directories on S3-compatible stores. What is at an address has a working copy on this machine, which everything else of candor
//! reads and writes as any run directory; here is what brings the two together.
//!
//! Below the address, the files of a run are objects of their own names. The journal is in parts, `journal/00000001.jsonl` and on, each
//! written once; `.lock` is the writer's.

mod client;
mod known;
mod lease;
mod part;
mod pull;
mod push;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use self::client::Objects;
use self::known::Known;
use self::lease::Lease;
use self::pull::{clear, is_a_run, pull};
use super::address::Address;
use super::error::StoreError;
use super::lock::RunLock;
use super::own_files::{MANIFEST, REPORT, no_links};

pub(super) use self::pull::Gaps;
pub(super) use self::push::Upload;

/// Makes an empty working copy of an address where there is no run yet. The copy's lock must be held.
///
/// # Errors
/// [`StoreError::Occupied`] if a run is there, [`StoreError::Locked`] if another process begins one, [`StoreError::Bucket`] if the store
/// cannot be used.
pub(super) fn begin(address: &Address, folder: &Path) -> Result<Upload, StoreError> {
    let _copy = hold(folder)?;
    let dead = Known::read(folder).lease;
    let lease = wait_for(async || {
        let objects = Objects::open(address)?;
        vacant(&objects).await?;
        let lease = Lease::take(&objects, dead.as_deref()).await?;
        // Another process may have begun and ended meanwhile.
        match lease.during(&objects, vacant(&objects)).await {
            Ok(()) => Ok(lease),
            Err(error) => {
                lease.release(&objects).await?;
                Err(error)
            }
        }
    })?;
    clear(folder)?;
    Upload::start(
        address.clone(),
        folder.to_path_buf(),
        Known::default(),
        lease,
    )
}

/// Makes the working copy of a run the one that is on the store, and takes the run's lock. The copy's lock must be held.
///
/// # Errors
/// [`StoreError::NotARun`] if none is there, [`StoreError::Locked`] if another process writes it, [`StoreError::Lost`] if parts of the
/// journal are gone and `gaps` refuses that, [`StoreError::Bucket`] if the store cannot be used.
pub(super) fn resume(address: &Address, folder: &Path, gaps: Gaps) -> Result<Upload, StoreError> {
    let _copy = hold(folder)?;
    let mut known = Known::read(folder);
    let dead = known.lease.clone();
    let (lease, known) = wait_for(async || {
        let objects = Objects::open(address)?;
        if !is_a_run(&objects.list().await?) {
            return Err(no_run(address));
        }
        let lease = Lease::take(&objects, dead.as_deref()).await?;
        let promised = lease.promised;
        let pulled = pull(&objects, folder, &mut known, promised, gaps);
        match lease.during(&objects, pulled).await {
            Ok(()) => Ok((lease, known)),
            Err(error) => {
                lease.release(&objects).await?;
                Err(error)
            }
        }
    })?;
    Upload::start(address.clone(), folder.to_path_buf(), known, lease)
}

/// The working copy of a run, made the one that is on the store. Where a process of this machine writes the run, its copy is the newer one,
/// and is left to it.
///
/// # Errors
/// [`StoreError::NotARun`] if none is there, [`StoreError::Lost`] if a part of the journal is missing or damaged, [`StoreError::Bucket`]
/// if the store cannot be used.
pub(super) fn read(address: &Address) -> Result<PathBuf, StoreError> {
    let folder = address.folder();
    make(&folder)?;
    if RunLock::is_held(&folder) {
        return Ok(folder);
    }
    let _copy = hold(&folder)?;
    // A writer may have begun while this process waited.
    if RunLock::is_held(&folder) {
        return Ok(folder);
    }
    let mut known = Known::read(&folder);
    wait_for(async || {
        let objects = Objects::open(address)?;
        // Before the parts are listed, of which there may be more by then.
        let promised = lease::promised(&objects).await?;
        pull(&objects, &folder, &mut known, promised, Gaps::Refused).await
    })?;
    Ok(folder)
}

/// Whether a run is at an address.
///
/// # Errors
/// [`StoreError::Bucket`] if the store does not say.
pub(super) fn has_run(address: &Address) -> Result<bool, StoreError> {
    wait_for(async || {
        let (objects, _) = Objects::open(address)?.below().await?;
        Ok(objects.iter().any(|name| pull::is_manifest(name)))
    })
}

/// The runs directly below an address; none if the address is a run itself, or cannot be listed.
pub(super) fn runs_below(address: &Address) -> Vec<PathBuf> {
    let found = wait_for(async || {
        let (objects, folders) = Objects::open(address)?.below().await?;
        let mut runs = Vec::new();
        if objects.iter().any(|name| pull::is_manifest(name)) {
            return Ok(runs);
        }
        for name in folders {
            let run = address.below(&name);
            let Some(folder) = Address::of(&run)? else {
                continue;
            };
            let (objects, _) = Objects::open(&folder)?.below().await?;
            if objects.iter().any(|name| pull::is_manifest(name)) {
                runs.push(run);
            }
        }
        Ok(runs)
    });
    found.unwrap_or_default()
}

/// Sends a report, written into the working copy of a run or of a folder of runs, to the store; nothing is to be done elsewhere.
///
/// # Errors
/// [`StoreError::Bucket`] if it cannot be sent.
pub fn send_report(run: &Path) -> Result<(), StoreError> {
    let Some(address) = Address::of(run)? else {
        return Ok(());
    };
    let folder = address.folder();
    wait_for(async || {
        let objects = Objects::open(&address)?;
        for name in push::report_files(&folder).iter().map(String::as_str) {
            objects.upload(name, &folder.join(name)).await?;
        }
        objects.upload(REPORT, &folder.join(REPORT)).await?;
        Ok(())
    })
}

/// A copy of a file that is at an address of a store; none where the path is one of this machine.
///
/// # Errors
/// [`StoreError::Bucket`] if the store does not give it.
pub fn fetched(path: &Path) -> Result<Option<NamedTempFile>, StoreError> {
    let Some(address) = Address::of(path)? else {
        return Ok(None);
    };
    let (above, name) = address.parent().ok_or_else(|| no_run(&address))?;
    let file =
        NamedTempFile::new().map_err(|e| StoreError::file("cannot keep a copy of", path, &e))?;
    wait_for(async || {
        let objects = Objects::open(&above)?;
        objects.download(&name, file.as_file()).await
    })?;
    Ok(Some(file))
}

/// Refuses an address where a run, or what is left of one, is.
async fn vacant(objects: &Objects) -> Result<(), StoreError> {
    let listed = objects.list().await?;
    let own = |name: &str| name == REPORT || pull::is_own(name);
    let Some(object) = listed.iter().find(|object| own(&object.name)) else {
        return Ok(());
    };
    let reason = if is_a_run(&listed) {
        "it contains a run already; resume it with --resume, or name another address".into()
    } else {
        format!(
            "it contains {}, which a run would overwrite, but no {MANIFEST}; name another address",
            object.name
        )
    };
    Err(StoreError::Occupied {
        path: objects.address().to_string(),
        reason,
    })
}

fn no_run(address: &Address) -> StoreError {
    StoreError::NotARun {
        path: address.to_string(),
        reason: format!(
            "it has no {MANIFEST}; a run directory is one written by `candor run` or `candor import`"
        ),
    }
}

/// Makes a working copy's folder.
pub(super) fn make(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(|e| StoreError::file("cannot make", folder, &e))?;
    no_links(folder)
}

/// Waits for the right to change a working copy: processes that only read bring it up to date too.
fn hold(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(".copying");
    let file = File::create(&path).map_err(|e| StoreError::file("cannot make", &path, &e))?;
    // Where there are no locks, there is one machine's one user.
    let _ = file.lock();
    Ok(file)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Does something with the network and waits for it, on a thread of its own: whoever calls may be on a runtime's thread or not.
fn wait_for<T: Send>(
    work: impl AsyncFnOnce() -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    let failed = |e: &dyn std::fmt::Display| {
        StoreError::file("cannot start a thread for", Path::new("the store"), e)
    };
    let done = std::thread::scope(|scope| {
        let own = || runtime().map(|runtime| runtime.block_on(work()));
        scope.spawn(own).join()
    });
    match done {
        Ok(Ok(done)) => done,
        Ok(Err(e)) => Err(failed(&e)),
        Err(_) => Err(failed(&"it panicked")),
    }
}
