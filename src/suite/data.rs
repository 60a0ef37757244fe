//! Reading rows: JSONL, JSON, CSV and Parquet files, beside the suite, in the data folder, or from the hub.

use std::fs;
use std::path::{Path, PathBuf};

use polars::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::schema::DataSource;
use super::{SuiteError, hub};
use crate::text::SourceError;

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

/// A row: field names to values.
pub(super) type Row = Map<String, Value>;

/// The rows of a suite whose data lies outside its folder; with `given`, of that file or folder instead.
pub(super) async fn read_source(
    suite: &str,
    source: &DataSource,
    given: Option<&Path>,
    options: &DataOptions,
) -> Result<Vec<Row>, SuiteError> {
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
    if let Some(path) = given {
        if path.is_file() {
            return Ok(vec![path.to_path_buf()]);
        }
        let inside: Vec<PathBuf> = source
            .files
            .iter()
            .filter_map(|f| {
                [path.join(f), path.join(Path::new(f).file_name()?)]
                    .into_iter()
                    .find(|p| p.is_file())
            })
            .collect();
        return if inside.is_empty() {
            Err(SuiteError::NoData {
                suite: suite.into(),
                reason: format!(
                    "{} is no file, and holds none of {}",
                    path.display(),
                    source.files.join(", ")
                ),
                help: "give ?data= the path of the data file itself".into(),
            })
        } else {
            Ok(inside)
        };
    }
    for folder in &options.folders {
        let all: Vec<PathBuf> = source.files.iter().map(|f| folder.join(f)).collect();
        if !all.is_empty() && all.iter().all(|p| p.is_file()) {
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
    let wanted = source.files.join(", ");
    let help = format!(
        "name the file with -s '{suite}?data=PATH', or set CANDOR_DATA to a folder that holds {wanted}"
    );
    match &source.hub {
        Some(hub) if !options.offline => {
            let fetched = hub::fetch(hub, &options.cache).await;
            fetched.map_err(|reason| SuiteError::NoData {
                suite: suite.into(),
                reason: format!("{wanted}: {looked}; {reason}"),
                help,
            })
        }
        Some(_) => Err(SuiteError::NoData {
            suite: suite.into(),
            reason: format!("{wanted}: {looked}, and --offline forbids fetching it"),
            help,
        }),
        None => Err(SuiteError::NoData {
            suite: suite.into(),
            reason: format!("{wanted}: {looked}"),
            help,
        }),
    }
}

fn read_file(path: &Path, rows_field: Option<&str>) -> Result<Vec<Row>, SuiteError> {
    let name = path.display().to_string();
    let unreadable = |e: &dyn std::fmt::Display| SuiteError::Unreadable {
        path: name.clone(),
        reason: e.to_string(),
    };
    let text = || fs::read_to_string(path).map_err(|e| unreadable(&e));
    match path.extension().and_then(|e| e.to_str()) {
        Some("jsonl" | "ndjson") => parse_jsonl(&name, &text()?),
        Some("json") => parse_json(&name, &text()?, rows_field),
        Some("csv") => {
            let mut reader = csv::Reader::from_path(path).map_err(|e| unreadable(&e))?;
            let header = reader.headers().map_err(|e| unreadable(&e))?.clone();
            let cell = |cell: &str| match cell {
                "" => Value::Null,
                text => Value::from(text),
            };
            reader
                .records()
                .map(|record| {
                    let record = record.map_err(|e| unreadable(&e))?;
                    let cells = header.iter().zip(record.iter());
                    Ok(cells
                        .map(|(name, text)| (name.to_owned(), cell(text)))
                        .collect())
                })
                .collect()
        }
        Some("parquet") => {
            let frame = fs::File::open(path)
                .map_err(|e| unreadable(&e))
                .and_then(|f| ParquetReader::new(f).finish().map_err(|e| unreadable(&e)))?;
            frame_rows(&frame).map_err(|e| unreadable(&e))
        }
        _ => Err(unreadable(
            &"its name ends in none of .jsonl, .json, .csv, .parquet",
        )),
    }
}

/// Rows of a JSONL text; an error names the line.
pub(super) fn parse_jsonl(name: &str, text: &str) -> Result<Vec<Row>, SuiteError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(i, line)| {
            serde_json::from_str::<Row>(line).map_err(|e| {
                let column = if e.column() == 0 { 1 } else { e.column() };
                let reason = e.to_string();
                let reason = reason
                    .split(" at line ")
                    .next()
                    .unwrap_or(&reason)
                    .to_owned();
                SourceError::at(
                    name,
                    line,
                    1,
                    column,
                    format!("this line is not a JSON object: {reason}"),
                )
                .in_line(i + 1)
                .with_help("each line of a JSONL file is one JSON object: {\"id\": …, …}")
                .into()
            })
        })
        .collect()
}

