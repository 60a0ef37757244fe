//! A model's repository on the Hugging Face hub: `owner/name[@revision][/subfolder]`, downloaded into the cache that the hub's own tools keep, so that
//! what either has downloaded the other need not.

mod cache;
mod listing;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{StatusCode, Url};
use sha2::{Digest, Sha256};

use super::ModelError;
use super::error::files_error;
use crate::files::PlainPath;
use crate::net::{self, FetchError, hub};
use crate::text::{hex, visible_line};
use cache::Cache;
use listing::{Listed, Listing};

/// How often a broken download goes on by itself.
const TRIES: u32 = 4;
/// Longest list of files that is read.
const MAX_LISTING: usize = 32 << 20;

/// A repository, or a folder of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository {
    /// `owner/name`.
    name: PlainPath,
    revision: PlainPath,
    subfolder: Option<PlainPath>,
}

impl FromStr for Repository {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let wrong = |e: &dyn std::fmt::Display| {
            let shown = visible_line(written);
            format!("'{shown}' is not owner/name[@revision][/subfolder]: {e}")
        };
        let path = |text: &str| text.parse::<PlainPath>().map_err(|e| wrong(&e));
        let Some((name, rest)) = written.split_once('@') else {
            let names: Vec<&str> = written.splitn(3, '/').collect();
            let [owner, name, below @ ..] = names.as_slice() else {
                return Err(wrong(&"it has no owner"));
            };
            let below = below.first().map(|below| path(below)).transpose()?;
            return Ok(Self {
                name: path(&format!("{owner}/{name}"))?,
                revision: path("main")?,
                subfolder: below,
            });
        };
        // A revision is one name, but for refs/pr/N.
        let parts = if rest.starts_with("refs/") { 3 } else { 1 };
        let names: Vec<&str> = rest.splitn(parts + 1, '/').collect();
        let (revision, below) = names.split_at(parts.min(names.len()));
        let name = path(name)?;
        if name.names().count() != 2 {
            return Err(wrong(&"the name has an owner before it and nothing after"));
        }
        Ok(Self {
            name,
            revision: path(&revision.join("/"))?,
            subfolder: below.first().map(|below| path(below)).transpose()?,
        })
    }
}

/// The folder of a repository's files in the cache, if it was ever downloaded.
pub(super) fn cached(written: &str) -> Option<PathBuf> {
    let repository: Repository = written.parse().ok()?;
    Cache::of(&hub::cache()?, &repository.name)?.snapshot(&repository.revision)
}

/// The folder of a repository's files, as far as a model needs them; with `file`, those of that graph or those weights.
///
/// # Errors
/// [`ErrorClass::Files`](super::ErrorClass::Files) says what cannot be had, and why.
pub(super) async fn fetch(
    written: &str,
    file: Option<&str>,
    offline: bool,
) -> Result<PathBuf, ModelError> {
    let repository: Repository = written.parse().map_err(files_error)?;
    let cache = hub::cache().and_then(|root| Cache::of(&root, &repository.name));
    let cache = cache.ok_or_else(|| {
        files_error("there is no place for the hub's cache; set HF_HOME to a folder".into())
    })?;
    let within = |snapshot: PathBuf| match &repository.subfolder {
        Some(below) => below.below(&snapshot),
        None => snapshot,
    };
    let known = cache.snapshot(&repository.revision);
    if offline {
        let missing = || {
            files_error(format!(
                "{written} is not in {}, and --offline forbids downloading it",
                cache.folder().display()
            ))
        };
        return known.map(within).ok_or_else(missing);
    }
    let listing = match list(&repository).await {
        Ok(listing) => listing,
        Err(FetchError::Connection(why)) if known.is_some() => {
            tracing::warn!(
                "the hub cannot be reached ({why}); {written} is used as it is in the cache"
            );
            return known.map(within).ok_or_else(|| files_error(why));
        }
        Err(error) => return Err(explained(&repository, "its list of files", &error)),
    };
    let subfolder = repository.subfolder.as_ref();
    let wanted = listing
        .wanted(subfolder, file)
        .map_err(|why| files_error(format!("{written}: {why}")))?;
    for listed in wanted {
        let placed = cache
            .place(&listing.commit, listed)
            .map_err(|e| files_error(format!("{}: {e}", cache.folder().display())))?;
        if !placed {
            download(&repository, &listing.commit, listed, &cache).await?;
        }
    }
    // Last of all: what is named here is whole.
    let snapshot = cache.name(&repository.revision, &listing.commit);
    let snapshot =
        snapshot.map_err(|e| files_error(format!("{}: {e}", cache.folder().display())))?;
    Ok(within(snapshot))
}

/// The published weights of a folder of the cache. They are what was downloaded, whichever graphs other tools have put beside them.
pub(super) fn published(folder: &Path) -> Option<String> {
    let there = |name: &&str| folder.join(name).exists();
    let weights = [listing::WHOLE, listing::INDEX].into_iter().find(there);
    weights
        .filter(|_| !there(&"genai_config.json"))
        .map(str::to_owned)
}

