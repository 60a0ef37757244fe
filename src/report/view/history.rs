//! A folder of runs: what each was, and what it came to, the newest first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::progress::{RunProgress, name_of};
use crate::analysis::{Cell, Dataset, Estimand, summarise};
use crate::report::figures::percent;
use crate::report::templates::Templates;
use crate::report::{Language, ReportError};
use crate::store::{RunDirectory, RunStatus};
use crate::text::visible;

/// How long the page waits for scores.
const MOST_WAIT: Duration = Duration::from_secs(2);

/// The scores of a run, in words; none until they have been computed.
type Scores = Option<Vec<String>>;

/// The runs of a folder.
pub(super) struct History {
    folder: PathBuf,
    language: Language,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// Runs by their numbers in addresses: one that was met keeps its number.
    paths: Vec<PathBuf>,
    scores: HashMap<PathBuf, Scores>,
}

#[derive(Serialize)]
struct Context {
    title: String,
    policy: String,
    style: &'static str,
    rows: Vec<Row>,
    /// Whether scores are still being computed.
    waits: bool,
    /// Whether two runs were to be chosen, and were not.
    choose: bool,
}

#[derive(Serialize)]
struct Row {
    number: usize,
    #[serde(flatten)]
    progress: RunProgress,
    models: Vec<String>,
    suites: Vec<String>,
    scores: Option<Vec<String>>,
}

/// The runs directly in a folder.
fn runs_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let paths = entries.filter_map(|e| e.ok().map(|e| e.path()));
    Ok(paths.filter(|p| p.join("run.json").is_file()).collect())
}

impl History {
    /// The runs directly in a folder; none where it is not a folder of runs.
    pub(super) fn of(folder: &Path, language: Language) -> Option<Self> {
        let is_run = folder.join("run.json").exists();
        let runs = runs_in(folder)
            .ok()
            .filter(|runs| !is_run && !runs.is_empty())?;
        Some(Self {
            folder: folder.into(),
            language,
            known: Arc::new(Mutex::new(Known {
                paths: runs,
                scores: HashMap::new(),
            })),
        })
    }

    /// How many runs are known.
    pub(super) fn len(&self) -> usize {
        self.known().paths.len()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directories of the runs numbered in an address, such as `3` or `3+7`.
    pub(super) fn paths(&self, numbers: &str) -> Option<Vec<PathBuf>> {
        let known = self.known();
        let path = |n: &str| known.paths.get(n.parse::<usize>().ok()?).cloned();
        numbers.split('+').map(path).collect()
    }

    /// Waits a little for scores that are being computed, and fills them in; gives whether some still are.
    fn wait(&self, rows: &mut [(Timestamp, Row)]) -> bool {
        let started = Instant::now();
        loop {
            let known = self.known();
            let waits = known.scores.values().any(Option::is_none);
            if !waits || started.elapsed() > MOST_WAIT {
                for (_, row) in rows {
                    row.scores = known
                        .scores
                        .get(&known.paths[row.number])
                        .cloned()
                        .flatten();
                }
                return waits;
            }
            drop(known);
            std::thread::sleep(MOST_WAIT / 40);
        }
    }

    /// The page, with the runs there are now.
    pub(super) fn page(&self, choose: bool) -> Result<(String, String), ReportError> {
        let now = runs_in(&self.folder).unwrap_or_default();
        let mut known = self.known();
        for path in now {
            if !known.paths.contains(&path) {
                known.paths.push(path);
            }
        }
        let mut rows = Vec::new();
        let mut waiting = Vec::new();
        for (number, path) in known.paths.clone().into_iter().enumerate() {
            let Ok(directory) = RunDirectory::open(&path) else {
                continue;
            };
            let manifest = &directory.manifest;
            // Scores are of runs that have ended; those of others are on their own page.
            let ended = manifest.status != RunStatus::Running;
            if ended && !known.scores.contains_key(&path) {
                known.scores.insert(path.clone(), None);
                waiting.push(path.clone());
            }
            rows.push((
                manifest.created,
                Row {
                    number,
                    progress: RunProgress::of(
                        name_of(&path),
                        manifest,
                        !ended && directory.is_being_written(),
                    ),
                    models: manifest
                        .models
                        .iter()
                        .map(|m| m.identity.name.clone())
                        .collect(),
                    suites: manifest.suites.iter().map(|s| s.name.clone()).collect(),
                    scores: None,
                },
            ));
        }
        rows.sort_by(|(a, _), (b, _)| b.cmp(a));
        drop(known);
        if !waiting.is_empty() {
            let known = Arc::clone(&self.known);
            let score = move || {
                for path in waiting {
                    let scores = scores(&path).unwrap_or_else(|e| vec![e.to_string()]);
                    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.scores.insert(path, Some(scores));
                }
            };
            let _ = std::thread::Builder::new()
                .name("candor-history".into())
                .spawn(score);
        }
        let waits = self.wait(&mut rows);
        let style = crate::report::embedded::file("style.css");
        let policy = crate::report::html::plain_policy(style);
        let context = Context {
            title: visible(&name_of(&self.folder)).into_owned(),
            policy: policy.clone(),
            style,
            rows: rows.into_iter().map(|(_, row)| row).collect(),
            waits,
            choose,
        };
        let html = Templates::new(self.language)?.render("history.html", &context)?;
        Ok((html, policy))
    }
}

/// Each model's score on each suite of a run, with its interval.
fn scores(path: &Path) -> Result<Vec<String>, ReportError> {
    let data = Dataset::open(&[path])?;
    let asked = data.asked(&data.headlines())?;
    let cells = summarise(&data, &asked.scored, Estimand::default())?;
    let several = (data.models.len() > 1, data.suites.len() > 1);
    let line = |cell: &Cell| {
        let figure = match &cell.estimate {
            Ok(e) => format!(
                "{} [{}, {}]",
                percent(e.value),
                percent(e.interval.low),
                percent(e.interval.high)
            ),
            Err(why) => why.to_string(),
        };
        let name = match several {
            (false, false) => String::new(),
            (true, false) => format!("{}: ", cell.model),
            (false, true) => format!("{}: ", cell.suite),
            (true, true) => format!("{} on {}: ", cell.model, cell.suite),
        };
        visible(&format!("{name}{figure}")).into_owned()
    };
    Ok(cells.iter().map(line).collect())
}
