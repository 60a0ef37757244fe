//! Reading rows from JSONL, JSON, CSV, text and Parquet files: in the suite's folder, in the data folder, or from the hub.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fancy_regex::Regex;

use super::hub::Listings;
use super::lm_eval::Registries;
use super::place::{PlacedRows, in_turn, place_rows};
use super::schema::{DataFile, DataSource, HubSource};
use super::{SuiteError, hub};
use crate::files::{self, Folder, Format, PlainPath, PlainPathError, Row};
use crate::hub::HubPin;
use crate::text::python_regex;

/// Where data is looked for.
#[derive(Debug, Clone, Default)]
pub struct DataOptions {
    /// Folders that hold the files suites name, in order.
    pub folders: Vec<PathBuf>,
    /// No network.
    pub offline: bool,
    /// Lists of the hub's files that were asked for before.
    pub listings: Listings,
    /// Folders of task files that were read before.
    pub registries: Registries,
}

/// Where a person says that a suite's data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// In a file, or a folder that holds the suite's files.
    Path(PathBuf),
    /// In a dataset of the hub that has the suite's files.
    Hub {
        dataset: PlainPath,
        revision: Option<PlainPath>,
    },
}

impl Given {
    /// Where more files of the same data are: beside the file that was given, in the folder, or in the dataset.
    pub(super) fn folder(&self) -> Option<Self> {
        match self {
            Self::Path(path) if path.is_file() => {
                path.parent().map(|p| Self::Path(p.to_path_buf()))
            }
            other => Some(other.clone()),
        }
    }
}

impl FromStr for Given {
    type Err = String;

    /// Reads a path, or `hf://owner/name@revision`.
    fn from_str(written: &str) -> Result<Self, String> {
        let Some(dataset) = written.strip_prefix("hf://") else {
            return Ok(Self::Path(PathBuf::from(written)));
        };
        let (dataset, revision) = dataset
            .split_once('@')
            .map_or((dataset, None), |(d, r)| (d, Some(r)));
        let dataset: PlainPath = dataset.parse().map_err(|e| format!("{e}"))?;
        if dataset.names().count() != 2 {
            return Err(format!("'{written}' is not hf://owner/name"));
        }
        let revision = revision.map(str::parse).transpose();
        let revision = revision.map_err(|e: PlainPathError| e.to_string())?;
        Ok(Self::Hub { dataset, revision })
    }
}

/// Rows that are outside a suite's folder.
pub(super) struct SourceRows {
    pub rows: PlacedRows<'static>,
    /// The commits of datasets of the hub that they are of.
    pub pins: Vec<HubPin>,
}

/// The rows of a suite whose data is outside its folder; with `given`, of what is given instead.
pub(super) async fn read_source(
    suite: &str,
    source: &DataSource,
    given: Option<&Given>,
    options: &DataOptions,
) -> Result<SourceRows, SuiteError> {
    let wanted = Wanted {
        suite,
        source,
        files: local_files(source),
        options,
    };
    let path_fields = source.path_fields.as_deref().map(python_regex).transpose();
    let path_fields = path_fields.map_err(|reason| SuiteError::Unreadable {
        path: suite.into(),
        reason: format!("data.path_fields: {reason}"),
    })?;
    let (mut files, mut pins) = (Vec::new(), Vec::new());
    for path in wanted.locate(given).await? {
        pins.extend(HubPin::of(&path));
        let format = Format::of(&path).ok_or_else(|| SuiteError::Unreadable {
            path: path.display().to_string(),
            reason: "its name ends in none of .jsonl, .jsonl.gz, .json, .csv, .txt, .parquet"
                .into(),
        })?;
        let own = files::rows(&path, format, source.rows.as_deref())?;
        let fields = path_fields.as_ref().map(|pattern| named_in(&path, pattern));
        let fields = fields.unwrap_or_default();
        let own = own.map(move |row| {
            row.map(|(line, mut row)| {
                row.extend(fields.clone());
                (line, row)
            })
        });
        let by_line = matches!(format, Format::Jsonl | Format::Csv | Format::Text);
        files.push(place_rows(&path.display().to_string(), by_line, own));
    }
    let rows = in_turn(files);
    Ok(SourceRows { rows, pins })
}

