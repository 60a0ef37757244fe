//! `candor.toml`: what a person sets once for a project. Flags override it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::files::read_text;
use crate::model::remote::{ProviderSettings, Timeouts};
use crate::text::SourceError;

/// The settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Configuration {
    /// `[run]`.
    pub run: RunSettings,
    /// `[data]`.
    pub data: DataSettings,
    /// `[http]`.
    pub http: Timeouts,
    /// `[providers.NAME]`.
    pub providers: BTreeMap<String, ProviderSettings>,
}

/// `[run]`: the same as the flags of `candor run`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RunSettings {
    /// Suites to run where none is given.
    pub suites: Vec<String>,
    /// Models to ask where none is given.
    pub models: Vec<String>,
    /// Judges that suites may name: those that are endpoints, or want a key of another variable, are asked only where they stand here
    /// or on the command line.
    pub judges: Vec<String>,
    /// Epochs.
    pub epochs: Option<u32>,
    /// Seed.
    pub seed: Option<u64>,
    /// Requests in flight a model.
    pub max_connections: Option<usize>,
    /// US dollars, above 0.
    #[serde(deserialize_with = "amount")]
    pub budget: Option<f64>,
}

/// An amount of money above 0.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let amount = f64::deserialize(deserializer)?;
    if amount.is_finite() && amount > 0.0 {
        Ok(Some(amount))
    } else {
        Err(D::Error::custom("expected an amount in US dollars above 0"))
    }
}

/// `[data]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DataSettings {
    /// A folder with the files that suites name, relative to `candor.toml`.
    pub dir: Option<PathBuf>,
}

/// A `candor.toml` that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// It cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Something in it is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] Box<SourceError>),
}

impl Configuration {
    /// Reads a file; without one, `candor.toml` in the current directory where there is one.
    ///
    /// # Errors
    /// [`ConfigurationError`] with line and column.
    pub fn read(path: Option<&Path>) -> Result<Self, ConfigurationError> {
        let (path, required) = path.map_or((Path::new("candor.toml"), false), |p| (p, true));
        let text = match read_text(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !required => {
                return Ok(Self::default());
            }
            Err(e) => {
                return Err(ConfigurationError::Unreadable {
                    path: path.display().to_string(),
                    reason: e.to_string(),
                });
            }
        };
        let mut settings: Self = toml::from_str(&text).map_err(|e| {
            let offset = e.span().map_or(0, |s| s.start);
            Box::new(
                SourceError::at_offset(
                    &path.display().to_string(),
                    &text,
                    offset,
                    e.message().trim(),
                )
                .with_help("docs/configuration.md describes candor.toml"),
            )
        })?;
        if let (Some(dir), Some(folder)) = (&settings.data.dir, path.parent()) {
            settings.data.dir = Some(folder.join(dir));
        }
        Ok(settings)
    }

    /// Folders in which suites' data is looked for: `CANDOR_DATA`, then `[data] dir`.
    #[must_use]
    pub fn data_folders(&self) -> Vec<PathBuf> {
        std::env::var_os("CANDOR_DATA")
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
            .into_iter()
            .chain(self.data.dir.clone())
            .collect()
    }
}
