//! Reading rows from JSONL, JSON, CSV and Parquet files: in the suite's folder, in the data folder, or from the hub.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::schema::DataSource;
use super::{SuiteError, hub};
use crate::files::{self, Folder, Format, PlainPath, Row};

/// Where data is looked for.
#[derive(Debug, Clone, Default)]
pub struct DataOptions {
    /// Folders that hold the files suites name, in order.
    pub folders: Vec<PathBuf>,
    /// No network.
    pub offline: bool,
    /// Where fetched files are kept.
    pub cache: PathBuf,
}

/// A row and its position.
pub(super) struct PlacedRow {
    pub place: Place,
    pub row: Row,
}

/// A row's position: a line of a file, or a row's number in a file without lines.
#[derive(Clone)]
pub(super) struct Place {
    file: Arc<str>,
    number: usize,
    by_line: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.by_line { "line" } else { "row" };
        write!(f, "{}, {unit} {}", self.file, self.number)
    }
}

/// Rows with their numbers in a file.
pub(super) fn placed(
    file: &str,
    by_line: bool,
    rows: impl IntoIterator<Item = (usize, Row)>,
) -> Vec<PlacedRow> {
    let file: Arc<str> = file.into();
    let place = |number| Place {
        file: Arc::clone(&file),
        number,
        by_line,
    };
    let rows = rows.into_iter();
    rows.map(|(number, row)| PlacedRow {
        place: place(number),
        row,
    })
    .collect()
}

/// The rows of a suite whose data lies outside its folder; with `given`, of that file or folder instead.
pub(super) async fn read_source(
    suite: &str,
    source: &DataSource,
    given: Option<&Path>,
    options: &DataOptions,
) -> Result<Vec<PlacedRow>, SuiteError> {
    let mut rows = Vec::new();
    for path in locate(suite, source, given, options).await? {
        rows.extend(read_file(&path, source.rows.as_deref())?);
    }
    Ok(rows)
}

async fn locate(
    suite: &str,
    source: &DataSource,
    given: Option<&Path>,
    options: &DataOptions,
) -> Result<Vec<PathBuf>, SuiteError> {
    let no_data = |reason: String, help: String| SuiteError::NoData {
        suite: suite.into(),
        reason,
        help,
    };
    let wanted = listed(&source.files);
    if let Some(path) = given {
        if path.is_file() {
            return Ok(vec![path.to_path_buf()]);
        }
        let inside = within(path, &source.files, true)?;
        return if inside.is_empty() {
            let reason = format!(
                "{} is not a file, and contains none of {wanted}",
                path.display()
            );
            let help = "give ?data= the path of the data file itself";
            Err(no_data(reason, help.into()))
        } else {
            Ok(inside)
        };
    }
    for folder in &options.folders {
        let all = within(folder, &source.files, false)?;
        if !all.is_empty() && all.len() == source.files.len() {
            return Ok(all);
        }
    }
    let looked = if options.folders.is_empty() {
        "no data folder is set".to_owned()
    } else {
        format!(
            "not in {}",
            options
                .folders
                .iter()
                .map(|f| f.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let help = format!(
        "name the file with -s '{suite}?data=PATH', or set CANDOR_DATA to a folder that contains {wanted}"
    );
    match &source.hub {
        Some(hub) if !options.offline => {
            let fetched = hub::fetch(hub, &options.cache).await;
            fetched.map_err(|reason| no_data(format!("{wanted}: {looked}; {reason}"), help))
        }
        Some(_) => Err(no_data(
            format!("{wanted}: {looked}, and --offline forbids downloading it"),
            help,
        )),
        None => Err(no_data(format!("{wanted}: {looked}"), help)),
    }
}

/// Those of the files that a folder holds, under their paths or, with `flat`, under their last names alone.
fn within(folder: &Path, files: &[PlainPath], flat: bool) -> Result<Vec<PathBuf>, SuiteError> {
    let Ok(folder) = Folder::open(folder) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for file in files {
        let last = file.file_name().parse::<PlainPath>().ok().filter(|_| flat);
        for name in [Some(file.clone()), last].into_iter().flatten() {
            match folder.file(&name) {
                Ok(path) => {
                    found.push(path);
                    break;
                }
                Err(error) if is_missing(&error) => {}
                Err(error) => {
                    return Err(SuiteError::Unreadable {
                        path: name.below(folder.path()).display().to_string(),
                        reason: error.to_string(),
                    });
                }
            }
        }
    }
    Ok(found)
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn listed(files: &[PlainPath]) -> String {
    files
        .iter()
        .map(PlainPath::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn read_file(path: &Path, rows_field: Option<&str>) -> Result<Vec<PlacedRow>, SuiteError> {
    let format = Format::of(path).ok_or_else(|| SuiteError::Unreadable {
        path: path.display().to_string(),
        reason: "its name must end in .jsonl, .json, .csv or .parquet".into(),
    })?;
    let rows = files::rows(path, format, rows_field)?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let by_line = matches!(format, Format::Jsonl | Format::Csv);
    Ok(placed(&path.display().to_string(), by_line, rows))
}
