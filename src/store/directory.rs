//! The run directory: its files and the order they are written in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::frames::{self, SCORES, TRIALS};
use super::manifest::Manifest;
use super::record::TrialRecord;
use super::replace::replace;
use super::table::{Parts, Reading, Table};

/// A run directory that is there.
#[derive(Debug, Clone)]
pub struct RunDirectory {
    /// Where it is.
    pub path: PathBuf,
    /// What was run.
    pub manifest: Manifest,
}

impl RunDirectory {
    /// Makes a new directory with its manifest.
    ///
    /// # Errors
    /// [`StoreError`] where a run is already there, or nothing can be written.
    pub fn create(path: &Path, manifest: Manifest) -> Result<Self, StoreError> {
        if path.join(MANIFEST).exists() {
            return Err(StoreError::NotARun {
                path: path.display().to_string(),
                reason:
                    "a run is in it already; go on with it by --resume, or name another directory"
                        .into(),
            });
        }
        fs::create_dir_all(path).map_err(|e| StoreError::file("cannot make", path, &e))?;
        let run = Self {
            path: path.to_path_buf(),
            manifest,
        };
        run.save_manifest()?;
        Ok(run)
    }

    /// Opens a directory that a run has written.
    ///
    /// # Errors
    /// [`StoreError::NotARun`] where there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = path.join(MANIFEST);
        let wrong = |reason: String| StoreError::NotARun {
            path: path.display().to_string(),
            reason,
        };
        let text = fs::read_to_string(&file).map_err(|e| wrong(format!("{MANIFEST} cannot be read ({e}); a run directory is what `candor run -o` or `candor import -o` wrote")))?;
        let manifest: Manifest = serde_json::from_str(&text)
            .map_err(|e| wrong(format!("{MANIFEST} is not a manifest of this version: {e}")))?;
        Ok(Self {
            path: path.to_path_buf(),
            manifest,
        })
    }

    /// Writes the manifest; a reader never sees half of it.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be written.
    pub fn save_manifest(&self) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(&self.manifest)
            .map_err(|e| StoreError::file("cannot write", &self.path, &e))?;
        replace(&self.path.join(MANIFEST), |path| {
            fs::write(path, text + "\n").map_err(|e| StoreError::file("cannot write", path, &e))
        })
    }

    /// The journal's path.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Writes the Parquet files from the journal.
    ///
    /// # Errors
    /// [`StoreError`] where the journal cannot be read or a table not written.
    pub fn write_tables(&self) -> Result<(), StoreError> {
        let strata: BTreeSet<&str> = self
            .manifest
            .suites
            .iter()
            .flat_map(|s| &s.strata)
            .map(String::as_str)
            .collect();
        frames::write_tables(
            &self.journal(),
            &self.table(TRIALS),
            &self.table(SCORES),
            &strata,
        )
    }

    /// Rows of a table, [`TRIALS`] (one per finished trial) or [`SCORES`] (one per score), a part at a time; the tables are written
    /// from the journal first where that is newer.
    ///
    /// # Errors
    /// [`StoreError`] where neither table nor journal can be read; of a part, where a column is not there.
    pub fn parts<'a>(&self, table: &str, reading: Reading<'a>) -> Result<Parts<'a>, StoreError> {
        self.refresh()?;
        Parts::open(self.table(table), reading)
    }

    /// The same rows in one table.
    ///
    /// # Errors
    /// As for [`RunDirectory::parts`].
    pub fn read(&self, table: &str, reading: Reading<'_>) -> Result<Table, StoreError> {
        self.parts(table, reading)?.together()
    }

    /// BLAKE3 over both tables: what a pinned baseline is held to.
    ///
    /// # Errors
    /// [`StoreError`] where a table cannot be read.
    pub fn tables_hash(&self) -> Result<String, StoreError> {
        self.refresh()?;
        let mut hasher = blake3::Hasher::new();
        for table in [TRIALS, SCORES] {
            let path = self.table(table);
            fs::File::open(&path)
                .and_then(|file| hasher.update_reader(file).map(|_| ()))
                .map_err(|e| StoreError::file("cannot read", &path, &e))?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Writes the table of scores anew, from records that carry new ones.
    ///
    /// # Errors
    /// [`StoreError`] where the table cannot be written.
    pub fn write_scores(
        &self,
        records: impl Iterator<Item = Result<TrialRecord, StoreError>>,
    ) -> Result<(), StoreError> {
        self.refresh()?;
        frames::write_scores(&self.table(SCORES), records)
    }

    /// A table's path; a shard's tables carry its number.
    #[must_use]
    pub fn table(&self, name: &str) -> PathBuf {
        match self.manifest.shard {
            Some(shard) => self
                .path
                .join(format!("{name}-{}-of-{}.parquet", shard.index, shard.count)),
            None => self.path.join(format!("{name}.parquet")),
        }
    }

    fn refresh(&self) -> Result<(), StoreError> {
        let changed = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
        let (table, journal) = (changed(&self.table(TRIALS)), changed(&self.journal()));
        if table.is_none() || journal > table {
            self.write_tables()
        } else {
            Ok(())
        }
    }
}

const MANIFEST: &str = "run.json";
