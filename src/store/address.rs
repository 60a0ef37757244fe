//! `s3://BUCKET/PREFIX`: where a run directory is on an S3-compatible store.

use std::fmt;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use crate::files::PlainPath;
use crate::model::data_directory;

/// The address of a run directory, or of a folder of them, on an S3-compatible store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The bucket.
    pub(super) bucket: String,
    /// What the names of its objects begin with; none where they are directly in the bucket.
    pub(super) prefix: Option<PlainPath>,
}

/// Characters of an address that its working copy's name shows.
const MAX_SHOWN_CHARACTERS: usize = 40;

impl Address {
    /// The address that a path is; none where it is a path of this machine.
    ///
    /// # Errors
    /// [`StoreError::NotAnAddress`] if it is one of an S3-compatible store and not well written, [`StoreError::OnNetwork`] if it is one of
    /// another kind of store, which would become a folder called `gs:`.
    pub(super) fn of(path: &Path) -> Result<Option<Self>, StoreError> {
        const OTHERS: &[&str] = &[
            "s3:/", "s3a:/", "gs:/", "gcs:/", "az:/", "abfs:/", "http:/", "https:/",
        ];
        let Some(written) = path.to_str() else {
            return Ok(None);
        };
        match written.strip_prefix("s3://") {
            Some(rest) => Self::parse(rest)
                .map(Some)
                .map_err(|reason| StoreError::NotAnAddress {
                    address: written.to_owned(),
                    reason,
                }),
            None if OTHERS.iter().any(|store| written.starts_with(store)) => {
                Err(StoreError::OnNetwork {
                    address: written.to_owned(),
                })
            }
            None => Ok(None),
        }
    }

    fn parse(rest: &str) -> Result<Self, String> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let of_a_bucket = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if bucket.is_empty() || !bucket.chars().all(of_a_bucket) {
            return Err(format!(
                "'{}' is not the name of a bucket",
                crate::text::visible_line(bucket)
            ));
        }
        let prefix = match prefix.trim_end_matches('/') {
            "" => None,
            prefix => Some(prefix.parse::<PlainPath>().map_err(|e| e.to_string())?),
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix,
        })
    }

    /// The name of an object of the run, from the bucket on.
    pub(super) fn key(&self, name: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}/{name}"),
            None => name.to_owned(),
        }
    }

    /// The address of something below it.
    pub(super) fn below(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("{self}/{name}"))
    }

    /// The address of the folder that it is in, and its name there; none for a bucket.
    pub(super) fn parent(&self) -> Option<(Self, String)> {
        let prefix = self.prefix.as_ref()?;
        let name = prefix.file_name().to_owned();
        let above = prefix.as_str().strip_suffix(&name)?.trim_end_matches('/');
        let above = Self {
            bucket: self.bucket.clone(),
            prefix: above.parse().ok(),
        };
        Some((above, name))
    }

    /// The working copy on this machine of what is at the address: the same one for the same address of the same server.
    pub(super) fn folder(&self) -> PathBuf {
        let server = endpoint().unwrap_or_default();
        let hash = blake3::hash(format!("{server}\n{self}").as_bytes()).to_hex();
        let last = self
            .prefix
            .as_ref()
            .map_or(&*self.bucket, PlainPath::file_name);
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let last: String = last.chars().take(MAX_SHOWN_CHARACTERS).map(plain).collect();
        data_directory()
            .join("stores")
            .join(format!("{}-{last}", &hash[..16]))
    }
}

/// The server, as named in the environment; none is AWS itself.
pub(super) fn endpoint() -> Option<String> {
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|url| !url.is_empty())
}

/// The folder of this machine where the files of a run are: that of a path itself, and the working copy of what is at an address.
///
/// # Errors
/// [`StoreError`] if the address is not one that candor reaches.
pub fn working_folder(run: &Path) -> Result<PathBuf, StoreError> {
    let address = Address::of(run)?;
    Ok(address.map_or_else(|| run.to_path_buf(), |address| address.folder()))
}

/// Whether a path is the address of a run on an S3-compatible store.
#[must_use]
pub fn is_on_a_store(run: &Path) -> bool {
    matches!(Address::of(run), Ok(Some(_)))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        match &self.prefix {
            Some(prefix) => write!(f, "/{prefix}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Result<Option<String>, StoreError> {
        Ok(Address::of(Path::new(path))?.map(|a| a.to_string()))
    }

    #[test]
    fn a_path_is_of_this_machine_unless_it_begins_as_an_address() {
        for path in ["run", "/data/s3/run", "s3", "C:\\runs\\1", "./s3:run"] {
            assert_eq!(of(path).unwrap(), None, "{path}");
        }
        for address in ["s3://bucket/run", "s3://b.c-d/a/b/c d", "s3://bucket"] {
            assert_eq!(of(address).unwrap().unwrap(), address);
        }
        assert_eq!(of("s3://bucket/run/").unwrap().unwrap(), "s3://bucket/run");
    }

    #[test]
    fn what_no_store_takes_or_candor_does_not_reach_is_refused() {
        for address in [
            "s3://",
            "s3:///run",
            "s3://b/../c",
            "s3://b//c",
            "s3://b c/d",
        ] {
            let refused = of(address).unwrap_err();
            assert!(
                matches!(refused, StoreError::NotAnAddress { .. }),
                "{address}"
            );
        }
        for address in ["gs://b/run", "https://s3.amazonaws.com/b", "s3:/b/run"] {
            let refused = of(address).unwrap_err();
            assert!(matches!(refused, StoreError::OnNetwork { .. }), "{address}");
        }
    }
}