async fn list(repository: &Repository) -> Result<Listing, FetchError> {
    let mut url = url(&["api", "models"])?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(repository.name.names())
            .push("revision")
            .push(repository.revision.as_str());
    }
    url.set_query(Some("blobs=true"));
    let bytes = net::get(url, hub::token().as_deref(), MAX_LISTING).await?;
    serde_json::from_slice(&bytes)
        .map_err(|e| FetchError::Content(format!("its list of files cannot be read: {e}")))
}

/// The hub's address with names added to its path.
fn url(names: &[&str]) -> Result<Url, FetchError> {
    let endpoint = hub::endpoint();
    let wrong = || FetchError::Content(format!("HF_ENDPOINT '{endpoint}' is not a URL"));
    let mut url = Url::parse(&endpoint).map_err(|_| wrong())?;
    url.path_segments_mut()
        .map_err(|()| wrong())?
        .pop_if_empty()
        .extend(names);
    Ok(url)
}

async fn download(
    repository: &Repository,
    commit: &PlainPath,
    listed: &Listed,
    cache: &Cache,
) -> Result<(), ModelError> {
    let failed = |e: &FetchError| explained(repository, listed.path.as_str(), e);
    let mut url = url(&[]).map_err(|e| failed(&e))?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(repository.name.names())
            .push("resolve")
            .push(commit.as_str())
            .extend(listed.path.names());
    }
    let bar = progress_bar(listed);
    let part = cache.part(listed).map_err(|e| failed(&e.into()))?;
    let mut file = open_part(&part).map_err(|e| failed(&e.into()))?;
    // Another process may have been at it meanwhile.
    if cache.place(commit, listed).map_err(|e| failed(&e.into()))? {
        return Ok(());
    }
    let token = hub::token();
    for tries in 1.. {
        let mut progress = |have| bar.set_position(have);
        let fetched = net::resume(
            url.clone(),
            token.as_deref(),
            listed.size,
            &mut file,
            &mut progress,
        );
        match fetched.await {
            Ok(()) => break,
            Err(FetchError::Connection(_)) if tries < TRIES => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    bar.finish_and_clear();
    if let Some(wanted) = listed.sha256() {
        let found = sha256(&part).map_err(|e| failed(&e.into()))?;
        if found != wanted {
            let _ = fs::remove_file(&part);
            let what = format!("its SHA-256 is {found}, not {wanted}; what came was deleted");
            return Err(failed(&FetchError::Content(what)));
        }
    }
    let placed = cache
        .keep(&part, listed)
        .and_then(|()| cache.place(commit, listed));
    placed.map(|_| ()).map_err(|e| failed(&e.into()))
}

/// What has come so far, for this process alone.
fn open_part(path: &Path) -> std::io::Result<File> {
    let file = File::options()
        .create(true)
        .read(true)
        .append(true)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

fn progress_bar(listed: &Listed) -> ProgressBar {
    let style = "{msg} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(listed.size)
        .with_style(style)
        .with_message(listed.path.as_str().to_owned())
}

fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn explained(repository: &Repository, what: &str, error: &FetchError) -> ModelError {
    let (name, revision) = (&repository.name, &repository.revision);
    let hint = match error {
        FetchError::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            ". The repository does not exist, is private, or is gated: accept its terms on its page, and set HF_TOKEN to a token that may read it"
        }
        FetchError::Status(StatusCode::NOT_FOUND) => {
            ". Check the name and the revision; a private repository needs HF_TOKEN"
        }
        FetchError::Connection(_) | FetchError::Disk(_) => {
            ". What has come so far is kept; the same command goes on from there"
        }
        _ => "",
    };
    files_error(format!(
        "{what} of {name}@{revision} cannot be downloaded: {error}{hint}"
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_read_with_its_revision_and_folder() {
        let parts = |written: &str| {
            let r: Repository = written.parse().unwrap();
            let below = r.subfolder.map(|p| p.as_str().to_owned());
            (
                r.name.as_str().to_owned(),
                r.revision.as_str().to_owned(),
                below,
            )
        };
        let of = |name: &str, revision: &str, below: Option<&str>| {
            (
                name.to_owned(),
                revision.to_owned(),
                below.map(str::to_owned),
            )
        };
        assert_eq!(parts("a/b"), of("a/b", "main", None));
        assert_eq!(parts("a/b/c/d"), of("a/b", "main", Some("c/d")));
        assert_eq!(parts("a/b@v1"), of("a/b", "v1", None));
        assert_eq!(parts("a/b@v1/c/d"), of("a/b", "v1", Some("c/d")));
        assert_eq!(parts("a/b@refs/pr/1"), of("a/b", "refs/pr/1", None));
        assert_eq!(parts("a/b@refs/pr/1/c"), of("a/b", "refs/pr/1", Some("c")));
        for wrong in [
            "a", "a/..", "../a", "a/b@", "a/b@../x", "a/b/../c", "a@b", "a/b/c@d",
        ] {
            assert!(wrong.parse::<Repository>().is_err(), "{wrong}");
        }
    }
}
