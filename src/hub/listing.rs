//! A repository's files as the hub lists them.

use serde::Deserialize;

use crate::files::PlainPath;

/// The answer of `/api/models/NAME/revision/REVISION?blobs=true`.
#[derive(Debug, Clone, Deserialize)]
pub struct Listing {
    /// The commit that the revision is.
    #[serde(rename = "sha")]
    pub commit: PlainPath,
    /// Every file.
    #[serde(rename = "siblings")]
    pub files: Vec<Listed>,
}

impl Listing {
    /// A file by its path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&Listed> {
        self.files
            .iter()
            .find(|listed| listed.path.as_str() == path)
    }
}

/// A file.
#[derive(Debug, Clone, Deserialize)]
pub struct Listed {
    /// Its path in the repository.
    #[serde(rename = "rfilename")]
    pub path: PlainPath,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    #[serde(rename = "blobId")]
    blob: Option<PlainPath>,
    lfs: Option<Large>,
}

#[derive(Debug, Clone, Deserialize)]
struct Large {
    sha256: PlainPath,
}

impl Listed {
    /// Its name in the cache: the hub's `ETag`, a hash of the content.
    pub(super) fn blob(&self) -> Option<&PlainPath> {
        let name = self.lfs.as_ref().map(|l| &l.sha256).or(self.blob.as_ref());
        name.filter(|n| n.as_str().bytes().all(|b| b.is_ascii_hexdigit()))
    }

    /// Of large files.
    pub(super) fn sha256(&self) -> Option<&str> {
        self.lfs.as_ref().map(|l| l.sha256.as_str())
    }
}
