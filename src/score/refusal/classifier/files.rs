//! The classifier's two files. They are too large for the binary, so they are next to it, or are fetched once; wherever they come from, they
//! are used only where they have the hashes pinned here.
//!
//! Looked for in this order: `CANDOR_LABELLER` → next to the binary (a wheel's or an archive's `share/candor/labeller`) → the checkout that
//! the binary was built in → candor's data directory, into which they are fetched from the release's page.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::model::data_directory;
use crate::net;
use crate::text::hex;

/// A file that is used in this one version only.
struct Pinned {
    name: &'static str,
    bytes: u64,
    sha256: &'static str,
}

const GRAPH: Pinned = Pinned {
    name: "labeller.onnx.zst",
    bytes: 43_619_857,
    sha256: "2c29dd0f431088ba8b8a6cfd9a1faa460d980926c8d52c4fcece8aaf6f194771",
};
const TOKENIZER: Pinned = Pinned {
    name: "tokenizer.json.zst",
    bytes: 1_171_315,
    sha256: "098f1d32e30311fa8a5b6d150cbf6f866073b91a25daaad618f2dd2c2ff71077",
};

/// Where each release keeps its files.
const RELEASE: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/releases/download/v",
    env!("CARGO_PKG_VERSION")
);
/// Folders above a binary that are looked at for a checkout: it is in `target/release`, `target/TRIPLE/release` or, as a test, in
/// `target/debug/deps`.
const TARGET_DEPTH: usize = 5;

/// What `CANDOR_LABELLER` says where there shall be no classifier.
const DECLINED: &str = "none";

/// Which place the files were found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LabellerSource {
    /// `CANDOR_LABELLER`.
    Named,
    /// Next to the binary.
    Binary,
    /// The checkout that the binary was built in.
    Checkout,
    /// candor's data directory.
    Data,
}

/// The files, packed as they lie, with the pinned hashes.
pub(super) struct Files {
    pub graph: Vec<u8>,
    pub tokenizer: Vec<u8>,
    source: LabellerSource,
    folder: PathBuf,
}

/// Why a folder gives no files.
enum Missing {
    /// There are none.
    Absent,
    /// They cannot be read, or are others: this is told.
    Refused(String),
}

impl Files {
    /// The files from the first place that has them; fetched where none has and `may_fetch` is set. Files with another hash are told and
    /// passed over; in the folder that a person named they are the end of the search.
    pub(super) fn find(may_fetch: bool) -> Result<Self, String> {
        if let Some(named) = named_folder() {
            return Self::in_folder(&named);
        }
        for (source, folder) in search_path() {
            match Self::read(source, &folder) {
                Ok(files) => return Ok(files),
                Err(Missing::Absent) => {}
                Err(Missing::Refused(reason)) => tracing::warn!("{reason}"),
            }
        }
        if may_fetch {
            fetch_all(&fetched_folder())?;
        }
        Self::read(LabellerSource::Data, &fetched_folder()).map_err(|missing| match missing {
            Missing::Refused(reason) => reason,
            Missing::Absent => format!(
                "its files are not on this machine. The first run that needs them downloads them, unless it is --offline; or set CANDOR_LABELLER to a folder that contains {} and {}",
                GRAPH.name, TOKENIZER.name
            ),
        })
    }

    fn in_folder(named: &Path) -> Result<Self, String> {
        if named.as_os_str() == DECLINED {
            return Err(format!("CANDOR_LABELLER is '{DECLINED}'"));
        }
        Self::read(LabellerSource::Named, named).map_err(|missing| match missing {
            Missing::Absent => format!(
                "CANDOR_LABELLER is {}, which lacks {} or {}",
                named.display(),
                GRAPH.name,
                TOKENIZER.name
            ),
            Missing::Refused(reason) => format!("CANDOR_LABELLER: {reason}"),
        })
    }

    fn read(source: LabellerSource, folder: &Path) -> Result<Self, Missing> {
        Ok(Self {
            tokenizer: TOKENIZER.read(folder)?,
            graph: GRAPH.read(folder)?,
            source,
            folder: folder.to_path_buf(),
        })
    }
}

/// The place and the folder of the classifier's files on this machine; nothing is fetched.
///
/// # Errors
/// Why there are none.
pub fn labeller() -> Result<(LabellerSource, PathBuf), String> {
    Files::find(false).map(|files| (files.source, files.folder))
}

impl Pinned {
    /// The file in a folder, if it is this one.
    fn read(&self, folder: &Path) -> Result<Vec<u8>, Missing> {
        let path = folder.join(self.name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(Missing::Absent),
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => return Err(Missing::Absent),
            Err(e) => return Err(Missing::Refused(format!("{}: {e}", path.display()))),
        };
        let mut bytes = Vec::new();
        // One byte more than there should be tells a longer file, and no more of it is read.
        let read = file.take(self.bytes + 1).read_to_end(&mut bytes);
        read.map_err(|e| Missing::Refused(format!("{}: {e}", path.display())))?;
        self.check(&bytes)
            .map_err(|wrong| Missing::Refused(format!("{} {wrong}", path.display())))?;
        Ok(bytes)
    }