/// The files that are looked for in a data folder: those that the suite names, or else the hub's own, in a folder of the dataset's name or
/// in the folder itself; Parquet files also as the JSONL that they can be turned into.
fn local_files(source: &DataSource) -> Vec<DataFile> {
    let Some(hub) = source.hub.as_ref().filter(|_| source.files.is_empty()) else {
        return source.files.clone();
    };
    let name = hub.dataset.file_name();
    let either = |file: &PlainPath| {
        let lines = file.as_str().strip_suffix(".parquet");
        let lines = lines.map(|stem| format!("{stem}.jsonl"));
        let names = [Some(file.to_string()), lines];
        let names = names.into_iter().flatten();
        let paths = names.flat_map(|file| [format!("{name}/{file}"), file]);
        DataFile::FirstOf(paths.filter_map(|path| path.parse().ok()).collect())
    };
    hub.files.iter().map(either).collect()
}

/// What the named groups of a pattern match in a file's path, written with `/`.
fn named_in(path: &Path, pattern: &Regex) -> Row {
    let path = path.display().to_string().replace('\\', "/");
    let Ok(Some(captures)) = pattern.captures(&path) else {
        return Row::new();
    };
    let names = pattern.capture_names().flatten();
    names
        .filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().into())))
        .collect()
}

/// Files that a suite wants, and where they are looked for.
struct Wanted<'a> {
    suite: &'a str,
    source: &'a DataSource,
    files: Vec<DataFile>,
    options: &'a DataOptions,
}

impl Wanted<'_> {
    async fn locate(&self, given: Option<&Given>) -> Result<Vec<PathBuf>, SuiteError> {
        match given {
            Some(Given::Path(path)) if path.is_file() => return Ok(vec![path.clone()]),
            Some(Given::Path(path)) if self.files.is_empty() => {
                return Err(SuiteError::NoData {
                    suite: self.suite.into(),
                    reason: format!("{} is not a file", path.display()),
                    help: "give ?data= the path of the data file itself".into(),
                });
            }
            Some(Given::Path(path)) => {
                return match self.within(path, true)? {
                    Found::Enough(paths) => Ok(paths),
                    Found::Missing(missing) => Err(self.no_data(format!(
                        "{} is not a file, and does not contain {}",
                        path.display(),
                        listed(&missing)
                    ))),
                };
            }
            Some(Given::Hub { dataset, revision }) => {
                let files = match &self.source.hub {
                    Some(hub) => hub.files.clone(),
                    None => self.usual_names(),
                };
                let hub = HubSource {
                    dataset: dataset.clone(),
                    revision: revision.clone(),
                    files,
                };
                let fetched = hub::fetch(&hub, &self.options.listings, self.options.offline).await;
                return fetched.map_err(|reason| self.no_data(reason));
            }
            None => {}
        }
        let mut looked = Vec::new();
        for folder in &self.options.folders {
            match self.within(folder, false)? {
                Found::Enough(paths) => return Ok(paths),
                Found::Missing(missing) => {
                    looked.push(format!("{}: not in {}", listed(&missing), folder.display()));
                }
            }
        }
        if looked.is_empty() {
            let all: Vec<&DataFile> = self.files.iter().collect();
            looked.push(format!("{}: no data folder is set", listed(&all)));
        }
        if let Some(hub) = &self.source.hub {
            match hub::fetch(hub, &self.options.listings, self.options.offline).await {
                Ok(paths) => return Ok(paths),
                Err(reason) => looked.push(reason),
            }
        }
        Err(self.no_data(looked.join("; ")))
    }

    /// The files that a folder holds, under their paths or, with `flat`, under their last names alone.
    fn within(&self, folder: &Path, flat: bool) -> Result<Found<'_>, SuiteError> {
        let files = &self.files;
        let Ok(folder) = Folder::open(folder) else {
            return Ok(Found::Missing(files.iter().collect()));
        };
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for file in files {
            match first_of(&folder, file, flat)? {
                Some(path) => found.push(path),
                None => missing.push(file),
            }
        }
        if !missing.is_empty() && (!self.source.partial || found.is_empty()) {
            return Ok(Found::Missing(missing));
        }
        if !missing.is_empty() {
            tracing::warn!(
                "{}: {} of its {} files are in {}; without {}",
                self.suite,
                found.len(),
                files.len(),
                folder.path().display(),
                usual(&missing)
            );
        }
        Ok(Found::Enough(found))
    }

    /// The first path of every file.
    fn usual_names(&self) -> Vec<PlainPath> {
        let files = self.files.iter();
        files.filter_map(|f| f.paths().first().cloned()).collect()
    }

    fn no_data(&self, reason: String) -> SuiteError {
        let Self { suite, source, .. } = self;
        let all: Vec<&DataFile> = self.files.iter().collect();
        let mut ways = vec![format!(
            "name the file with -s '{suite}?data=PATH', or set CANDOR_DATA to a folder that contains {}",
            listed(&all)
        )];
        ways.extend(
            source
                .url
                .iter()
                .map(|url| format!("it is published at {url}")),
        );
        ways.extend(source.hub.as_ref().map(|hub| {
            let files: Vec<&str> = hub.files.iter().map(PlainPath::as_str).collect();
            let revision = hub.revision.as_ref();
            let revision = revision.map_or(String::new(), |r| format!(" --revision {r}"));
            format!(
                "or `hf download --repo-type dataset {} {}{revision}`",
                hub.dataset,
                files.join(" ")
            )
        }));
        SuiteError::NoData {
            suite: (*suite).into(),
            reason,
            help: ways.join("; "),
        }
    }
}

