//! The run directory: its files and the order they are written in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tempfile::TempDir;

use super::access::WriteAccess;
use super::address::Address;
use super::bucket::{self, Gaps};
use super::error::StoreError;
use super::frames::{self, SCORES, TRIALS};
use super::journal::{JournalReader, JournalWriter, left_out_of, read_journal};
use super::lock::{LOCK, RunLock};
use super::manifest::Manifest;
use super::own_files::{JOURNAL, MANIFEST, MANIFEST_AT_FIRST, in_the_way, no_links};
use super::record::TrialRecord;
use super::replace::{remove_leftovers, replace};
use super::rescored::{RESCORED, Rescored, RescoredSuite, rescored_suites, write_rescored};
use super::seal::{Held, Sources, holds, knows_rescored, nothing_lost};
use super::table::{Parts, Reading, Table};
use super::traffic::{ServerTraffic, TrafficLog};

/// A run directory that is there.
#[derive(Debug, Clone)]
pub struct RunDirectory {
    /// Where it is.
    pub path: PathBuf,
    /// What was run.
    pub manifest: Manifest,
    /// Where it is on a store; `path` is then its working copy.
    address: Option<Address>,
    /// Held where the run may be written.
    access: Option<Arc<WriteAccess>>,
    /// Where the tables are that are read, once they have been looked at.
    tables: OnceLock<Tables>,
}

/// Tables that may be read.
#[derive(Debug, Clone)]
enum Tables {
    /// The run's own.
    Own,
    /// Others: the run's own do not belong to its journal, and its directory cannot be written.
    Elsewhere(Arc<TempDir>),
}

impl RunDirectory {
    /// Makes a new directory with its manifest, and locks it.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] if a run is already there, or a file that it would write over; [`StoreError`] if another process
    /// writes it, or nothing can be written.
    pub fn create(path: &Path, manifest: Manifest) -> Result<Self, StoreError> {
        let address = Address::of(path)?;
        let (path, access) = match &address {
            Some(address) => WriteAccess::begin(address)?,
            None => (path.to_path_buf(), begin_in(path)?),
        };
        remove_leftovers(&path);
        let run = Self {
            path,
            manifest,
            address,
            access: Some(Arc::new(access)),
            tables: OnceLock::new(),
        };
        run.save_as(MANIFEST_AT_FIRST)?;
        run.save_manifest()?;
        run.publish()?;
        Ok(run)
    }

