//! Recorded answers as a model: `replay:FILE?key=FIELD&answer=PATH&name=NAME`.
//!
//! A row of the file (JSONL, JSON, CSV or Parquet; or of any such file in a folder) holds an answer and says which question it belongs
//! to (`?model=NAME` takes the rows of one of several models alone): by `sample_id` (with `suite` and `epoch` where given), by fields of the sample (`?key=question` matches row.question with the
//! sample's question, `?key=category+example_id` both, `?key=id:sample_id` row.id with `sample_id`), or by `prompt`. Fields and answers
//! may lie deeper: `doc.question`, `resps.0.0`.
//!
//! A row may hold a failure instead of an answer: an error body, as OpenAI's Batch has them, or nothing. Such a question, like one without
//! a row, is not recorded; the others are scored.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::Value;

use super::error::files_error;
use super::{
    Capabilities, Completion, Control, ErrorClass, Identity, Model, ModelError, ModelSpec, Origin,
    Request, SampleRef, Signal, reasoning,
};
use crate::files::{Format, Row, rows};

/// Answers read from a file.
pub(super) struct ReplayModel {
    identity: Identity,
    by: Key,
    answers: HashMap<String, Recorded>,
}

/// What a row holds: an answer, or in words why there is none.
type Recorded = Result<Completion, String>;

#[derive(Debug, Clone, PartialEq)]
enum Key {
    SampleId,
    Fields(Vec<FieldPair>),
    Prompt,
}

/// A field of the recording and the field of the sample that it is to equal.
#[derive(Debug, Clone, PartialEq)]
struct FieldPair {
    row: String,
    sample: String,
}

impl FieldPair {
    /// `ROW:SAMPLE`, or one name for both.
    fn new(written: &str) -> Self {
        let (row, sample) = written.split_once(':').unwrap_or((written, written));
        Self {
            row: row.to_owned(),
            sample: sample.to_owned(),
        }
    }
}

const ANSWER_NAMES: &[&str] = &["answer", "response", "completion", "output", "text"];

impl ReplayModel {
    /// Reads the recording.
    ///
    /// # Errors
    /// [`ErrorClass::Files`] naming the file and the line that cannot be read, or the first one where no row holds an answer.
    pub(super) fn open(spec: &ModelSpec) -> Result<Self, ModelError> {
        spec.allow_options(&["key", "answer", "model"])?;
        let path = Path::new(&spec.target);
        let mut hasher = blake3::Hasher::new();
        let mut found = Recording {
            by: spec
                .options
                .get("key")
                .map(|k| Key::Fields(k.split('+').map(FieldPair::new).collect())),
            place: spec.options.get("answer").map(String::as_str),
            model: spec.options.get("model").map(String::as_str),
            recorded: BTreeSet::new(),
            answers: HashMap::new(),
            unread: None,
        };
        for path in files(path)? {
            let failed = |e: &dyn std::fmt::Display| {
                files_error(format!("cannot open the recording {}: {e}", path.display()))
            };
            let file = File::open(&path).map_err(|e| failed(&e))?;
            hasher.update_reader(file).map_err(|e| failed(&e))?;
            // A recording without a format's ending is JSONL; plain text holds no answers that could be distinguished.
            let format = Format::of(&path).filter(|f| *f != Format::Text);
            let format = format.unwrap_or(Format::Jsonl);
            for row in rows(&path, format, None).map_err(|e| files_error(e.to_string()))? {
                let (line, row) = row.map_err(|e| files_error(e.to_string()))?;
                let wrong =
                    |what: String| files_error(format!("{}:{line}: {what}", path.display()));
                if let Some(unread) = found.take(&row).map_err(wrong)? {
                    found.unread.get_or_insert(wrong(unread));
                }
            }
        }
        if found.recorded.len() > 1 {
            let names: Vec<&str> = found.recorded.iter().map(String::as_str).collect();
            return Err(files_error(format!(
                "{} holds answers of several models ({}); choose one with ?model=NAME",
                path.display(),
                names.join(", ")
            )));
        }
        if let (Some(model), true) = (found.model, found.answers.is_empty()) {
            return Err(files_error(format!(
                "{} holds no answer of the model '{model}'",
                path.display()
            )));
        }
        for (key, value) in &spec.options {
            hasher.update(key.as_bytes()).update(value.as_bytes());
        }
        // A recording in which nothing is where it is looked for is not one that lacks an answer here and there.
        if let (Some(error), true) = (found.unread, found.answers.values().all(Result::is_err)) {
            return Err(error);
        }
        Ok(Self {
            identity: Identity {
                name: name(spec),
                fingerprint: hasher.finalize().to_hex().to_string(),
                spec: spec.to_string(),
            },
            by: found.by.unwrap_or(Key::SampleId),
            answers: found.answers,
        })
    }
}

