//! A run's own files: their names, what must not exist where a run starts, and what must not be overwritten.

use std::fs;
use std::path::{Path, PathBuf};

use super::address::Address;
use super::error::StoreError;
use super::lock::LOCK;
use super::rescored::RESCORED;
use super::traffic::TRAFFIC;
use crate::files::PlainPath;

pub(super) const MANIFEST: &str = "run.json";
/// The manifest as it was when the run began: all that is needed to continue, should the other be lost.
pub(super) const MANIFEST_AT_FIRST: &str = "run.json.bak";
pub(super) const JOURNAL: &str = "journal.jsonl";
/// The batches that were submitted, which models write down.
pub const BATCHES: &str = "batches.jsonl";
pub(super) const REPORT: &str = "report.html";
pub(super) const LABELS: &str = "labels.jsonl";

/// What a command writes, which decides which file of a run it can overwrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A report: `report.html` is its place.
    Report,
    /// A person's labels: `labels.jsonl` is their place.
    Labels,
    /// Anything else: it has no place among a run's files.
    Other,
}

impl Output {
    fn may_not_be(self, name: &str) -> bool {
        is_own(name)
            || (name == REPORT && self != Self::Report)
            || (name == LABELS && self != Self::Labels)
    }
}

/// Whether a run alone writes files of that name: manifest, journals, tables, lock.
fn is_own(name: &str) -> bool {
    const TABLES: &[(&str, &str)] = &[
        ("trials", ".parquet"),
        ("scores", ".parquet"),
        ("tables", ".json"),
    ];
    [
        MANIFEST,
        MANIFEST_AT_FIRST,
        JOURNAL,
        RESCORED,
        TRAFFIC,
        BATCHES,
        LOCK,
    ]
    .contains(&name)
        || TABLES
            .iter()
            .any(|(first, last)| name.starts_with(first) && name.ends_with(last))
}

/// Whether a file of that name is read where a run is read, the journal aside. A name with a folder is none.
pub(super) fn is_read(name: &str) -> bool {
    let is_plain = !name.contains('/') && name.parse::<PlainPath>().is_ok();
    is_plain && (is_own(name) || name == LABELS) && ![LOCK, JOURNAL].contains(&name)
}

/// The folder of the files that a large report has beside it.
pub(super) const REPORT_FILES: &str = "report_files";

/// Refuses to write a command's output over a file of any run, or over what the command reads, however either is spelled: behind a link,
/// under another name, through a folder that is one. `read` are run directories and files.
///
/// # Errors
/// [`StoreError::NotForOutput`].
pub fn may_be_written(output: &Path, what: Output, read: &[&Path]) -> Result<(), StoreError> {
    if Address::of(output)?.is_some() {
        return Err(StoreError::NotForOutput {
            path: output.display().to_string(),
            whose: "on a store, where candor writes nothing but runs,".into(),
        });
    }
    let target = behind_links(output);
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let refused = |whose: String| {
        Err(StoreError::NotForOutput {
            path: output.display().to_string(),
            whose,
        })
    };
    let is_a_run = [MANIFEST, MANIFEST_AT_FIRST, JOURNAL]
        .iter()
        .any(|name| folder.join(name).exists());
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    if is_a_run && what.may_not_be(&name) {
        return refused(format!("{name} of the run {}", folder.display()));
    }
    for place in read.iter().copied().chain(is_a_run.then_some(folder)) {
        if place.is_dir() {
            let own = names(place)
                .into_iter()
                .filter(|name| what.may_not_be(name));
            if let Some(name) = own
                .into_iter()
                .find(|name| is_same(&place.join(name), &target))
            {
                return refused(format!("{name} of the run {}", place.display()));
            }
        } else if is_same(place, &target) {
            return refused("read by this command".into());
        }
    }
    Ok(())
}

/// The target of a path that can be a symbolic link, even to a file that does not exist yet.
fn behind_links(path: &Path) -> PathBuf {
    const MAX_LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// Whether two paths lead to the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) {
        use std::os::unix::fs::MetadataExt as _;
        return (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// A file that a new run would write over, in the folder where it is to begin.
pub(super) fn in_the_way(folder: &Path) -> Option<String> {
    let written = |name: &String| name == REPORT || (is_own(name) && name != LOCK);
    names(folder).into_iter().find(written)
}

/// Refuses a directory in which a run's own file is a symbolic link. Run directories come from others too, and through a link they
/// would be read, written or packed as evidence where their author has no business.
pub(super) fn no_links(folder: &Path) -> Result<(), StoreError> {
    for name in names(folder) {
        let ours = is_own(&name) || [REPORT, LABELS].contains(&name.as_str());
        if ours && folder.join(&name).is_symlink() {
            return Err(StoreError::NotARun {
                path: folder.display().to_string(),
                reason: format!(
                    "{name} is a symbolic link; a run's files must be in its own directory, so put the file itself there"
                ),
            });
        }
    }
    Ok(())
}
