//! Recorded answers of other tools as runs like any other: one file or folder per form, one line in `FORMS`.

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
    /// What was left out, by reason.
    pub left_out: Vec<LeftOut>,
    /// What else there is to say of the recordings.
    pub notes: Vec<String>,
}

/// What an import left out, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Why.
    pub reason: String,
    /// How often.
    pub count: u64,
    /// Where first: a file, with its line or entry.
    pub first: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            reason,
            count,
            first,
        } = self;
        let first = visible_line(first);
        match count {
            1 => write!(f, "left out {first}: {}", visible_line(reason)),
            _ => write!(
                f,
                "left out {count}, the first of them {first}: {}",
                visible_line(reason)
            ),
        }
    }
}

/// What is told on the command line besides paths.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// The form of the recordings; recognised where it is not named.
    pub form: Option<String>,
    /// The model's name, where the recordings do not tell it.
    pub model: Option<String>,
}

impl Options {
    /// Recordings of this form, if one is named, by this model, if one is named.
    #[must_use]
    pub fn new(form: Option<String>, model: Option<String>) -> Self {
        Self { form, model }
    }
}

/// Why recordings cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// There is no such form.
    #[error("unknown import format '{name}'; {known}")]
    UnknownFormat {
        /// The name given.
        name: String,
        /// The names known.
        known: String,
    },
    /// What it is cannot be told.
    #[error("{path}: {reason}; name its form with --from: {known}")]
    NotRecognised {
        /// Where.
        path: String,
        /// None, or several, fit.
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
    /// There is not one trial in the recordings.
    #[error("nothing to import as {form}: {why}")]
    Nothing {
        /// The form they were read as.
        form: &'static str,
        /// What was left out, and why.
        why: String,
    },
    /// The run cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An importer: reads paths, writes a run directory.
type Importer = fn(&[PathBuf], &Path, &Options) -> Result<(RunDirectory, Imported), ImportError>;

/// A form of recordings.
struct Form {
    name: &'static str,
    /// Whether a file or folder looks like it.
    fits: fn(&Sight) -> bool,
    import: Importer,
}

/// Every form by name.
const FORMS: &[Form] = &[
    Form {
        name: "evalscope",
        fits: evalscope::fits,
        import: evalscope::import,
    },
    Form {
        name: "freedombench",
        fits: freedombench::fits,
        import: freedombench::import,
    },
    Form {
        name: "inspect",
        fits: inspect::fits,
        import: inspect::import,
    },
    Form {
        name: "lm-eval",
        fits: lm_eval::fits,
        import: lm_eval::import,
    },
    Form {
        name: "nemo-evaluator",
        fits: nemo::fits,
        import: nemo::import,
    },
    Form {
        name: "promptfoo",
        fits: promptfoo::fits,
        import: promptfoo::import,
    },
    Form {
        name: "speechmap",
        fits: speechmap::fits,
        import: speechmap::import,
    },
];

/// Names of the forms.
#[must_use]
pub fn forms() -> Vec<&'static str> {
    FORMS.iter().map(|form| form.name).collect()
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
    let form = match &options.form {
        Some(name) => named(name)?,
        None => recognised(paths)?,
    };
    (form.import)(paths, output, options)
}

fn named(name: &str) -> Result<&'static Form, ImportError> {
    let form = FORMS.iter().find(|form| form.name == name);
    form.ok_or_else(|| ImportError::UnknownFormat {
        name: name.into(),
        known: instead(name, "known", forms()),
    })
}

/// The one form that every path fits.
fn recognised(paths: &[PathBuf]) -> Result<&'static Form, ImportError> {
    let unclear = |path: &Path, reason: String| ImportError::NotRecognised {
        path: path.display().to_string(),
        reason,
        known: forms().join(", "),
    };
    let mut common: Option<Vec<&'static Form>> = None;
    for path in paths {
        let sight = Sight::of(path).map_err(|e| ImportError::Input {
            path: path.display().to_string(),
            reason: format!("cannot be read: {e}"),
        })?;
        let own: Vec<&Form> = FORMS.iter().filter(|form| (form.fits)(&sight)).collect();
        if own.is_empty() {
            let reason = "its form is not recognised".into();
            return Err(unclear(path, reason));
        }
        let before = common.take().unwrap_or_else(|| own.clone());
        let both = before.into_iter();
        common = Some(
            both.filter(|form| own.iter().any(|o| o.name == form.name))
                .collect(),
        );
    }
    match (common.as_deref(), paths.first()) {
        (Some([form]), _) => Ok(form),
        (Some([]), Some(path)) => Err(unclear(
            path,
            "the paths are of different forms; import each form by itself".into(),
        )),
        (Some(several), Some(path)) => {
            let names: Vec<&str> = several.iter().map(|form| form.name).collect();
            let reason = format!("it could be {}", names.join(" or "));
            Err(unclear(path, reason))
        }
        _ => Err(unclear(Path::new(""), "no path is named".into())),
    }
}

/// An error about a file.
fn input(path: &Path, reason: impl fmt::Display) -> ImportError {
    ImportError::Input {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}

/// Reads one file of a form into a new run directory, as the fuzz targets do.
#[cfg(fuzzing)]
pub fn fuzzing(form: &str, name: &str, bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    let path = folder.path().join(name);
    if std::fs::write(&path, bytes).is_ok() {
        let options = Options::new(Some(form.into()), None);
        let _ = Sight::of(&path).map(|sight| FORMS.iter().filter(|f| (f.fits)(&sight)).count());
        let _ = import(&[path], &folder.path().join("run"), &options);
    }
}
