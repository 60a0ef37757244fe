//! Rows of JSONL, JSON, CSV, text and Parquet files, one reader for suites and recordings.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::{Repairs, Row, from_json, parquet, read_text, text};
use crate::text::SourceError;

/// Rows in file order, each with its line (JSONL, CSV) or its number, from 1.
pub type Rows = Box<dyn Iterator<Item = Result<(usize, Row), ReadError>> + Send>;

/// A file format that holds rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A JSON object per line; compressed where its name ends in `.gz`.
    Jsonl,
    /// A JSON array of objects, or an object with a field that holds one.
    Json,
    /// Comma-separated values under a header. Every cell is text; a blank one is empty text.
    Csv,
    /// Plain text: a row per line that is not blank, with the field `text`.
    Text,
    /// Parquet.
    Parquet,
}

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A place in the file is wrong.
    #[error(transparent)]
    Source(#[from] Box<SourceError>),
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl From<SourceError> for ReadError {
    fn from(error: SourceError) -> Self {
        Self::Source(Box::new(error))
    }
}

impl Format {
    /// The format that a file's name ends in.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        if ending == "gz" {
            let inner = Self::of(Path::new(path.file_stem()?));
            return inner.filter(|format| *format == Self::Jsonl);
        }
        match ending.as_str() {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "txt" => Some(Self::Text),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Opens a file of rows. `field` names the field of a JSON object that holds them.
///
/// # Errors
/// [`ReadError`] names the file, and the line where one is wrong.
pub fn rows(path: &Path, format: Format, field: Option<&str>) -> Result<Rows, ReadError> {
    let name = path.display().to_string();
    let failed = |reason: String| ReadError::File {
        path: name.clone(),
        reason,
    };
    let whole = || read_text(path).map_err(|e| failed(e.to_string()));
    let numbered = |rows: Vec<Row>| -> Rows { Box::new((1..).zip(rows).map(Ok)) };
    Ok(match format {
        Format::Jsonl => Box::new(JsonLines::open(path, &name)?),
        Format::Json => numbered(parse_json_rows(&name, &whole()?, field)?),
        Format::Csv => Box::new(csv_rows(&name, &whole()?)?.into_iter().map(Ok)),
        Format::Text => Box::new(text_rows(&whole()?).into_iter().map(Ok)),
        Format::Parquet => numbered(parquet::rows(path).map_err(failed)?),
    })
}

/// Rows of a JSONL text, each with its line from 1.
///
/// # Errors
/// [`ReadError::Source`] names the line.
pub fn parse_jsonl(name: &str, text: &str) -> Result<Vec<(usize, Row)>, ReadError> {
    let mut repairs = Repairs::default();
    let lines = (1..).zip(text.lines());
    let rows = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| Ok((number, json_line(name, number, line, &mut repairs)?)))
        .collect();
    repairs.log(name);
    rows
}

/// Longest line of a JSONL file, in bytes: no row of a dataset is larger, and one that is would fill the memory.
const MAX_LINE_BYTES: u64 = 256 << 20;

/// Lines of a JSONL file, read on demand: recordings may be larger than the memory.
struct JsonLines {
    name: String,
    lines: Box<dyn BufRead + Send>,
    number: usize,
    repairs: Repairs,
}

impl JsonLines {
    fn open(path: &Path, name: &str) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|e| ReadError::File {
            path: name.to_owned(),
            reason: e.to_string(),
        })?;
        Ok(Self {
            name: name.to_owned(),
            lines: if path
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("gz"))
            {
                Box::new(BufReader::new(MultiGzDecoder::new(file)))
            } else {
                Box::new(BufReader::new(file))
            },
            number: 0,
            repairs: Repairs::default(),
        })
    }

    /// The next line that is not blank, decoded; none at the end of the file.
    fn next_line(&mut self) -> Result<Option<String>, String> {
        loop {
            let mut bytes = Vec::new();
            let mut line = (&mut self.lines).take(MAX_LINE_BYTES + 1);
            let read = line.read_until(b'\n', &mut bytes);
            if read.map_err(|e| e.to_string())? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if bytes.len() as u64 > MAX_LINE_BYTES {
                let most = MAX_LINE_BYTES >> 20;
                return Err(format!("line {} is longer than {most} MiB", self.number));
            }
            let line = if self.number == 1 {
                text::decode(bytes).map_err(|e| e.to_string())?
            } else {
                String::from_utf8(bytes).map_err(|_| text::not_utf8(self.number))?
            };
            if !line.trim().is_empty() {
                return Ok(Some(line));
            }
        }
    }
}

impl Iterator for JsonLines {
    type Item = Result<(usize, Row), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_line() {
            Ok(Some(line)) => {
                let line = line.trim_end_matches(['\n', '\r']);
                let row = json_line(&self.name, self.number, line, &mut self.repairs);
                Some(row.map(|row| (self.number, row)))
            }
            Ok(None) => {
                std::mem::take(&mut self.repairs).log(&self.name);
                None
            }
            Err(reason) => Some(Err(ReadError::File {
                path: self.name.clone(),
                reason,
            })),
        }
    }
}

fn json_line(
    name: &str,
    number: usize,
    line: &str,
    repairs: &mut Repairs,
) -> Result<Row, ReadError> {
    match from_json::<Row>(line) {
        Ok((row, needed)) => {
            repairs.add(needed);
            Ok(row)
        }
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or(&reason);
            let wrong = format!("this line is not a JSON object: {reason}");
            Err(SourceError::at(name, line, 1, error.column().max(1), wrong)
                .in_line(number)
                .with_help("each line of a JSONL file must be one JSON object: {\"id\": …, …}")
                .into())
        }
    }
}

