//! One repository of the hub at a revision: its list of files, and downloads into the cache.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use reqwest::{StatusCode, Url};
use sha2::{Digest, Sha256};

use super::cache::Cache;
use super::kind::Kind;
use super::listing::{Listed, Listing};
use super::place;
use crate::files::PlainPath;
use crate::net::{self, FetchError};
use crate::text::hex;

/// How often a broken download continues by itself.
const TRIES: u32 = 4;
/// Longest list of files that is read.
const MAX_LISTING: usize = 32 << 20;

/// A repository at a revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    /// What it holds.
    pub kind: Kind,
    /// `owner/name`.
    pub name: PlainPath,
    /// A branch, a tag or a commit.
    pub revision: PlainPath,
}

impl Repository {
    /// Its part of the cache; none if this machine has no place for one.
    #[must_use]
    pub fn cache(&self) -> Option<Cache> {
        Cache::of(&place::cache()?, self.kind, &self.name)
    }

    /// Its files.
    ///
    /// # Errors
    /// [`FetchError`] if the hub cannot be reached, or does not list them.
    pub async fn list(&self) -> Result<Listing, FetchError> {
        let mut url = url(&["api", self.kind.name()])?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(self.name.names())
                .push("revision")
                .push(self.revision.as_str());
        }
        url.set_query(Some("blobs=true"));
        let bytes = net::get(url, place::token().as_deref(), MAX_LISTING).await?;
        serde_json::from_slice(&bytes)
            .map_err(|e| FetchError::Content(format!("its list of files cannot be read: {e}")))
    }

    /// Where a file of a commit, a branch or a tag is fetched from. Every name becomes one segment of the path, so that none can end the
    /// path or leave its folder.
    ///
    /// # Errors
    /// [`FetchError::Content`] if `HF_ENDPOINT` is not a URL.
    pub fn url(&self, revision: &PlainPath, file: &PlainPath) -> Result<Url, FetchError> {
        let mut url = match self.kind {
            Kind::Model => url(&[])?,
            Kind::Dataset => url(&[self.kind.name()])?,
        };
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(self.name.names())
                .push("resolve")
                .push(revision.as_str())
                .extend(file.names());
        }
        Ok(url)
    }

    /// Downloads a file into the cache, going on with what has come before; `progress` hears how many bytes there are.
    ///
    /// # Errors
    /// [`FetchError`]; what has come so far is kept, unless it is not what was announced.
    pub async fn download(
        &self,
        commit: &PlainPath,
        listed: &Listed,
        cache: &Cache,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(), FetchError> {
        let url = self.url(commit, &listed.path)?;
        let part = cache.part(listed)?;
        let mut file = open_part(&part)?;
        // Another process may have been at it meanwhile.
        if cache.place(commit, listed)? {
            return Ok(());
        }
        let token = place::token();
        for tries in 1.. {
            let fetched = net::resume(
                url.clone(),
                token.as_deref(),
                listed.size,
                &mut file,
                &mut *progress,
            );
            match fetched.await {
                Ok(()) => break,
                Err(FetchError::Connection(_)) if tries < TRIES => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(wanted) = listed.sha256() {
            let found = sha256(&part)?;
            if found != wanted {
                let _ = fs::remove_file(&part);
                let what = format!("its SHA-256 is {found}, not {wanted}; what came was deleted");
                return Err(FetchError::Content(what));
            }
        }
        cache.keep(&part, listed)?;
        cache.place(commit, listed)?;
        Ok(())
    }
}

/// The hub's address with names added to its path.
fn url(names: &[&str]) -> Result<Url, FetchError> {
    let endpoint = place::endpoint();
    let wrong = || FetchError::Content(format!("HF_ENDPOINT '{endpoint}' is not a URL"));
    let mut url = Url::parse(&endpoint).map_err(|_| wrong())?;
    url.path_segments_mut()
        .map_err(|()| wrong())?
        .pop_if_empty()
        .extend(names);
    Ok(url)
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

/// What to do about an error, to be put behind its words.
#[must_use]
pub fn hint(error: &FetchError) -> &'static str {
    match error {
        FetchError::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            ". The repository does not exist, is private, or is gated: accept its terms on its page, and set HF_TOKEN to a token that may read it"
        }
        FetchError::Status(StatusCode::NOT_FOUND) => {
            ". Check the name and the revision; a private repository needs HF_TOKEN"
        }
        FetchError::Connection(_) | FetchError::Disk(_) => {
            ". What has come so far is kept; the same command continues from there"
        }
        FetchError::Status(_) | FetchError::Content(_) => "",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_segment_of_the_url() {
        let repository = |kind| Repository {
            kind,
            name: "a/b".parse().unwrap(),
            revision: "main".parse().unwrap(),
        };
        let file = "x y/50%.parquet".parse().unwrap();
        for (kind, revision, want) in [
            (Kind::Model, "main", "/a/b/resolve/main/x%20y/50%25.parquet"),
            (
                Kind::Dataset,
                "refs/convert/parquet",
                "/datasets/a/b/resolve/refs%2Fconvert%2Fparquet/x%20y/50%25.parquet",
            ),
        ] {
            let url = repository(kind)
                .url(&revision.parse().unwrap(), &file)
                .unwrap();
            assert_eq!(url.path(), want);
        }
    }
}
