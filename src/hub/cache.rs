//! The hub's cache of one repository: `blobs/ETAG` holds each content once, `snapshots/COMMIT/FILE` leads to it, `refs/REVISION` names the commit.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use super::kind::Kind;
use super::listing::Listed;
use crate::files::{PlainPath, write_text};

/// The cache of one repository.
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// A repository's part of the cache; none if its name cannot be a folder's.
    pub(super) fn of(root: &Path, kind: Kind, repository: &PlainPath) -> Option<Self> {
        let names: Vec<&str> = repository.names().collect();
        let folder: PlainPath = format!("{}--{}", kind.name(), names.join("--"))
            .parse()
            .ok()?;
        Some(Self {
            folder: folder.below(root),
        })
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files of a revision, if it was ever downloaded: a branch or tag by its name, a commit by itself.
    #[must_use]
    pub fn snapshot(&self, revision: &PlainPath) -> Option<PathBuf> {
        let named = fs::read_to_string(revision.below(&self.folder.join("refs")));
        let commit = match named {
            Ok(commit) => commit.trim().parse().ok()?,
            Err(_) => revision.clone(),
        };
        let snapshot = commit.below(&self.folder.join("snapshots"));
        snapshot.is_dir().then_some(snapshot)
    }

    /// Names a commit by its revision, and gives the commit's folder.
    ///
    /// # Errors
    /// The name cannot be written.
    pub fn name(&self, revision: &PlainPath, commit: &PlainPath) -> Result<PathBuf> {
        if revision != commit {
            let path = revision.below(&self.folder.join("refs"));
            write_text(&path, commit.as_str())?;
        }
        Ok(commit.below(&self.folder.join("snapshots")))
    }

    fn blob(&self, listed: &Listed) -> Result<PathBuf> {
        let wrong = || {
            let what = format!("the hub gives no hash for {}", listed.path);
            Error::new(ErrorKind::InvalidData, what)
        };
        let name = listed.blob().ok_or_else(wrong)?;
        Ok(name.below(&self.folder.join("blobs")))
    }

    /// Where a file is written while it is not whole.
    pub(super) fn part(&self, listed: &Listed) -> Result<PathBuf> {
        let blob = self.blob(listed)?;
        fs::create_dir_all(blob.parent().unwrap_or(&self.folder))?;
        Ok(blob.with_added_extension("incomplete"))
    }

    /// Takes a whole file in.
    pub(super) fn keep(&self, part: &Path, listed: &Listed) -> Result<()> {
        fs::rename(part, self.blob(listed)?)
    }

    /// Puts a file whose content is there already into a snapshot; whether it was.
    ///
    /// # Errors
    /// The file cannot be linked to.
    pub fn place(&self, commit: &PlainPath, listed: &Listed) -> Result<bool> {
        let blob = self.blob(listed)?;
        let there = fs::metadata(&blob).is_ok_and(|m| m.is_file() && m.len() == listed.size);
        if !there {
            return Ok(false);
        }
        let path = listed
            .path
            .below(&commit.below(&self.folder.join("snapshots")));
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        match link(&blob, &path, listed) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(true),
        }
    }
}

#[cfg(unix)]
fn link(blob: &Path, path: &Path, listed: &Listed) -> Result<()> {
    // Out of the file's own folders, the commit's and `snapshots`.
    let mut target = PathBuf::from("..");
    for _ in 0..listed.path.names().count() {
        target.push("..");
    }
    target.push("blobs");
    target.push(blob.file_name().unwrap_or_default());
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn link(blob: &Path, path: &Path, _: &Listed) -> Result<()> {
    fs::hard_link(blob, path)
}