/// The usual names of files.
fn usual(files: &[&DataFile]) -> String {
    let names = files.iter().filter_map(|f| f.paths().first());
    names.map(PlainPath::as_str).collect::<Vec<_>>().join(", ")
}

/// What a folder holds of a suite's files.
enum Found<'a> {
    /// All, or as many as do.
    Enough(Vec<PathBuf>),
    /// These are missing.
    Missing(Vec<&'a DataFile>),
}

/// The first of a file's paths that a folder holds.
fn first_of(folder: &Folder, file: &DataFile, flat: bool) -> Result<Option<PathBuf>, SuiteError> {
    let last = |path: &PlainPath| path.file_name().parse::<PlainPath>().ok();
    let flat = file.paths().iter().filter(|_| flat).filter_map(last);
    for name in file.paths().iter().cloned().chain(flat) {
        match folder.file(&name) {
            Ok(path) => return Ok(Some(path)),
            Err(error) if is_missing(&error) => {}
            Err(error) => {
                return Err(SuiteError::Unreadable {
                    path: name.below(folder.path()).display().to_string(),
                    reason: error.to_string(),
                });
            }
        }
    }
    Ok(None)
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The first of some files, and how many more there are: suites in fifteen languages have a file of each.
fn listed(files: &[&DataFile]) -> String {
    const NAMED: usize = 8;
    let names: Vec<String> = files.iter().map(ToString::to_string).collect();
    match names.get(NAMED..) {
        Some(more) if !more.is_empty() => {
            format!("{} and {} more", names[..NAMED].join(", "), more.len())
        }
        _ => names.join(", "),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn data_is_named_by_a_path_or_a_dataset_of_the_hub() {
        assert_eq!("a/b.csv".parse(), Ok(Given::Path("a/b.csv".into())));
        let hub = |revision: Option<&str>| Given::Hub {
            dataset: "owner/name".parse().unwrap(),
            revision: revision.map(|r| r.parse().unwrap()),
        };
        assert_eq!("hf://owner/name".parse(), Ok(hub(None)));
        assert_eq!(
            "hf://owner/name@refs/pr/1".parse(),
            Ok(hub(Some("refs/pr/1")))
        );
        for wrong in ["hf://name", "hf://a/b/c", "hf://../../etc"] {
            assert!(wrong.parse::<Given>().is_err(), "{wrong}");
        }
    }
}