    /// Opens a directory that a run has written, for reading. What is at an address of a store is copied to this machine first.
    ///
    /// # Errors
    /// [`StoreError::NotARun`] if there is none, [`StoreError::Lost`] if the scores that count are gone.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let Some(address) = Address::of(path)? else {
            return Self::open_folder(path);
        };
        let run = Self::open_folder(&bucket::read(&address)?)?;
        Ok(Self {
            address: Some(address),
            ..run
        })
    }

    fn open_folder(path: &Path) -> Result<Self, StoreError> {
        let run = Self::read_manifests(path)?;
        let rescored = path.join(RESCORED);
        let had = run.manifest.rescored.is_some() || knows_rescored(&path.join(run.seal_name()));
        if had && !rescored.exists() {
            return Err(StoreError::rescored_lost(&rescored));
        }
        Ok(run)
    }

    fn read_manifests(path: &Path) -> Result<Self, StoreError> {
        no_links(path)?;
        let mut manifest = read_manifest(path)?;
        if let Some(suites) = rescored_suites(&path.join(RESCORED))? {
            for (name, now) in suites {
                manifest.rescore(&name, now);
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            manifest,
            address: None,
            access: None,
            tables: OnceLock::new(),
        })
    }

    /// Opens and locks a directory that a run has written, to resume it. What a killed process left half written is removed.
    ///
    /// # Errors
    /// [`StoreError::NotARun`] if there is none, [`StoreError::Locked`] if another process writes it.
    pub fn open_to_write(path: &Path) -> Result<Self, StoreError> {
        Self::locked(path, Gaps::Filled, Self::open_folder)
    }

    /// The same to score its answers again: whether earlier scores are still there does not matter, but every answer must be.
    ///
    /// # Errors
    /// As for [`RunDirectory::open_to_write`], and [`StoreError::Lost`] if the journal has lost lines.
    pub fn open_to_score(path: &Path) -> Result<Self, StoreError> {
        let run = Self::locked(path, Gaps::Refused, Self::read_manifests)?;
        run.journal_is_whole()?;
        Ok(run)
    }

    fn locked(
        path: &Path,
        gaps: Gaps,
        open: impl FnOnce(&Path) -> Result<Self, StoreError>,
    ) -> Result<Self, StoreError> {
        if let Some(address) = Address::of(path)? {
            let (folder, access) = WriteAccess::resume(&address, gaps)?;
            let run = open(&folder)?;
            remove_leftovers(&folder);
            return Ok(Self {
                address: Some(address),
                access: Some(Arc::new(access)),
                ..run
            });
        }
        let manifest_exists = [MANIFEST, MANIFEST_AT_FIRST]
            .iter()
            .any(|name| path.join(name).exists());
        no_links(path)?;
        let lock = if manifest_exists {
            Some(RunLock::take(path)?)
        } else {
            None
        };
        let run = open(path)?;
        remove_leftovers(path);
        let access = lock.map(|lock| Arc::new(WriteAccess::of_folder(lock)));
        Ok(Self { access, ..run })
    }

    /// Where the run is, as a person names it: its directory, or its address.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        match &self.address {
            Some(address) => PathBuf::from(address.to_string()),
            None => self.path.clone(),
        }
    }

    /// Sends what the store of a run does not have yet, and waits for it; nothing is to be done for a directory of this machine.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be sent: what is not sent stays in the working copy, from which resuming on this machine sends it.
    pub fn publish(&self) -> Result<(), StoreError> {
        match &self.access {
            Some(access) => access.publish().map_err(|error| self.unsent(error)),
            None => Ok(()),
        }
    }

    fn unsent(&self, error: StoreError) -> StoreError {
        let StoreError::Bucket {
            action,
            address,
            reason,
            remedy,
        } = error
        else {
            return error;
        };
        StoreError::Bucket {
            action,
            address,
            reason,
            remedy: format!(
                "{remedy}. All answers are in {}; `candor run --resume {}` on this machine sends them",
                self.path.display(),
                self.place().display()
            ),
        }
    }

    /// Refuses a run whose journal has fewer lines than it had when its tables were written.
    ///
    /// # Errors
    /// [`StoreError::Lost`] with both counts.
    pub fn journal_is_whole(&self) -> Result<(), StoreError> {
        nothing_lost(&self.path.join(self.seal_name()), &self.journal())
    }

    /// Whether a process writes the run now.
    #[must_use]
    pub fn is_being_written(&self) -> bool {
        RunLock::is_held(&self.path)
    }

    /// Whether its tables are those of its journals, so that reading them writes nothing.
    #[must_use]
    pub fn has_its_tables(&self) -> bool {
        let (trials, scores) = (self.table(TRIALS), self.table(SCORES));
        if !self.journal().exists() {
            return trials.exists() && scores.exists();
        }
        let (seal, rescored) = (self.path.join(self.seal_name()), self.path.join(RESCORED));
        let held = holds(&seal, &self.journal(), &rescored, [&trials, &scores]);
        matches!(held, Held::Yes { .. })
    }

    /// Writes the manifest; a reader never sees half of it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn save_manifest(&self) -> Result<(), StoreError> {
        self.save_as(MANIFEST)
    }

    fn save_as(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let text = serde_json::to_string_pretty(&self.manifest)
            .map_err(|e| StoreError::file("cannot write", &path, &e))?;
        replace(&path, |mut file| {
            file.write_all((text + "\n").as_bytes())
                .map_err(|e| StoreError::file("cannot write", &path, &e))
        })
    }

    /// The journal's path.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// Opens the journal for appending, under the run's lock.
    ///
    /// # Errors
    /// [`StoreError`] if another process writes the run, or the journal cannot be opened.
    pub fn append_to_journal(&self) -> Result<JournalWriter, StoreError> {
        let access = match (&self.access, &self.address) {
            (Some(access), _) => Arc::clone(access),
            (None, Some(address)) => Arc::new(WriteAccess::resume(address, Gaps::Refused)?.1),
            (None, None) => Arc::new(WriteAccess::of_folder(RunLock::take(&self.path)?)),
        };
        JournalWriter::open(&self.journal(), access)
    }

    /// The log of what happens on the way to answers.
    #[must_use]
    pub fn traffic_log(&self) -> TrafficLog {
        TrafficLog::new(&self.path)
    }

    /// What happened on the way to answers, per server.
    #[must_use]
    pub fn traffic(&self) -> std::collections::BTreeMap<String, ServerTraffic> {
        super::traffic::read(&self.path)
    }

    /// Every trial of the journal with the scores that count: those given later, if there are any. None if there is no journal.
    ///
    /// # Errors
    /// [`StoreError`] if a file cannot be read.
    pub fn records(&self) -> Result<Option<Records>, StoreError> {
        if !self.journal().exists() {
            return Ok(None);
        }
        Ok(Some(Records {
            journal: read_journal(&self.journal())?,
            rescored: Rescored::read(&self.path.join(RESCORED))?,
        }))
    }

    /// Lines of the journal and of scores given later that cannot be read or are missing.
    ///
    /// # Errors
    /// [`StoreError`] if a file cannot be read.
    pub fn damaged_lines(&self) -> Result<u64, StoreError> {
        // A file without a first line that can be read gives no scores at all.
        let unread = u64::from(self.path.join(RESCORED).exists());
        Ok(self.records()?.map_or(0, |records| {
            let rescored = records.rescored.as_ref().map_or(unread, Rescored::damaged);
            records.journal.left_out() + rescored
        }))
    }

    /// Keeps scores that were given after the run, in place of earlier ones, and rewrites the tables.
    ///
    /// # Errors
    /// [`StoreError`] if something cannot be written. The scores change at once or not at all.
    pub fn keep_scores(
        &mut self,
        suites: BTreeMap<String, RescoredSuite>,
        records: impl Iterator<Item = Result<TrialRecord, StoreError>>,
    ) -> Result<(), StoreError> {
        write_rescored(&self.path.join(RESCORED), suites.clone(), records)?;
        for (name, now) in suites {
            self.manifest.rescore(&name, now);
        }
        self.manifest.rescored = Some(Timestamp::now());
        self.save_manifest()?;
        self.write_tables()?;
        self.publish()
    }

    /// Writes the Parquet files from the journals, and seals them.
    ///
    /// # Errors
    /// [`StoreError`] if a journal cannot be read or a table not written.
    pub fn write_tables(&self) -> Result<(), StoreError> {
        self.write_tables_into(&self.path)?;
        let _ = self.tables.set(Tables::Own);
        Ok(())
    }

    fn write_tables_into(&self, folder: &Path) -> Result<(), StoreError> {
        let strata: BTreeSet<&str> = self
            .manifest
            .suites
            .iter()
            .flat_map(|s| &s.strata)
            .map(String::as_str)
            .collect();
        let place = |name: &str| folder.join(self.table_name(name));
        let (trials, scores) = (place(TRIALS), place(SCORES));
        let sources = Sources::read(&self.journal(), &self.path.join(RESCORED))?;
        let records = self.records()?;
        let counted = records.as_ref().map(|r| r.journal.counts());
        frames::write_tables(records.into_iter().flatten(), &trials, &scores, &strata)?;
        sources.seal(
            &folder.join(self.seal_name()),
            &trials,
            &scores,
            counted.unwrap_or_default(),
        )
    }

    /// Rows of a table, [`TRIALS`] (one per finished trial) or [`SCORES`] (one per score), a part at a time; the tables are written
    /// from the journals first where they are not those of them.
    ///
    /// # Errors
    /// [`StoreError`] if neither table nor journal can be read; of a part, where a column is not there.
    pub fn parts<'a>(&self, table: &str, reading: Reading<'a>) -> Result<Parts<'a>, StoreError> {
        let path = self.tables_folder()?.join(self.table_name(table));
        Parts::open(path, reading)
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
    /// [`StoreError`] if a table cannot be read.
    pub fn tables_hash(&self) -> Result<String, StoreError> {
        let folder = self.tables_folder()?;
        let mut hasher = blake3::Hasher::new();
        for table in [TRIALS, SCORES] {
            let path = folder.join(self.table_name(table));
            fs::File::open(&path)
                .and_then(|file| hasher.update_reader(file).map(|_| ()))
                .map_err(|e| StoreError::file("cannot read", &path, &e))?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// A table's path; a shard's tables carry its number.
    #[must_use]
    pub fn table(&self, name: &str) -> PathBuf {
        self.path.join(self.table_name(name))
    }

    fn table_name(&self, name: &str) -> String {
        format!("{name}{}.parquet", self.shard_suffix())
    }

    fn seal_name(&self) -> String {
        format!("tables{}.json", self.shard_suffix())
    }

    fn shard_suffix(&self) -> String {
        match self.manifest.shard {
            Some(shard) => format!("-{}-of-{}", shard.index, shard.count),
            None => String::new(),
        }
    }

    /// Where the tables are that belong to the journals; they are written first where they do not. Looked at once: what is read of a run
    /// that continues meanwhile is of one moment.
    fn tables_folder(&self) -> Result<PathBuf, StoreError> {
        if self.tables.get().is_none() {
            let tables = self.heal()?;
            let _ = self.tables.set(tables);
        }
        Ok(match self.tables.get() {
            Some(Tables::Elsewhere(folder)) => folder.path().to_path_buf(),
            _ => self.path.clone(),
        })
    }

    /// Whoever was killed while writing tables left parts of them; those of writers that live are locked.
    fn write_tables_beside_the_journal(&self) -> Result<(), StoreError> {
        remove_leftovers(&self.path);
        self.write_tables_into(&self.path)
    }

    /// Sees to it that the tables are those of the journals.
    fn heal(&self) -> Result<Tables, StoreError> {
        self.journal_is_whole()?;
        let (trials, scores) = (self.table(TRIALS), self.table(SCORES));
        // Tables without a journal are all there is.
        if !self.journal().exists() && trials.exists() && scores.exists() {
            return Ok(Tables::Own);
        }
        let seal = self.path.join(self.seal_name());
        let rescored = self.path.join(RESCORED);
        match holds(&seal, &self.journal(), &rescored, [&trials, &scores]) {
            Held::Yes { left_out } => {
                if left_out > 0 {
                    tracing::warn!("{}", left_out_of(&self.journal(), left_out));
                }
                Ok(Tables::Own)
            }
            Held::No => match self.write_tables_beside_the_journal() {
                Ok(()) => Ok(Tables::Own),
                Err(StoreError::File {
                    action: "cannot write",
                    ..
                }) => {
                    let folder = tempfile::tempdir()
                        .map_err(|e| StoreError::file("cannot create a folder for", &trials, &e))?;
                    self.write_tables_into(folder.path())?;
                    Ok(Tables::Elsewhere(Arc::new(folder)))
                }
                Err(error) => Err(error),
            },
        }
    }
}

/// Trials of a run with the scores that count.
pub struct Records {
    journal: JournalReader,
    rescored: Option<Rescored>,
}

impl Records {
    /// The journal's reader, for what it counted.
    #[must_use]
    pub fn journal(&self) -> &JournalReader {
        &self.journal
    }
}

impl Iterator for Records {
    type Item = Result<TrialRecord, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.journal.next()?;
        Some(next.and_then(|mut record| {
            if let Some(rescored) = &mut self.rescored {
                rescored.apply(&mut record)?;
            }
            Ok(record)
        }))
    }
}

