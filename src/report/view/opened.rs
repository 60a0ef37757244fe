//! Runs that are open: their shelf, which a thread fills and keeps filling while they are written, and the report on them, which another
//! computes once none of them is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
};
use std::time::{Duration, Instant};

use super::catalogue::Catalogue;
use super::progress::{RunProgress, name_of};
use super::query::{Found, Query, find};
use super::shelf::{Shelf, columns};
use crate::analysis::Dataset;
use crate::report::transcripts::SCORE_COLUMNS;
use crate::report::{Language, Report, ReportError, ReportOptions};
use crate::store::{
    Filter, JournalTail, Manifest, Reading, RunDirectory, RunStatus, SCORES, TRIALS, stratum_column,
};

/// How often a journal is looked at for new trials.
const TICK: Duration = Duration::from_millis(400);
/// The same where no run is in progress: one can be resumed.
const IDLE: Duration = Duration::from_secs(2);
/// How often it is asked whether a run that says it is running still has a writer, where its journal does not tell.
const STILL_WRITTEN: Duration = Duration::from_secs(15);
/// Lists of questions that are kept for the next page.
const KEPT_FINDS: usize = 6;

/// How several runs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// As one: shards of a plan, other models on the same suites.
    Together,
    /// Each beside the others, even the same model's.
    Apart,
}

/// Makes the process that prints the sections of a report on runs, read in one of two ways, as [`Report::sections_as_json`] gives them.
pub struct ReportProcess(pub Box<MakeCommand>);

type MakeCommand = dyn Fn(&[PathBuf], Reads) -> Command + Send + Sync;

/// The part of the page above the transcripts.
pub(super) enum Sections {
    /// It waits for the runs to be read or to end.
    Waiting,
    /// As JSON: headlines, navigation, and sections as HTML.
    Ready(Arc<str>),
    /// Why there is none.
    Failed(String),
}

/// What the thread that fills the shelf tells.
struct Status {
    runs: Vec<RunProgress>,
    /// Tables or journals are still being read for the first time.
    reading: bool,
    /// Why not everything could be read.
    trouble: Option<String>,
    sections: Sections,
    /// The version of the catalogue that they are of.
    sections_version: u64,
    /// What names each run's answers; none until they have been computed.
    hashes: Vec<String>,
}

/// Runs that are open.
pub(super) struct Opened {
    paths: Vec<PathBuf>,
    reads: Reads,
    language: Language,
    process: Arc<ReportProcess>,
    pub title: String,
    pub baseline: Option<u16>,
    shelf: RwLock<Shelf>,
    status: Mutex<Status>,
    finds: Mutex<Vec<(Query, Arc<Found>)>>,
}

impl Opened {
    /// Opens runs, and begins to read them.
    ///
    /// # Errors
    /// [`ReportError`] if one is not a run, or a model that is to be the baseline is unknown.
    pub(super) fn open(
        paths: Vec<PathBuf>,
        reads: Reads,
        options: &ReportOptions,
        process: Arc<ReportProcess>,
    ) -> Result<Arc<Self>, ReportError> {
        let data = match reads {
            Reads::Together => Dataset::open(&paths)?,
            Reads::Apart => Dataset::open_apart(&paths)?,
        };
        let baseline = data.baseline(options.baseline.as_deref())?;
        let baseline = baseline.and_then(|b| data.names().position(|m| m == b));
        let catalogue = Catalogue::new(data.suites.clone(), data.names());
        let shelf = Shelf::new(catalogue)
            .map_err(|e| ReportError::file("cannot make a file in", &std::env::temp_dir(), &e))?;
        let runs = data.manifests.iter().zip(&paths);
        let opened = Arc::new(Self {
            title: Report::title_of(&data, options),
            baseline: baseline.and_then(|b| u16::try_from(b).ok()),
            status: Mutex::new(Status {
                runs: runs
                    .map(|(manifest, path)| RunProgress::of(name_of(path), manifest, true))
                    .collect(),
                reading: true,
                trouble: None,
                sections: Sections::Waiting,
                sections_version: 0,
                hashes: Vec::new(),
            }),
            shelf: RwLock::new(shelf),
            finds: Mutex::new(Vec::new()),
            paths,
            reads,
            language: options.language,
            process,
        });
        let own = Arc::downgrade(&opened);
        std::thread::Builder::new()
            .name("candor-view".into())
            .spawn(move || fill(&own, &data))
            .map_err(|e| ReportError::file("cannot read", Path::new("the runs"), &e))?;
        Ok(opened)
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }

