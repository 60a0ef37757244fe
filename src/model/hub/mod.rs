//! A model's repository on the Hugging Face hub: `owner/name[@revision][/subfolder]`, downloaded into the cache that the hub's own tools keep, so that
//! what either has downloaded the other need not.

mod listing;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use indicatif::{ProgressBar, ProgressStyle};

use super::ModelError;
use super::error::files_error;
use crate::files::PlainPath;
use crate::hub::{Cache, Kind, Listed, Repository, hint};
use crate::net::FetchError;
use crate::text::visible_line;

/// A repository, or a folder of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    repository: Repository,
    subfolder: Option<PlainPath>,
}

impl Place {
    fn new(name: PlainPath, revision: PlainPath, subfolder: Option<PlainPath>) -> Self {
        let repository = Repository {
            kind: Kind::Model,
            name,
            revision,
        };
        Self {
            repository,
            subfolder,
        }
    }
}

impl FromStr for Place {
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
            return Ok(Self::new(
                path(&format!("{owner}/{name}"))?,
                path("main")?,
                below,
            ));
        };
        // A revision is one name, but for refs/pr/N.
        let parts = if rest.starts_with("refs/") { 3 } else { 1 };
        let names: Vec<&str> = rest.splitn(parts + 1, '/').collect();
        let (revision, below) = names.split_at(parts.min(names.len()));
        let name = path(name)?;
        if name.names().count() != 2 {
            return Err(wrong(&"the name has an owner before it and nothing after"));
        }
        Ok(Self::new(
            name,
            path(&revision.join("/"))?,
            below.first().map(|below| path(below)).transpose()?,
        ))
    }
}

/// The folder of a repository's files in the cache, if it was ever downloaded.
pub(super) fn cached(written: &str) -> Option<PathBuf> {
    let Place { repository, .. } = written.parse().ok()?;
    repository.cache()?.snapshot(&repository.revision)
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
    let Place {
        repository,
        subfolder,
    } = written.parse().map_err(files_error)?;
    let cache = repository.cache().ok_or_else(|| {
        files_error("there is no place for the hub's cache; set HF_HOME to a folder".into())
    })?;
    let within = |snapshot: PathBuf| match &subfolder {
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
    let listing = match repository.list().await {
        Ok(listing) => listing,
        Err(FetchError::Connection(why)) if known.is_some() => {
            tracing::warn!(
                "the hub cannot be reached ({why}); {written} is used as it is in the cache"
            );
            return known.map(within).ok_or_else(|| files_error(why));
        }
        Err(error) => return Err(explained(&repository, "its list of files", &error)),
    };
    let wanted = listing::wanted(&listing, subfolder.as_ref(), file)
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

async fn download(
    repository: &Repository,
    commit: &PlainPath,
    listed: &Listed,
    cache: &Cache,
) -> Result<(), ModelError> {
    let bar = progress_bar(listed);
    let mut progress = |have| bar.set_position(have);
    let downloaded = repository.download(commit, listed, cache, &mut progress);
    let downloaded = downloaded.await;
    bar.finish_and_clear();
    downloaded.map_err(|e| explained(repository, listed.path.as_str(), &e))
}

fn progress_bar(listed: &Listed) -> ProgressBar {
    let style = "{msg} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(listed.size)
        .with_style(style)
        .with_message(listed.path.as_str().to_owned())
}

fn explained(repository: &Repository, what: &str, error: &FetchError) -> ModelError {
    let (name, revision) = (&repository.name, &repository.revision);
    let hint = hint(error);
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
            let place: Place = written.parse().unwrap();
            let (r, below) = (place.repository, place.subfolder);
            let below = below.map(|p| p.as_str().to_owned());
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
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