/// Rows of a JSON text: an array of objects, or an object whose field `field` is one.
///
/// # Errors
/// [`ReadError::Source`] says what was expected.
pub fn parse_json_rows(name: &str, text: &str, field: Option<&str>) -> Result<Vec<Row>, ReadError> {
    let wrong = |message: String| SourceError::at(name, text, 1, 1, message);
    let (value, repairs) = from_json::<Value>(text).map_err(|e| {
        let message = format!("not valid JSON: {e}");
        SourceError::at(name, text, e.line(), e.column(), message)
    })?;
    repairs.log(name);
    let rows = match (value, field) {
        (Value::Array(rows), _) => rows,
        (Value::Object(mut object), Some(field)) => {
            let Some(Value::Array(rows)) = object.remove(field) else {
                let message = format!("the field '{field}' does not hold an array of rows");
                return Err(wrong(message).into());
            };
            rows
        }
        _ => {
            let help =
                "if an object holds the rows, name its field under data: rows: in suite.yaml";
            let error = wrong("expected an array of rows".into()).with_help(help);
            return Err(error.into());
        }
    };
    (1..)
        .zip(rows)
        .map(|(number, row)| match row {
            Value::Object(row) => Ok(row),
            _ => Err(wrong(format!("row {number} is not an object")).into()),
        })
        .collect()
}

/// A row per line that is not blank, without the white space around it.
fn text_rows(text: &str) -> Vec<(usize, Row)> {
    let row = |line: &str| Row::from_iter([("text".to_owned(), Value::from(line))]);
    let lines = (1..).zip(text.lines().map(str::trim));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| (number, row(line)))
        .collect()
}

fn csv_rows(name: &str, text: &str) -> Result<Vec<(usize, Row)>, ReadError> {
    let wrong = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        let line = usize::try_from(line).unwrap_or(1);
        let reason = error.to_string();
        let reason = reason.strip_prefix("CSV error: ").unwrap_or(&reason);
        SourceError::at(name, text, line, 1, reason)
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| wrong(&e))?.clone();
    for (i, column) in header.iter().enumerate() {
        if header.iter().take(i).any(|earlier| earlier == column) {
            let message = format!("two columns are called '{column}'");
            return Err(SourceError::at(name, text, 1, 1, message).into());
        }
    }
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|e| wrong(&e))?;
            let line = record.position().map_or(0, csv::Position::line);
            let cells = header.iter().zip(record.iter());
            let row = cells.map(|(column, cell)| (column.to_owned(), Value::from(cell)));
            Ok((usize::try_from(line).unwrap_or(0), row.collect()))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<Vec<(usize, Row)>, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        rows(&path, Format::of(&path).unwrap(), Some("rows"))?.collect()
    }

    fn values(rows: Vec<(usize, Row)>) -> Vec<Value> {
        rows.into_iter()
            .map(|(_, row)| Value::Object(row))
            .collect()
    }

    #[test]
    fn the_same_rows_are_read_from_every_format() {
        let want = vec![json!({"id": "a", "n": "1"}), json!({"id": "ä", "n": ""})];
        for (name, text) in [
            (
                "x.jsonl",
                "\u{feff}{\"id\": \"a\", \"n\": \"1\"}\r\n\r\n{\"id\": \"ä\", \"n\": \"\"}",
            ),
            (
                "x.ndjson",
                "{\"id\": \"a\", \"n\": \"1\"}\n{\"id\": \"ä\", \"n\": \"\"}\n",
            ),
            (
                "x.json",
                "\u{feff}[{\"id\": \"a\", \"n\": \"1\"}, {\"id\": \"ä\", \"n\": \"\"}]",
            ),
            (
                "y.JSON",
                "{\"rows\": [{\"id\": \"a\", \"n\": \"1\"}, {\"id\": \"ä\", \"n\": \"\"}]}",
            ),
            ("x.csv", "\u{feff}id,n\r\na,1\r\nä,\r\n"),
            ("y.csv", "\"id\",\"n\"\n\"a\",\"1\"\n\"ä\",\"\"\n"),
        ] {
            assert_eq!(values(read(name, text.as_bytes()).unwrap()), want, "{name}");
        }
    }

    #[test]
    fn a_text_file_has_a_row_per_line() {
        let rows = read("x.txt", "\u{feff}one, two\r\n\n  three\n".as_bytes()).unwrap();
        assert_eq!((rows[0].0, rows[1].0), (1, 3));
        assert_eq!(
            values(rows),
            [json!({"text": "one, two"}), json!({"text": "three"})]
        );
    }

    #[test]
    fn rows_know_their_lines() {
        let rows = read("x.jsonl", b"{}\n\n{\"a\": 1}\n").unwrap();
        assert_eq!(rows[1].0, 3);
        let rows = read("x.csv", b"a,b\n\"two\nlines\",1\nx,2\n").unwrap();
        assert_eq!((rows[0].0, rows[1].0), (2, 4));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (name, bytes, says) in [
            ("x.jsonl", &b"{}\n[1]\n"[..], "x.jsonl:2:"),
            ("x.jsonl", b"{}\n{\"a\": \"\xe9\"}\n", "line 2 is not UTF-8"),
            ("x.jsonl", b"\xff\xfe{\0}\0\n\0", "UTF-16LE"),
            ("x.json", b"[{}, 3]", "row 2 is not an object"),
            ("x.json", b"{\"a\": []}", "does not hold an array"),
            ("x.csv", b"a,b\n1,2\n3\n", "x.csv:3:"),
            ("x.csv", b"a,a\n1,2\n", "two columns are called 'a'"),
            ("x.parquet", b"PAR1 is how it begins", "x.parquet"),
        ] {
            let said = read(name, bytes).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
    }
}