    pub(super) fn shelf(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for the one thread that puts something on it.
    fn shelf_to_fill(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the page shows of runs in progress.
    pub(super) fn state(&self) -> serde_json::Value {
        let status = self.status();
        let sections = match &status.sections {
            Sections::Waiting => "waiting",
            Sections::Ready(_) => "ready",
            Sections::Failed(_) => "failed",
        };
        let failure = match &status.sections {
            Sections::Failed(why) => Some(why.clone()),
            _ => status.trouble.clone(),
        };
        serde_json::json!({
            "runs": status.runs,
            "reading": status.reading,
            "sections": sections,
            "sections_version": status.sections_version,
            "trouble": failure.map(|why| crate::text::visible(&why).into_owned()),
            "hashes": status.hashes,
        })
    }

    /// The sections, once they have been computed.
    pub(super) fn sections(&self) -> Option<Arc<str>> {
        match &self.status().sections {
            Sections::Ready(json) => Some(Arc::clone(json)),
            _ => None,
        }
    }

    /// The questions that a query asks for: those of the page before, where nothing has come since.
    pub(super) fn find(&self, query: &Query) -> std::io::Result<Arc<Found>> {
        let shelf = self.shelf();
        let version = shelf.catalogue.version;
        let kept = self.finds.lock().unwrap_or_else(PoisonError::into_inner);
        let same = kept
            .iter()
            .find(|(q, found)| q == query && found.version == version);
        if let Some((_, found)) = same {
            return Ok(Arc::clone(found));
        }
        drop(kept);
        let words = Some(&query.search).filter(|words| !words.is_empty());
        let owners = words.map(|w| shelf.haystack.search(w)).transpose()?;
        let found = Arc::new(find(query, &shelf.catalogue, self.baseline, owners));
        drop(shelf);
        let mut kept = self.finds.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(q, found)| q != query && found.version == version);
        kept.insert(0, (query.clone(), Arc::clone(&found)));
        kept.truncate(KEPT_FINDS);
        Ok(found)
    }
}

/// A run that is followed.
struct Followed {
    path: PathBuf,
    number: u16,
    tail: JournalTail,
    manifest: Manifest,
    /// When it was last known that somebody writes it.
    written: Instant,
    is_written: bool,
}

impl Followed {
    /// Whether a process still writes it: its tables come last.
    fn goes_on(&self) -> bool {
        self.is_written
    }
}

/// Fills the shelf of runs until nobody looks at it any more.
fn fill(opened: &Weak<Opened>, data: &Dataset) {
    let Some(own) = opened.upgrade() else {
        return;
    };
    let strata: Vec<(String, String)> = data
        .strata
        .iter()
        .map(|name| (name.clone(), stratum_column(name)))
        .collect();
    let mut followed = Vec::new();
    for (number, (directory, renamed)) in data.directories().enumerate() {
        let run = match own.reads {
            Reads::Together => 0,
            Reads::Apart => u16::try_from(number).unwrap_or(u16::MAX),
        };
        let journal = directory.journal();
        let length = std::fs::metadata(&journal).map_or(0, |m| m.len());
        // Tables that are not those of the journal are never written from here: the journal is read.
        let has_tables = directory.has_its_tables();
        if has_tables && let Err(error) = read_tables(&own, directory, renamed, &strata, run) {
            own.status().trouble = Some(error.to_string());
        }
        followed.push(Followed {
            path: directory.path.clone(),
            number: run,
            tail: JournalTail::from(journal, if has_tables { length } else { 0 }),
            manifest: directory.manifest.clone(),
            written: Instant::now(),
            is_written: directory.is_being_written(),
        });
    }
    drop(own);
    let renamed: Vec<_> = data.directories().map(|(_, renamed)| renamed).collect();
    let mut computed = None;
    loop {
        let Some(own) = opened.upgrade() else {
            return;
        };
        let mut came = false;
        for (run, renamed) in followed.iter_mut().zip(&renamed) {
            came |= follow(&own, run, renamed);
        }
        let mut status = own.status();
        status.reading &= came;
        let ended = !status.reading && !followed.iter().any(Followed::goes_on);
        for (at, run) in followed.iter().enumerate() {
            let name = name_of(&run.path);
            status.runs[at] = RunProgress::of(name, &run.manifest, run.is_written);
        }
        drop(status);
        let version = own.shelf().catalogue.version;
        if ended && computed != Some(version) {
            computed = Some(version);
            let (own, version) = (Arc::clone(&own), version);
            let compute = move || compute(&own, version);
            let _ = std::thread::Builder::new()
                .name("candor-report".into())
                .spawn(compute);
        }
        drop(own);
        if !came {
            std::thread::sleep(if ended { IDLE } else { TICK });
        }
    }
}

fn read_tables(
    own: &Opened,
    directory: &RunDirectory,
    renamed: &std::collections::HashMap<String, String>,
    strata: &[(String, String)],
    run: u16,
) -> Result<(), ReportError> {
    let columns = columns(strata);
    let strata: Vec<(&str, &str)> = strata
        .iter()
        .map(|(n, c)| (n.as_str(), c.as_str()))
        .collect();
    let all = Filter::all();
    let reading = |columns| Reading {
        columns,
        filter: &all,
        renamed,
    };
    for part in directory.parts(TRIALS, reading(&columns))? {
        let trials = own.shelf().trials_of(&part?, &columns, &strata, run)?;
        own.shelf_to_fill().take(&trials)?;
    }
    for part in directory.parts(SCORES, reading(&SCORE_COLUMNS))? {
        let scores = own.shelf().scores_of(&part?, run)?;
        own.shelf_to_fill().take_scores(scores)?;
    }
    Ok(())
}

/// Reads what a run's journal has got since, and its manifest; gives whether anything came.
fn follow(
    own: &Opened,
    run: &mut Followed,
    renamed: &std::collections::HashMap<String, String>,
) -> bool {
    let records = run.tail.read_on().unwrap_or_else(|error| {
        own.status().trouble = Some(error.to_string());
        Vec::new()
    });
    let came = !records.is_empty();
    if came {
        let model = |name| renamed.get(name).map_or(name, String::as_str);
        let records = own.shelf().records_of(&records, model, run.number);
        if let Err(error) = own.shelf_to_fill().take(&records) {
            own.status().trouble = Some(error.to_string());
        }
        run.written = Instant::now();
        run.is_written = true;
    }
    if let Ok(directory) = RunDirectory::open(&run.path) {
        run.manifest = directory.manifest.clone();
        let over = run.manifest.status != RunStatus::Running;
        if run.is_written && (over || run.written.elapsed() > STILL_WRITTEN) {
            run.is_written = directory.is_being_written();
            run.written = Instant::now();
        }
    }
    came
}

/// Has the report's sections computed of what the runs have now: in a process of its own, since a report of many answers needs far more
/// memory than serving them.
fn compute(own: &Opened, version: u64) {
    let made = sections_of((own.process.0)(&own.paths, own.reads));
    if own.shelf().catalogue.version != version {
        return;
    }
    let mut status = own.status();
    status.sections_version = version;
    match made {
        Ok((json, hashes)) => {
            status.sections = Sections::Ready(json.into());
            status.hashes = hashes;
        }
        Err(why) => status.sections = Sections::Failed(why),
    }
}

/// What a process prints that computes sections, and the runs' hashes in it; else what it said.
fn sections_of(mut process: Command) -> Result<(String, Vec<String>), String> {
    #[derive(serde::Deserialize)]
    struct Printed {
        hashes: Vec<String>,
    }
    let output = process.stdin(Stdio::null()).output();
    let output = output.map_err(|e| format!("the report's process does not start: {e}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let Printed { hashes } = serde_json::from_str(&printed)
        .map_err(|e| format!("the report's process printed something else: {e}"))?;
    Ok((printed, hashes))
}