fn name(spec: &ModelSpec) -> String {
    let stem = Path::new(&spec.target).file_stem().and_then(|s| s.to_str());
    let stem = stem.unwrap_or("recording");
    match (spec.options.get("name"), spec.options.get("answer")) {
        (Some(name), _) => name.clone(),
        (None, Some(answer)) => {
            format!(
                "replay:{stem}/{}",
                answer.split('.').next().unwrap_or(answer)
            )
        }
        (None, None) => format!("replay:{stem}"),
    }
}

/// A recording while it is read.
struct Recording<'a> {
    by: Option<Key>,
    place: Option<&'a str>,
    /// The model whose rows count, if one was named.
    model: Option<&'a str>,
    /// The models whose exchanges `--record` kept.
    recorded: BTreeSet<String>,
    answers: HashMap<String, Recorded>,
    /// The first row in which no answer was found where answers are looked for.
    unread: Option<ModelError>,
}

impl Recording<'_> {
    /// Takes up a row. Says what is missing where its answer is not where answers are looked for; fails where it does not say which
    /// question it belongs to.
    fn take(&mut self, row: &Row) -> Result<Option<String>, String> {
        let model = row.get("model").and_then(Value::as_str);
        if self.model.is_some() && self.model != model {
            return Ok(None);
        }
        if let (Some(model), true) = (model, row.contains_key("exchanges")) {
            self.recorded.insert(model.to_owned());
        }
        let by = self.by.get_or_insert_with(|| {
            if row.contains_key("sample_id") {
                Key::SampleId
            } else {
                Key::Prompt
            }
        });
        let key = row_key(by, row).ok_or_else(|| {
            format!(
                "has no {}; name the field that identifies the question with ?key=FIELD",
                by.name()
            )
        })?;
        let (recorded, missing) = match row_answer(row, self.place) {
            Answer::Given(completion) => (Ok(*completion), None),
            Answer::Failed(why) => (Err(why), None),
            Answer::Missing => {
                let place = self
                    .place
                    .map_or_else(|| ANSWER_NAMES.join(", "), str::to_owned);
                let missing = format!("has no answer under {place}");
                let help =
                    format!("{missing}; name its field with ?answer=PATH (dots for nesting)");
                (Err(missing), Some(help))
            }
        };
        // A row with an answer is not undone by a later one without.
        if recorded.is_ok() || !self.answers.contains_key(&key) {
            self.answers.insert(key, recorded);
        }
        Ok(missing)
    }
}

impl Key {
    fn name(&self) -> String {
        match self {
            Self::SampleId => "sample_id".into(),
            Self::Fields(pairs) => {
                let names: Vec<&str> = pairs.iter().map(|p| p.row.as_str()).collect();
                names.join("+")
            }
            Self::Prompt => "prompt".into(),
        }
    }
}

/// The file itself, or the recordings in a folder: of the first of these formats that it holds.
fn files(path: &Path) -> Result<Vec<PathBuf>, ModelError> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    files.sort();
    [Format::Jsonl, Format::Parquet, Format::Csv]
        .iter()
        .map(|format| files.iter().filter(|p| Format::of(p) == Some(*format)))
        .map(|files| files.cloned().collect::<Vec<_>>())
        .find(|files| !files.is_empty())
        .ok_or_else(|| {
            let path = path.display();
            files_error(format!(
                "the folder {path} has no recording (JSONL, Parquet or CSV)"
            ))
        })
}

