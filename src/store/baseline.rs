//! Pinned baselines: a file of names, each for a model of a run, with the run's content hash.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::is_on_a_store;
use super::directory::RunDirectory;
use super::error::StoreError;
use super::replace::replace;

/// The file's usual name, next to `gate.toml`.
pub const BASELINES: &str = "baselines.toml";

/// A pinned baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The run's directory, relative to the file, or its address.
    pub run: PathBuf,
    /// The model in it.
    pub model: String,
    /// BLAKE3 of the run's tables.
    pub hash: String,
    /// The model's fingerprint.
    pub fingerprint: String,
    /// Versions of its suites.
    pub suites: BTreeMap<String, String>,
    /// When it was pinned.
    pub pinned: Timestamp,
}

/// Pinned baselines by name.
#[derive(Debug, Clone)]
pub struct Baselines {
    path: PathBuf,
    named: BTreeMap<String, Baseline>,
}

impl Baselines {
    /// Reads the file; none are pinned without a file.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let named = match fs::read_to_string(path) {
            Ok(text) => {
                toml::from_str(&text).map_err(|e| StoreError::file("cannot read", path, &e))?
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(StoreError::file("cannot read", path, &e)),
        };
        Ok(Self {
            path: path.to_path_buf(),
            named,
        })
    }

    /// Every baseline by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Baseline)> {
        self.named.iter()
    }

    /// The baseline of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Baseline> {
        self.named.get(name)
    }

    /// The run's directory of a baseline.
    #[must_use]
    pub fn run_of(&self, baseline: &Baseline) -> PathBuf {
        if is_on_a_store(&baseline.run) {
            return baseline.run.clone();
        }
        self.folder().join(&baseline.run)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// Opens a baseline's run, after checking that it is what was pinned.
    ///
    /// # Errors
    /// [`StoreError::NotPinned`] if the run has changed, [`StoreError`] if it cannot be read.
    pub fn open(&self, name: &str, baseline: &Baseline) -> Result<RunDirectory, StoreError> {
        let run = RunDirectory::open(&self.run_of(baseline))?;
        if run.tables_hash()? != baseline.hash {
            return Err(StoreError::NotPinned {
                name: name.into(),
                path: run.place().display().to_string(),
            });
        }
        Ok(run)
    }

    /// Pins a model of a run under a name, in place of what stood there.
    ///
    /// # Errors
    /// [`StoreError`] if the run cannot be read or the file not written.
    pub fn pin(&mut self, name: &str, run: &RunDirectory, model: &str) -> Result<(), StoreError> {
        let absolute = |path: &Path| {
            fs::canonicalize(path).map_err(|e| StoreError::file("cannot find", path, &e))
        };
        let folder = match self.folder() {
            folder if folder.as_os_str().is_empty() => Path::new("."),
            folder => folder,
        };
        let place = run.place();
        let place = if is_on_a_store(&place) {
            place
        } else {
            relative(&absolute(&place)?, &absolute(folder)?)
        };
        let fingerprint = run
            .manifest
            .models
            .iter()
            .find(|m| m.identity.name == model)
            .map(|m| m.identity.fingerprint.clone())
            .unwrap_or_default();
        let pinned = Baseline {
            run: place,
            model: model.into(),
            hash: run.tables_hash()?,
            fingerprint,
            suites: run
                .manifest
                .suites
                .iter()
                .map(|s| (s.name.clone(), s.version.clone()))
                .collect(),
            pinned: Timestamp::now(),
        };
        self.named.insert(name.to_owned(), pinned);
        let text = toml::to_string_pretty(&self.named)
            .map_err(|e| StoreError::file("cannot write", &self.path, &e))?;
        replace(&self.path, |mut file| {
            file.write_all(text.as_bytes())
                .map_err(|e| StoreError::file("cannot write", &self.path, &e))
        })
    }
}

/// A path as seen from a folder; the path itself where the two share nothing.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let shared = path
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared <= 1 {
        return path.to_path_buf();
    }
    let up = folder.components().skip(shared).map(|_| Path::new(".."));
    up.map(Path::to_path_buf)
        .chain(std::iter::once(path.components().skip(shared).collect()))
        .collect()
}