    fn check(&self, bytes: &[u8]) -> Result<(), String> {
        let found = hex(&Sha256::digest(bytes));
        if found == self.sha256 {
            return Ok(());
        }
        Err(format!(
            "is not the {} of this version of candor and is not used: its SHA-256 begins with {}, not with {}",
            self.name,
            &found[..12],
            &self.sha256[..12]
        ))
    }

    /// Fetches the file into a folder that is there. Nothing is left of one with another hash.
    async fn fetch(&self, release: &str, folder: &Path) -> Result<(), String> {
        let address = format!("{}/{}", release.trim_end_matches('/'), self.name);
        let failed = |reason: &dyn std::fmt::Display| format!("{address}: {reason}");
        let url = Url::parse(&address).map_err(|e| failed(&e))?;
        let fetched = net::fetch(url, None, self.bytes, folder).await;
        let fetched = fetched.map_err(|e| failed(&e))?;
        let bytes = std::fs::read(fetched.path()).map_err(|e| failed(&e))?;
        self.check(&bytes).map_err(|e| failed(&e))?;
        fetched
            .persist(folder.join(self.name))
            .map_err(|e| failed(&e))?;
        Ok(())
    }
}

fn named_folder() -> Option<PathBuf> {
    std::env::var_os("CANDOR_LABELLER")
        .filter(|named| !named.is_empty())
        .map(PathBuf::from)
}

/// The folders that may have the files, in the order of preference.
fn search_path() -> Vec<(LabellerSource, PathBuf)> {
    let mut places = Vec::new();
    // Through links, as pipx and uv make them: the files are next to the binary itself.
    if let Ok(binary) = std::env::current_exe().and_then(std::fs::canonicalize) {
        let above: Vec<&Path> = binary.ancestors().skip(1).take(TARGET_DEPTH).collect();
        places.extend(
            above
                .iter()
                .take(2)
                .map(|folder| (LabellerSource::Binary, folder.join("share/candor/labeller"))),
        );
        places.extend(
            above
                .iter()
                .filter(|folder| folder.join("Cargo.toml").is_file())
                .map(|folder| (LabellerSource::Checkout, folder.join("models/labeller"))),
        );
    }
    places.push((LabellerSource::Data, fetched_folder()));
    places
}

/// Where fetched files are kept: a folder per version of the graph.
fn fetched_folder() -> PathBuf {
    data_directory().join("labeller").join(&GRAPH.sha256[..12])
}

/// Fetches both files into a folder. Must run where blocking is allowed, inside the asynchronous runtime.
fn fetch_all(folder: &Path) -> Result<(), String> {
    let release = std::env::var("CANDOR_LABELLER_URL").unwrap_or_else(|_| RELEASE.to_owned());
    tracing::warn!(
        "downloading the offline classifier ({} MB), once, from {release} to {}; --offline or CANDOR_LABELLER={DECLINED} does without it",
        (GRAPH.bytes + TOKENIZER.bytes) / 1_000_000,
        folder.display()
    );
    let handle = Handle::try_current().map_err(|e| e.to_string())?;
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    handle.block_on(async {
        TOKENIZER.fetch(&release, folder).await?;
        GRAPH.fetch(&release, folder).await
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_checkout_are_the_pinned_ones() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/labeller");
        for pinned in [&GRAPH, &TOKENIZER] {
            assert!(pinned.read(&folder).is_ok(), "{}", pinned.name);
        }
        let (source, found) = labeller().unwrap();
        assert_eq!(source, LabellerSource::Checkout, "{}", found.display());
    }

    #[test]
    fn a_file_with_another_byte_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let told = |missing: Result<Vec<u8>, Missing>| match missing {
            Err(Missing::Refused(reason)) => reason,
            Err(Missing::Absent) => "absent".to_owned(),
            Ok(_) => "read".to_owned(),
        };
        assert_eq!(told(TOKENIZER.read(folder.path())), "absent");
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/labeller");
        let mut bytes = std::fs::read(own.join(TOKENIZER.name)).unwrap();
        let place = folder.path().join(TOKENIZER.name);
        bytes[1000] ^= 1;
        std::fs::write(&place, &bytes).unwrap();
        assert!(told(TOKENIZER.read(folder.path())).contains("is not used"));
        bytes[1000] ^= 1;
        std::fs::write(&place, &bytes).unwrap();
        assert_eq!(told(TOKENIZER.read(folder.path())), "read");
        bytes.push(0);
        std::fs::write(&place, &bytes).unwrap();
        assert!(told(TOKENIZER.read(folder.path())).contains("is not used"));
    }
}
