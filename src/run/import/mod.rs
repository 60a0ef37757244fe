//! Imports recorded answers of other tools as ordinary runs: one file or folder per format, one line in `FORMATS`.

mod evalscope;
mod freedombench;
mod inspect;
mod lines;
mod lm_eval;
mod nemo;
mod output;
mod promptfoo;
mod recordings;
mod sight;
mod speechmap;
mod values;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::store::{RunDirectory, StoreError};
use crate::text::{instead, visible_line};
use sight::Sight;

/// What an import brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Trials written.
    pub trials: u64,
    /// Different models.
    pub models: usize,
    /// Different suites.
    pub suites: usize,
    /// Labels from outside, of another judge, written beside the run.
    pub labels: usize,
    /// What was skipped, by reason.
    pub skipped: Vec<Skipped>,
    /// Remarks on the recordings.
    pub notes: Vec<String>,
}

/// What an import skipped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// How often.
    pub count: u64,
    /// Where first: a file, with its line or entry.
    pub first: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            reason,
            count,
            first,
        } = self;
        let first = visible_line(first);
        match count {
            1 => write!(f, "skipped {first}: {}", visible_line(reason)),
            _ => write!(
                f,
                "skipped {count} (first: {first}): {}",
                visible_line(reason)
            ),
        }
    }
}

/// Options of an import.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// The recordings' format; recognised if none is named.
    pub format: Option<String>,
    /// The model's name, overriding the recordings'.
    pub model: Option<String>,
}

impl Options {
    /// A format and a model, if they are named.
    #[must_use]
    pub fn new(format: Option<String>, model: Option<String>) -> Self {
        Self { format, model }
    }
}

/// Why recordings cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// There is no such format.
    #[error("unknown import format '{name}'; {known}")]
    UnknownFormat {
        /// The name given.
        name: String,
        /// The names known.
        known: String,
    },
    /// The format cannot be recognised.
    #[error("{}: {reason}; name the format with --from: {known}", visible_line(.path))]
    NotRecognised {
        /// Where.
        path: String,
        /// No format fits, or several do.
        reason: String,
        /// The names known.
        known: String,
    },
    /// Nothing to import.
    #[error("{}: {reason}", visible_line(.path))]
    Input {
        /// Where.
        path: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// The recordings have no trials.
    #[error("nothing to import as {format}: {why}")]
    Nothing {
        /// The format they were read as.
        format: &'static str,
        /// What was skipped, and why.
        why: String,
    },
    /// The run cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An importer: reads paths, writes a run directory.
type Importer = fn(&[PathBuf], &Path, &Options) -> Result<(RunDirectory, Imported), ImportError>;

/// A format of recordings.
struct ForeignFormat {
    name: &'static str,
    /// Whether a file or folder looks like it.
    fits: fn(&Sight) -> bool,
    import: Importer,
}

/// Every format by name.
const FORMATS: &[ForeignFormat] = &[
    ForeignFormat {
        name: "evalscope",
        fits: evalscope::fits,
        import: evalscope::import,
    },
    ForeignFormat {
        name: "freedombench",
        fits: freedombench::fits,
        import: freedombench::import,
    },
    ForeignFormat {
        name: "inspect",
        fits: inspect::fits,
        import: inspect::import,
    },
    ForeignFormat {
        name: "lm-eval",
        fits: lm_eval::fits,
        import: lm_eval::import,
    },
    ForeignFormat {
        name: "nemo-evaluator",
        fits: nemo::fits,
        import: nemo::import,
    },
    ForeignFormat {
        name: "promptfoo",
        fits: promptfoo::fits,
        import: promptfoo::import,
    },
    ForeignFormat {
        name: "speechmap",
        fits: speechmap::fits,
        import: speechmap::import,
    },
];

/// Names of the import formats.
#[must_use]
pub fn formats() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.name).collect()
}

/// Imports recordings into a new run directory.
///
/// # Errors
/// [`ImportError`] names the file and line.
pub fn import(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
) -> Result<(RunDirectory, Imported), ImportError> {
    let format = match &options.format {
        Some(name) => named(name)?,
        None => recognised(paths)?,
    };
    (format.import)(paths, output, options)
}

fn named(name: &str) -> Result<&'static ForeignFormat, ImportError> {
    let format = FORMATS.iter().find(|format| format.name == name);
    format.ok_or_else(|| ImportError::UnknownFormat {
        name: name.into(),
        known: instead(name, "known", formats()),
    })
}

/// The one format that fits every path.
fn recognised(paths: &[PathBuf]) -> Result<&'static ForeignFormat, ImportError> {
    let unclear = |path: &Path, reason: String| ImportError::NotRecognised {
        path: path.display().to_string(),
        reason,
        known: formats().join(", "),
    };
    let mut fitting: Vec<&ForeignFormat> = FORMATS.iter().collect();
    for path in paths {
        let sight = Sight::of(path).map_err(|e| input(path, format!("cannot be read: {e}")))?;
        if !FORMATS.iter().any(|format| (format.fits)(&sight)) {
            return Err(unclear(path, "unrecognised format".into()));
        }
        fitting.retain(|format| (format.fits)(&sight));
    }
    let first = paths.first().map_or(Path::new(""), PathBuf::as_path);
    match fitting.as_slice() {
        [format] => Ok(format),
        [] => Err(unclear(
            first,
            "the paths have different formats; import each format separately".into(),
        )),
        several => {
            let names: Vec<&str> = several.iter().map(|format| format.name).collect();
            Err(unclear(
                first,
                format!("it could be {}", names.join(" or ")),
            ))
        }
    }
}

/// An error about a file.
fn input(path: &Path, reason: impl fmt::Display) -> ImportError {
    ImportError::Input {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}

/// Imports one file, for the fuzz targets.
#[cfg(fuzzing)]
pub fn fuzzing(format: &str, name: &str, bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    let path = folder.path().join(name);
    if std::fs::write(&path, bytes).is_ok() {
        let options = Options::new(Some(format.into()), None);
        let _ = Sight::of(&path).map(|sight| FORMATS.iter().filter(|f| (f.fits)(&sight)).count());
        let _ = import(&[path], &folder.path().join("run"), &options);
    }
}
