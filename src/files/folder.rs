//! A folder of which only its own files are read: symbolic links that lead out of it are not followed.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use super::PlainPath;

/// A folder that others filled. A repository can hold symbolic links as well as files; one that leads out would read, or write, what
/// the folder's author has no business with.
#[derive(Debug, Clone)]
pub struct Folder {
    /// As it was named.
    path: PathBuf,
    /// Where the files really are: the folder itself, and the store that its links can lead to.
    within: Vec<PathBuf>,
}

impl Folder {
    /// A folder that is there.
    ///
    /// # Errors
    /// What the system says where it is not, or cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let real = path.canonicalize()?;
        let mut within = vec![real.clone()];
        // The hub's cache keeps a model as `snapshots/REVISION/NAME`, each a link to `../../blobs/HASH`.
        let mut above = real.ancestors().skip(1);
        if let Some(snapshots) = above.find(|p| p.ends_with("snapshots")) {
            let blobs = snapshots.with_file_name("blobs");
            within.extend(blobs.canonicalize());
        }
        Ok(Self {
            path: path.to_path_buf(),
            within,
        })
    }

    /// The folder, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::PermissionDenied`] if a link leads out of the folder.
    pub fn file(&self, name: &PlainPath) -> Result<PathBuf> {
        self.admit(name.below(&self.path))
    }

    /// A path found by listing the folder, where it is a file that no link takes out of it.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub fn admit(&self, path: PathBuf) -> Result<PathBuf> {
        if self.real(&path)?.is_file() {
            Ok(path)
        } else {
            Err(Error::new(ErrorKind::NotFound, "it is not a file"))
        }
    }

    /// The place of a file to be written, with the folders above it made.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] if a link leads out of the folder: nothing is made behind one.
    pub fn path_for(&self, name: &PlainPath) -> Result<PathBuf> {
        let target = name.below(&self.path);
        let mut parent = self.path.clone();
        for folder in name.names().take(name.names().count() - 1) {
            parent.push(folder);
            match std::fs::create_dir(&parent) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => self.real(&parent)?,
            };
        }
        Ok(target)
    }

    fn real(&self, path: &Path) -> Result<PathBuf> {
        let real = path.canonicalize()?;
        if self.within.iter().any(|root| real.starts_with(root)) {
            return Ok(real);
        }
        Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "a symbolic link leads out of {} and is not followed; put the file itself there",
                self.path.display()
            ),
        ))
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn kind(folder: &Folder, name: &str) -> Option<ErrorKind> {
        folder.file(&name.parse().unwrap()).err().map(|e| e.kind())
    }

    #[test]
    fn links_within_are_followed_and_links_out_are_not() {
        let home = tempfile::tempdir().unwrap();
        let (inside, outside) = (home.path().join("in"), home.path().join("out"));
        fs::create_dir_all(inside.join("deep")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(inside.join("a"), "x").unwrap();
        fs::write(outside.join("secret"), "x").unwrap();
        symlink("a", inside.join("same")).unwrap();
        symlink("../out/secret", inside.join("file")).unwrap();
        symlink("../out", inside.join("folder")).unwrap();
        symlink("nowhere", inside.join("dangling")).unwrap();
        let folder = Folder::open(&inside).unwrap();
        assert_eq!(kind(&folder, "a"), None);
        assert_eq!(kind(&folder, "same"), None);
        assert_eq!(kind(&folder, "file"), Some(ErrorKind::PermissionDenied));
        assert_eq!(
            kind(&folder, "folder/secret"),
            Some(ErrorKind::PermissionDenied)
        );
        for missing in ["dangling", "deep", "nothing"] {
            assert_eq!(
                kind(&folder, missing),
                Some(ErrorKind::NotFound),
                "{missing}"
            );
        }
    }

    #[test]
    fn nothing_is_made_behind_a_link_that_leads_out() {
        let home = tempfile::tempdir().unwrap();
        let (inside, outside) = (home.path().join("in"), home.path().join("out"));
        fs::create_dir(&inside).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink("../out", inside.join("a")).unwrap();
        let folder = Folder::open(&inside).unwrap();
        let error = folder.path_for(&"a/b/c".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(!outside.join("b").exists());
        let place = folder.path_for(&"x/y/z".parse().unwrap()).unwrap();
        assert!(place.parent().unwrap().is_dir() && !place.exists());
    }

    #[test]
    fn a_snapshot_of_the_hubs_cache_may_lead_to_its_blobs_and_no_further() {
        let home = tempfile::tempdir().unwrap();
        let model = home.path().join("models--a--b");
        let snapshot = model.join("snapshots/abc");
        fs::create_dir_all(&snapshot).unwrap();
        fs::create_dir(model.join("blobs")).unwrap();
        fs::write(model.join("blobs/1f"), "x").unwrap();
        fs::write(home.path().join("secret"), "x").unwrap();
        symlink("../../blobs/1f", snapshot.join("config.json")).unwrap();
        symlink("../../../secret", snapshot.join("other.json")).unwrap();
        let folder = Folder::open(&snapshot).unwrap();
        assert_eq!(kind(&folder, "config.json"), None);
        assert_eq!(
            kind(&folder, "other.json"),
            Some(ErrorKind::PermissionDenied)
        );
    }
}
