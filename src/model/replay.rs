//! Recorded answers as a model: `replay:FILE?key=FIELD&answer=PATH&name=NAME`.
//!
//! A row of the JSONL file (or of any in a folder) holds an answer and says which question it belongs to: by `sample_id`
//! (with `suite` and `epoch` where given), by fields of the sample (`?key=question` matches row.question with the sample's
//! question, `?key=category+example_id` both, `?key=id:sample_id` row.id with `sample_id`), or by `prompt`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Capabilities, Completion, ErrorClass, Identity, Model, ModelError, ModelSpec, Origin, Request,
    reasoning,
};

/// Answers read from a file.
pub(super) struct ReplayModel {
    identity: Identity,
    by: Key,
    answers: HashMap<String, Completion>,
}

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
    /// [`ErrorClass::Files`] naming the file and the line that cannot be read.
    pub(super) fn open(spec: &ModelSpec) -> Result<Self, ModelError> {
        spec.only(&["key", "answer"])?;
        let path = Path::new(&spec.target);
        let mut hasher = blake3::Hasher::new();
        let mut answers = HashMap::new();
        let mut by = spec
            .options
            .get("key")
            .map(|k| Key::Fields(k.split('+').map(FieldPair::new).collect()));
        let place = spec.options.get("answer").map(String::as_str);
        for path in files(path)? {
            let wrong = |line: usize, what: String| {
                ModelError::new(
                    ErrorClass::Files,
                    format!("{}:{line}: {what}", path.display()),
                )
            };
            let file = File::open(&path).map_err(|e| {
                ModelError::new(
                    ErrorClass::Files,
                    format!("cannot open the recording {}: {e}", path.display()),
                )
            })?;
            for (i, line) in BufReader::new(file).lines().enumerate() {
                let line = line.map_err(|e| wrong(i + 1, format!("cannot be read: {e}")))?;
                hasher.update(line.as_bytes()).update(b"\n");
                if line.trim().is_empty() {
                    continue;
                }
                let row: Value = serde_json::from_str(&line)
                    .map_err(|e| wrong(i + 1, format!("is not JSON: {e}")))?;
                let by = by.get_or_insert_with(|| {
                    if row.get("sample_id").is_some() {
                        Key::SampleId
                    } else {
                        Key::Prompt
                    }
                });
                let key = row_key(by, &row).ok_or_else(|| wrong(i + 1, format!("has no {}; name the field that tells which question this answers with ?key=FIELD", by.name())))?;
                let completion = row_answer(&row, place).ok_or_else(|| wrong(i + 1, format!("has no answer under {}; name its place with ?answer=PATH (dots for nesting)", place.map_or_else(|| ANSWER_NAMES.join(", "), str::to_owned))))?;
                answers.insert(key, completion);
            }
        }
        for (key, value) in &spec.options {
            hasher.update(key.as_bytes()).update(value.as_bytes());
        }
        let stem = path
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or("recording");
        let name =
            spec.options
                .get("name")
                .cloned()
                .unwrap_or_else(|| match spec.options.get("answer") {
                    Some(answer) => format!(
                        "replay:{stem}/{}",
                        answer.split('.').next().unwrap_or(answer)
                    ),
                    None => format!("replay:{stem}"),
                });
        Ok(Self {
            identity: Identity {
                name,
                fingerprint: hasher.finalize().to_hex().to_string(),
                spec: spec.to_string(),
            },
            by: by.unwrap_or(Key::SampleId),
            answers,
        })
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

/// The file itself, or the JSONL files of a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, ModelError> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "jsonl"))
        .collect();
    files.sort();
    if files.is_empty() {
        Err(ModelError::new(
            ErrorClass::Files,
            format!("the folder {} holds no JSONL recording", path.display()),
        ))
    } else {
        Ok(files)
    }
}

fn row_key(by: &Key, row: &Value) -> Option<String> {
    match by {
        Key::SampleId => {
            let suite = row.get("suite").and_then(Value::as_str).unwrap_or("*");
            let epoch = row.get("epoch").and_then(Value::as_u64).unwrap_or(0);
            Some(format!(
                "{suite}\u{0}{}\u{0}{epoch}",
                text(row.get("sample_id")?)?
            ))
        }
        Key::Fields(pairs) => joined(pairs.iter().map(|p| row.get(&p.row))),
        Key::Prompt => Some(text(row.get("prompt")?)?.trim().to_owned()),
    }
}

/// The values of several fields as one key.
fn joined<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> Option<String> {
    let values: Vec<String> = values
        .map(|value| text(value?).map(|v| v.trim().to_owned()))
        .collect::<Option<_>>()?;
    Some(values.join("\u{0}"))
}

/// The answer at a dotted path; where no path is given, under a usual name, or the whole row as a recorded completion.
fn row_answer(row: &Value, path: Option<&str>) -> Option<Completion> {
    let value = match path {
        Some(path) => path.split('.').try_fold(row, |v, step| v.get(step))?,
        None => ANSWER_NAMES.iter().find_map(|name| row.get(*name))?,
    };
    let mut completion = match value {
        Value::String(text) => {
            let (thought, answer) = reasoning::split(text);
            Completion {
                reasoning: thought,
                ..Completion::text(answer)
            }
        }
        Value::Object(_) => serde_json::from_value(value.clone())
            .ok()
            .or_else(|| super::remote::read_chat_completion(value))?,
        Value::Null => Completion::text(""),
        other => Completion::text(other.to_string()),
    };
    completion.origin = Origin::Recording;
    Some(completion)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
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

    async fn generate(&self, request: &Request) -> Result<Completion, ModelError> {
        let about = &request.about;
        let found = match &self.by {
            Key::SampleId => [about.suite.as_str(), "*"].iter().find_map(|suite| {
                self.answers
                    .get(&format!("{suite}\u{0}{}\u{0}{}", about.id, about.epoch))
            }),
            Key::Fields(pairs) => joined(pairs.iter().map(|p| about.fields.get(&p.sample)))
                .and_then(|key| self.answers.get(&key)),
            Key::Prompt => self.answers.get(request.prompt.question().trim()),
        };
        found.cloned().ok_or_else(|| {
            ModelError::new(
                ErrorClass::NotRecorded,
                format!(
                    "{} holds no answer to {}/{} (matched by {})",
                    self.identity.name,
                    about.suite,
                    about.id,
                    self.by.name()
                ),
            )
        })
    }

    async fn log_likelihood(&self, request: &Request) -> Result<Completion, ModelError> {
        self.generate(request).await
    }
}