/// The right to begin a run in a folder of this machine.
fn begin_in(path: &Path) -> Result<WriteAccess, StoreError> {
    fs::create_dir_all(path).map_err(|e| StoreError::file("cannot make", path, &e))?;
    no_links(path)?;
    // Before there is a lock, which is a file of ours: a folder that a run may not begin in stays as it is.
    vacant(path)?;
    let lock = RunLock::take(path)?;
    vacant(path)?;
    Ok(WriteAccess::of_folder(lock))
}

/// Refuses a folder in which a new run would write over something. A manifest of ours without a journal is what a killed beginning left.
fn vacant(folder: &Path) -> Result<(), StoreError> {
    let begun = folder.join(MANIFEST_AT_FIRST).exists()
        && ![MANIFEST, JOURNAL]
            .iter()
            .any(|name| folder.join(name).exists())
        && read_manifest(folder).is_ok();
    let reason = match in_the_way(folder) {
        None if RunLock::is_ours(folder) => return Ok(()),
        None => format!("its {LOCK} is not candor's; name another directory"),
        Some(name) if begun && name == MANIFEST_AT_FIRST => return Ok(()),
        Some(_) if folder.join(MANIFEST).exists() => {
            if folder.join(LOCK).exists() {
                // Whoever is writing it is named.
                RunLock::take(folder)?;
            }
            "it contains a run already; resume it with --resume, or name another directory".into()
        }
        Some(name) => format!(
            "it contains {name}, which a run would overwrite, but no run.json; restore its run.json to resume the run, or name another directory"
        ),
    };
    Err(StoreError::Occupied {
        path: folder.display().to_string(),
        reason,
    })
}