fn row_key(by: &Key, row: &Row) -> Option<String> {
    match by {
        Key::SampleId => {
            let suite = row.get("suite").and_then(Value::as_str).unwrap_or("*");
            let epoch = row.get("epoch").and_then(Value::as_u64).unwrap_or(0);
            let sample = text(row.get("sample_id")?)?;
            Some(format!("{suite}\u{0}{sample}\u{0}{epoch}"))
        }
        Key::Fields(pairs) => composite_key(pairs.iter().map(|p| match follow(row, &p.row) {
            Place::Value(value) => text(value),
            Place::Nothing | Place::Nowhere => None,
        })),
        Key::Prompt => Some(text(row.get("prompt")?)?.trim().to_owned()),
    }
}

/// The values of several fields as one key.
fn composite_key(values: impl Iterator<Item = Option<String>>) -> Option<String> {
    let values: Vec<String> = values
        .map(|value| value.map(|v| v.trim().to_owned()))
        .collect::<Option<_>>()?;
    Some(values.join("\u{0}"))
}

/// Where a path leads in a row.
enum Place<'a> {
    Value(&'a Value),
    /// To null, or through it.
    Nothing,
    /// Past the row's fields.
    Nowhere,
}

/// Follows a path of field names and list indices parted by dots. A field whose own name holds the dots comes first.
fn follow<'a>(row: &'a Row, path: &str) -> Place<'a> {
    let whole = row.get(path).map(|value| (value, ""));
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some((mut value, rest)) = whole.or_else(|| Some((row.get(first)?, rest))) else {
        return Place::Nowhere;
    };
    for step in rest.split('.').filter(|s| !s.is_empty()) {
        let next = match value {
            Value::Null => return Place::Nothing,
            Value::Array(list) => step.parse::<usize>().ok().and_then(|i| list.get(i)),
            other => other.get(step),
        };
        match next {
            Some(next) => value = next,
            None => return Place::Nowhere,
        }
    }
    if value.is_null() {
        Place::Nothing
    } else {
        Place::Value(value)
    }
}

/// What a row says of its question.
enum Answer {
    Given(Box<Completion>),
    /// In words, why there is no answer.
    Failed(String),
    /// Nothing lies where answers are looked for.
    Missing,
}

/// The answer at a path; where none is given, under a usual name.
fn row_answer(row: &Row, path: Option<&str>) -> Answer {
    let found =
        match path {
            Some(path) => follow(row, path),
            None => ANSWER_NAMES.iter().find_map(|name| row.get(*name)).map_or(
                Place::Nowhere,
                |value| match value {
                    Value::Null => Place::Nothing,
                    value => Place::Value(value),
                },
            ),
        };
    let error = row.get("error").filter(|e| !e.is_null());
    match (found, error) {
        (Place::Value(value), _) => answer(value),
        (_, Some(error)) => Answer::Failed(format!(
            "the recording holds an error instead of an answer: {}",
            error_text(error)
        )),
        (Place::Nothing, None) => {
            Answer::Failed("the recording holds null instead of an answer".into())
        }
        (Place::Nowhere, None) => Answer::Missing,
    }
}

fn answer(value: &Value) -> Answer {
    let mut completion = match value {
        Value::String(text) => {
            let (thought, answer) = reasoning::split(text);
            Completion {
                reasoning: thought,
                ..Completion::text(answer)
            }
        }
        Value::Object(_) => {
            let recorded = serde_json::from_value(value.clone()).ok();
            match recorded.or_else(|| super::remote::read_chat_completion(value)) {
                Some(completion) => completion,
                None => return Answer::Missing,
            }
        }
        // lm-evaluation-harness puts the one response of a request into a list.
        Value::Array(list) if list.len() == 1 => return answer(&list[0]),
        Value::Null => {
            return Answer::Failed("the recording holds null instead of an answer".into());
        }
        other => Completion::text(other.to_string()),
    };
    let error = completion.signals.iter().find_map(|signal| match signal {
        Signal::ProviderError { message, .. } => Some(message),
        _ => None,
    });
    if let Some(error) = error.filter(|_| !completion.is_blocked()) {
        return Answer::Failed(format!(
            "the recording holds an error instead of an answer: {error}"
        ));
    }
    completion.origin = Origin::Recording;
    Answer::Given(Box::new(completion))
}

