//! A dataset's files on the Hugging Face hub: in the cache that the hub's own tools keep, or downloaded into it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::schema::HubSource;
use crate::files::{Folder, PlainPath};
use crate::hub::{Cache, Kind, Listing, Repository, hint};
use crate::net::{self, FetchError};

/// Most bytes of one file of a hub that lists none.
const MAX_BYTES: u64 = 2 << 30;

/// Lists of repositories' files that have been asked for: many tasks share a dataset.
#[derive(Debug, Clone, Default)]
pub struct Listings(Arc<Mutex<HashMap<Repository, Arc<Listing>>>>);

impl Listings {
    /// Whether the hub has listed a repository of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.keys().any(|known| known.name.as_str() == name)
    }

    async fn of(&self, repository: &Repository) -> Result<Arc<Listing>, FetchError> {
        let known = |lists: &HashMap<_, _>| lists.get(repository).cloned();
        if let Some(listing) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(listing);
        }
        let listing = Arc::new(repository.list().await?);
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.insert(repository.clone(), Arc::clone(&listing));
        Ok(listing)
    }
}

/// Local paths of the dataset's files, all of one commit. `HF_ENDPOINT` names another hub, `HF_TOKEN` opens gated datasets;
/// `HF_HUB_CACHE` and `HF_HOME` say where the hub's cache is.
///
/// # Errors
/// Which file is missing, and why.
pub(super) async fn fetch(
    source: &HubSource,
    listings: &Listings,
    offline: bool,
) -> Result<Vec<PathBuf>, String> {
    let main: PlainPath = "main".parse().map_err(|e| format!("{e}"))?;
    let repository = Repository {
        kind: Kind::Dataset,
        name: source.dataset.clone(),
        revision: source.revision.clone().unwrap_or(main),
    };
    let failed = |file: &PlainPath, reason: String| {
        let Repository { name, revision, .. } = &repository;
        format!("{file} of hf://{name}@{revision} {reason}")
    };
    let cache = repository.cache();
    let cache = cache.ok_or("there is no place for the hub's cache; set HF_HOME to a folder")?;
    let snapshot = cache.snapshot(&repository.revision);
    let missing = match known(snapshot.as_deref(), &source.files) {
        Ok(paths) => return Ok(paths),
        Err((file, reason)) => match reason {
            Some(reason) => return Err(failed(file, format!("cannot be read: {reason}"))),
            None => file,
        },
    };
    if offline {
        let reason = "is in no cache, and --offline forbids downloading it";
        return Err(failed(missing, reason.into()));
    }
    let not_downloaded = |file: &PlainPath, error: &FetchError| {
        let url = repository.url(&repository.revision, file);
        let url = url.map_or_else(|_| String::new(), |url| format!("{url}: "));
        let reason = format!("could not be downloaded: {url}{error}{}", hint(error));
        failed(file, reason)
    };
    match listings.of(&repository).await {
        Ok(listing) => {
            for file in &source.files {
                let listed = listing.file(file.as_str()).ok_or_else(|| {
                    failed(
                        file,
                        format!("is not among the files of {} (404)", listing.commit),
                    )
                })?;
                let placed = cache.place(&listing.commit, listed);
                if !placed.map_err(|e| not_downloaded(file, &e.into()))? {
                    tracing::info!("downloading {file} of {}", repository.name);
                    let mut unheard = |_| {};
                    repository
                        .download(&listing.commit, listed, &cache, &mut unheard)
                        .await
                        .map_err(|e| not_downloaded(file, &e))?;
                }
            }
            cache
                .name(&repository.revision, &listing.commit)
                .map_err(|e| not_downloaded(missing, &e.into()))?;
        }
        // A mirror that serves files and lists none.
        Err(FetchError::Status(_)) => {
            for file in &source.files {
                let bare = bare(&repository, file, &cache).await;
                bare.map_err(|e| not_downloaded(file, &e))?;
            }
        }
        Err(error) => return Err(not_downloaded(missing, &error)),
    }
    let snapshot = cache.snapshot(&repository.revision);
    known(snapshot.as_deref(), &source.files)
        .map_err(|(file, reason)| failed(file, reason.unwrap_or_else(|| "is gone".into())))
}

/// The files of a snapshot, if it has them all; else the first that it lacks, with what is wrong with one that is there.
fn known<'f>(
    snapshot: Option<&Path>,
    files: &'f [PlainPath],
) -> Result<Vec<PathBuf>, (&'f PlainPath, Option<String>)> {
    let folder = snapshot.and_then(|snapshot| Folder::open(snapshot).ok());
    let find = |file: &'f PlainPath| {
        let folder = folder.as_ref().ok_or((file, None))?;
        folder.file(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => (file, None),
            _ => (file, Some(error.to_string())),
        })
    };
    files.iter().map(find).collect()
}

/// Fetches a file of which nobody says the commit: into a snapshot of the revision's own name.
async fn bare(repository: &Repository, file: &PlainPath, cache: &Cache) -> Result<(), FetchError> {
    let revision = &repository.revision;
    let snapshot = cache.name(revision, revision)?;
    std::fs::create_dir_all(&snapshot)?;
    let target = Folder::open(&snapshot)?.path_for(file)?;
    let parent = target.parent().unwrap_or(&snapshot);
    let url = repository.url(revision, file)?;
    let token = crate::hub::token();
    let fetched = net::fetch(url, token.as_deref(), MAX_BYTES, parent).await;
    let fetched = fetched.map_err(FetchError::Content)?;
    let kept = fetched.persist(&target);
    kept.map(drop).map_err(|e| FetchError::Disk(e.error))
}