/// The manifest, or as it was when the run began where that is all that can be read.
fn read_manifest(folder: &Path) -> Result<Manifest, StoreError> {
    let read = |name: &str| -> Result<Manifest, String> {
        let text = fs::read_to_string(folder.join(name)).map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| match text.trim() {
            "" => "it is empty".to_owned(),
            _ => e.to_string(),
        })
    };
    read(MANIFEST).or_else(|why| {
        let Ok(manifest) = read(MANIFEST_AT_FIRST) else {
            let reason = if folder.join(JOURNAL).exists() {
                format!(
                    "{MANIFEST} cannot be read ({why}), but the answers are in {JOURNAL}. Restore {MANIFEST} from a copy; without one, start the run again in another directory with the same suites, models, limit, epochs and seed, and copy {JOURNAL} next to its {MANIFEST}"
                )
            } else {
                format!(
                    "{MANIFEST} cannot be read ({why}); a run directory is one written by `candor run` or `candor import`"
                )
            };
            return Err(StoreError::NotARun {
                path: folder.display().to_string(),
                reason,
            });
        };
        tracing::warn!(
            "{}: {MANIFEST} cannot be read ({why}); using its state at the start of the run, from {MANIFEST_AT_FIRST}",
            folder.display()
        );
        Ok(manifest)
    })
}