/// An error as its own words, where it has any.
fn error_text(error: &Value) -> String {
    let said = error.as_str().or_else(|| error.get("message")?.as_str());
    said.map_or_else(|| error.to_string(), str::to_owned)
}

/// A value that can be part of a key. Data frames write whole numbers as 2.0 if a column has gaps.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => {
            let written = n.to_string();
            Some(
                written
                    .strip_suffix(".0")
                    .map_or(written.clone(), str::to_owned),
            )
        }
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

#[async_trait]
impl Model for ReplayModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            chat: true,
            log_likelihood: true,
            concurrency: 64,
            cacheable: false,
        }
    }

    /// What was asked for is in the recording, whatever it was.
    fn controls(&self) -> Vec<Control> {
        Control::ALL.to_vec()
    }

    async fn generate(&self, request: &Request) -> Result<Completion, ModelError> {
        let about = &request.about;
        let found = match &self.by {
            Key::SampleId => [about.suite.as_str(), "*"].iter().find_map(|suite| {
                self.answers
                    .get(&format!("{suite}\u{0}{}\u{0}{}", about.id, about.epoch))
            }),
            Key::Fields(pairs) => {
                composite_key(pairs.iter().map(|p| sample_field(about, &p.sample)))
                    .and_then(|key| self.answers.get(&key))
            }
            Key::Prompt => self.answers.get(request.prompt.question().trim()),
        };
        let why = match found {
            Some(Ok(completion)) => return Ok(completion.clone()),
            Some(Err(why)) => why.clone(),
            None => format!(
                "the recording holds no answer (matched by {})",
                self.by.name()
            ),
        };
        Err(ModelError::new(
            ErrorClass::NotRecorded,
            format!(
                "{}, {}/{}: {why}",
                self.identity.name, about.suite, about.id
            ),
        ))
    }

    async fn log_likelihood(&self, request: &Request) -> Result<Completion, ModelError> {
        self.generate(request).await
    }
}

/// A field of the sample; its id where no field is called so.
fn sample_field(about: &SampleRef, name: &str) -> Option<String> {
    match about.fields.get(name) {
        Some(value) => text(value),
        None if matches!(name, "id" | "sample_id") => Some(about.id.clone()),
        None => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(value: Value, path: &str) -> Option<Result<String, String>> {
        let row: Row = serde_json::from_value(value).unwrap();
        match row_answer(&row, Some(path)) {
            Answer::Given(completion) => Some(Ok(completion.text)),
            Answer::Failed(why) => Some(Err(why)),
            Answer::Missing => None,
        }
    }

    #[test]
    fn paths_reach_into_lists_and_names_with_dots() {
        for (value, path) in [
            (json!({"resps": [["Paris"]]}), "resps.0.0"),
            (json!({"resps": [["Paris"]]}), "resps"),
            (json!({"a": {"b": "Paris"}}), "a.b"),
            (json!({"a.b": "Paris", "a": {"b": "Rome"}}), "a.b"),
            (json!({"a": {"0": "Paris"}}), "a.0"),
        ] {
            assert_eq!(said(value, path), Some(Ok("Paris".into())), "{path}");
        }
        assert_eq!(said(json!({"resps": []}), "resps.0"), None);
        assert_eq!(said(json!({"resps": ["Paris"]}), "resps.x"), None);
    }

    #[test]
    fn an_error_or_nothing_is_not_an_answer() {
        for (value, path, says) in [
            (
                json!({"response": {"body": {"error": {"message": "Rate limit"}}}}),
                "response.body",
                "Rate limit",
            ),
            (
                json!({"response": null, "error": {"message": "expired"}}),
                "response.body",
                "expired",
            ),
            (
                json!({"response": null, "error": null}),
                "response.body",
                "null",
            ),
            (json!({"response": {"body": null}}), "response.body", "null"),
            (json!({"error": "out of memory"}), "answer", "out of memory"),
        ] {
            let why = said(value, path).unwrap().unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn whole_numbers_are_the_same_key_however_they_are_written() {
        assert_eq!(text(&json!(2.0)), text(&json!(2)));
        assert_eq!(text(&json!("2")), text(&json!(2)));
        assert_ne!(text(&json!(2.5)), text(&json!(2)));
    }
}
