//! `candor.toml`: what a person sets once for a project. Flags override it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::files::read_text;
use crate::model::remote::{PriceError, PriceRow, PriceTable, ProviderSettings, Timeouts};
use crate::net::read_authorities;
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
    /// `[network]`.
    pub network: NetworkSettings,
    /// `[providers.NAME]`.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// `[[prices]]`.
    pub prices: Vec<PriceRow>,
    /// `[[contrasts]]`.
    pub contrasts: Vec<DeclaredContrast>,
}

/// `[[contrasts]]`: two models that are kin, by their names in tables.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeclaredContrast {
    /// How they are kin.
    pub kind: ContrastKind,
    /// The newer, the derived, or the one behind a platform.
    pub model: String,
    /// The older, the one it was made of, or the weights.
    pub of: String,
}

/// How one model is kin to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContrastKind {
    /// It is a later version of the other.
    Version,
    /// It was made of the other: fine-tuned, distilled, merged or rounded.
    Derivative,
    /// It is the other's weights behind somebody's platform.
    Platform,
}

/// `[network]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct NetworkSettings {
    /// Files in PEM with certificate authorities that are trusted besides the system's, relative to `candor.toml`: one, or a list.
    #[serde(deserialize_with = "one_or_several")]
    pub ca: Vec<PathBuf>,
}

fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Paths {
        One(PathBuf),
        Several(Vec<PathBuf>),
    }
    match Paths::deserialize(deserializer) {
        Ok(Paths::One(path)) => Ok(vec![path]),
        Ok(Paths::Several(paths)) => Ok(paths),
        Err(_) => Err(D::Error::custom(
            "expected a file's path, or a list of them",
        )),
    }
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
    /// Judges that suites may name: those that are endpoints, or want a key of another variable, are asked only where they are here
    /// or on the command line.
    pub judges: Vec<String>,
    /// Epochs.
    pub epochs: Option<u32>,
    /// Seed.
    pub seed: Option<u64>,
    /// A file with prices, relative to `candor.toml`.
    pub prices: Option<PathBuf>,
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
    /// The prices that it names cannot be read.
    #[error(transparent)]
    Prices(#[from] PriceError),
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
        if let Some(folder) = path.parent() {
            let run = settings.run.prices.iter_mut();
            let paths = settings.data.dir.iter_mut().chain(run);
            for path in paths.chain(&mut settings.network.ca) {
                *path = folder.join(&*path);
            }
        }
        Ok(settings)
    }

    /// The certificate authorities of `[network] ca`.
    ///
    /// # Errors
    /// [`ConfigurationError::Unreadable`] if a file cannot be read or holds none.
    pub fn authorities(&self) -> Result<Vec<reqwest::Certificate>, ConfigurationError> {
        let mut all = Vec::new();
        for path in &self.network.ca {
            let read = read_authorities(path);
            all.extend(read.map_err(|reason| ConfigurationError::Unreadable {
                path: "[network] ca".into(),
                reason,
            })?);
        }
        Ok(all)
    }

    /// The prices of `[[prices]]`, and behind them those of `[run] prices`.
    ///
    /// # Errors
    /// [`ConfigurationError::Prices`] if the file cannot be read.
    pub fn prices(&self) -> Result<PriceTable, ConfigurationError> {
        let mut table = match &self.run.prices {
            Some(path) => PriceTable::read(path)?,
            None => PriceTable::default(),
        };
        table.prepend(PriceTable {
            prices: self.prices.clone(),
        });
        Ok(table)
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