/// Rows of a table in YAML: a list of mappings.
pub(super) fn parse_yaml(name: &str, text: &str) -> Result<Vec<Row>, SuiteError> {
    from_yaml(name, text).map_err(|e| {
        e.with_help("a table of items is a list of mappings: each begins with `- id: …`")
            .into()
    })
}

/// What a YAML text says, or where it is wrong.
pub(super) fn from_yaml<T: DeserializeOwned>(
    name: &str,
    text: &str,
) -> Result<T, Box<SourceError>> {
    serde_saphyr::from_str(text).map_err(|error| {
        let plain = error.without_snippet().to_string();
        let message = plain.split(" at line ").next().unwrap_or(&plain).to_owned();
        let (line, column) = error.location().map_or((1, 1), |l| (l.line(), l.column()));
        let to_usize = |n: u64| usize::try_from(n).unwrap_or(1);
        Box::new(SourceError::at(
            name,
            text,
            to_usize(line),
            to_usize(column),
            message,
        ))
    })
}

fn parse_json(name: &str, text: &str, rows_field: Option<&str>) -> Result<Vec<Row>, SuiteError> {
    let value: Value = serde_json::from_str(text).map_err(|e| {
        SourceError::at(
            name,
            text,
            e.line(),
            e.column(),
            format!("not valid JSON: {e}"),
        )
    })?;
    let rows = match (value, rows_field) {
        (Value::Array(rows), _) => rows,
        (Value::Object(mut object), Some(field)) => match object.remove(field) {
            Some(Value::Array(rows)) => rows,
            _ => return Err(SourceError::at(name, text, 1, 1, format!("the field '{field}' should hold the rows, and does not")).into()),
        },
        _ => return Err(SourceError::at(name, text, 1, 1, "expected an array of rows").with_help("where an object holds the rows, name its field under data: rows: in suite.yaml").into()),
    };
    rows.into_iter()
        .enumerate()
        .map(|(i, row)| match row {
            Value::Object(row) => Ok(row),
            _ => Err(
                SourceError::at(name, text, 1, 1, format!("row {} is not an object", i + 1)).into(),
            ),
        })
        .collect()
}

fn frame_rows(frame: &DataFrame) -> PolarsResult<Vec<Row>> {
    let columns = frame.columns();
    (0..frame.height())
        .map(|i| {
            columns
                .iter()
                .map(|column| Ok((column.name().to_string(), any_value(&column.get(i)?))))
                .collect()
        })
        .collect()
}

fn any_value(value: &AnyValue) -> Value {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(b) => Value::Bool(*b),
        AnyValue::String(s) => Value::String((*s).to_owned()),
        AnyValue::StringOwned(s) => Value::String(s.to_string()),
        AnyValue::List(series) => Value::Array(
            (0..series.len())
                .map(|i| series.get(i).map_or(Value::Null, |v| any_value(&v)))
                .collect(),
        ),
        other => match (other.try_extract::<i64>(), other.try_extract::<f64>()) {
            (Ok(whole), Ok(float)) if float.fract() == 0.0 => Value::from(whole),
            (_, Ok(float)) => Value::from(float),
            _ => Value::String(other.to_string()),
        },
    }
}
