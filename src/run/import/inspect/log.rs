//! A log's parts: its header, and its samples, each whole in one entry, in chunks, or by its summary alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use super::super::sight::{Holds, Sight};
use super::super::values::{any_text, field, json_file};
use super::super::{ImportError, input};
use super::ENDING;
use crate::files::{Archive, Repairs, decode, from_json};

const HEADER: &str = "header.json";
const START: &str = "_journal/start.json";
const SUMMARIES: &str = "summaries.json";
const JOURNALLED: &str = "_journal/summaries/";
const SAMPLES: &str = "samples/";
/// What is before an epoch's number in the name of a sample's entry.
const EPOCH: &str = "_epoch_";
/// What a long text is replaced by: the key of an attachment follows.
const ATTACHMENT: &str = "attachment://";
/// Most messages and attachments that a sample in chunks may refer to.
const MAX_ITEMS: usize = 1_000_000;
/// Most bytes that resolving attachments may make of one sample.
const MAX_RESOLVED: usize = 256 << 20;

/// An open log.
pub(super) enum Log {
    Zip {
        path: String,
        archive: Archive,
        repairs: Repairs,
        summaries: Vec<Value>,
    },
    Json {
        log: Value,
    },
}

/// Where a sample is.
pub(super) enum Entry {
    /// One entry of this name.
    Whole(String),
    /// Entries below this prefix.
    Chunked(String),
    /// A place among the summaries.
    Summary(usize),
    /// A place among a JSON log's samples.
    Listed(usize),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(name) => f.write_str(name),
            Self::Chunked(prefix) => write!(f, "{prefix}/"),
            Self::Summary(at) => write!(f, "summary {}", at + 1),
            Self::Listed(at) => write!(f, "sample {}", at + 1),
        }
    }
}

impl Log {
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let sight = Sight::of(path).map_err(|e| input(path, e))?;
        let is_named_log = path.extension().is_some_and(|x| x == ENDING);
        if !is_named_log && !matches!(sight.holds, Holds::Zip) {
            return Ok(Self::Json {
                log: json_file(path)?,
            });
        }
        let archive = Archive::open(path).map_err(|e| input(path, e))?;
        Ok(Self::Zip {
            path: path.display().to_string(),
            archive,
            repairs: Repairs::default(),
            summaries: Vec::new(),
        })
    }

    /// The header; of a log that was cut off, how it began.
    pub(super) fn header(&mut self) -> Result<Value, ImportError> {
        let (path, read) = match self {
            Self::Json { log } => return Ok(without_samples(log)),
            Self::Zip { path, .. } => (path.clone(), self.json(HEADER)),
        };
        let failed = |reason: String| input(Path::new(&path), reason);
        if let Some(header) = read.map_err(|e| failed(format!("{HEADER}: {e}")))? {
            Ok(header)
        } else {
            let start = self
                .json(START)
                .map_err(|e| failed(format!("{START}: {e}")))?;
            let mut start = start.ok_or_else(|| {
                failed(format!(
                    "not a log of Inspect: it has neither {HEADER} nor {START}"
                ))
            })?;
            if let Value::Object(start) = &mut start {
                start.insert("status".into(), "started".into());
            }
            Ok(start)
        }
    }

    /// Every sample, each once: the whole ones in the zip's order, then those of which there is only a summary.
    pub(super) fn entries(&mut self) -> Vec<Entry> {
        let names: Vec<String> = match self {
            Self::Json { log } => {
                let samples = field(log, "samples").and_then(Value::as_array);
                let n = samples.map_or(0, Vec::len);
                return (0..n).map(Entry::Listed).collect();
            }
            Self::Zip { archive, .. } => archive.names().map(str::to_owned).collect(),
        };
        let read = self.read_summaries(&names);
        let mut known = BTreeSet::new();
        let mut entries: Vec<Entry> = names
            .iter()
            .filter_map(|name| {
                let own = name.strip_prefix(SAMPLES)?;
                let (entry, named) = match own.strip_suffix("/sample.json") {
                    Some(named) if is_named(named) => {
                        (Entry::Chunked(format!("{SAMPLES}{named}")), named)
                    }
                    _ => {
                        let named = own.strip_suffix(".json").filter(|n| is_named(n))?;
                        (Entry::Whole(name.clone()), named)
                    }
                };
                known.insert(named.to_owned()).then_some(entry)
            })
            .collect();
        let alone = read
            .iter()
            .enumerate()
            .filter(|(_, s)| !known.contains(&name_of(s)));
        entries.extend(alone.map(|(at, _)| Entry::Summary(at)));
        if let Self::Zip { summaries, .. } = self {
            *summaries = read;
        }
        entries
    }

    /// The summaries: the whole list, or the parts that were written while the evaluation ran. Of a sample's several the last counts.
    fn read_summaries(&mut self, names: &[String]) -> Vec<Value> {
        let mut files: Vec<(u64, &str)> = names
            .iter()
            .filter_map(|name| {
                let number = name.strip_prefix(JOURNALLED)?.strip_suffix(".json")?;
                Some((number.parse().ok()?, name.as_str()))
            })
            .collect();
        files.sort_unstable();
        let whole = names.iter().any(|name| name == SUMMARIES);
        let files: Vec<&str> = if whole {
            vec![SUMMARIES]
        } else {
            files.into_iter().map(|(_, name)| name).collect()
        };
        let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
        let mut all: Vec<Value> = Vec::new();
        for name in files {
            let Ok(Some(Value::Array(summaries))) = self.json(name) else {
                continue;
            };
            for summary in summaries {
                if let Some(at) = by_name.get(&name_of(&summary)) {
                    all[*at] = summary;
                } else {
                    by_name.insert(name_of(&summary), all.len());
                    all.push(summary);
                }
            }
        }
        all
    }

    /// A sample, its long texts in their places.
    pub(super) fn sample(&mut self, entry: &Entry) -> Result<Value, String> {
        match (&mut *self, entry) {
            (Self::Json { log }, Entry::Listed(at)) => {
                let sample = log.pointer_mut(&format!("/samples/{at}"));
                resolved(sample.map_or(Value::Null, Value::take))
            }
            (Self::Zip { summaries, .. }, Entry::Summary(at)) => {
                Ok(summaries.get_mut(*at).map_or(Value::Null, Value::take))
            }
            (Self::Zip { .. }, Entry::Whole(name)) => resolved(self.required(name)?),
            (Self::Zip { .. }, Entry::Chunked(prefix)) => self.chunked(prefix),
            _ => Err("there is no such sample".into()),
        }
    }

    /// A sample in chunks: the shell, its metadata, and the messages that it refers to.
    fn chunked(&mut self, prefix: &str) -> Result<Value, String> {
        let mut shell = self.required(&format!("{prefix}/sample.json"))?;
        let messages = self.sequence(&format!("{prefix}/messages/"))?;
        let attachments = self.sequence(&format!("{prefix}/attachments/"))?;
        let metadata = self.json(&format!("{prefix}/metadata.json"))?;
        let referred = conversation(&shell, messages)?;
        let Value::Object(shell_fields) = &mut shell else {
            return Err("sample.json is not an object".into());
        };
        shell_fields.insert("messages".into(), Value::Array(referred));
        if let Some(metadata) = metadata {
            shell_fields.insert("metadata".into(), metadata);
        }
        let numbered = (0..).zip(attachments);
        let attachments: Map<String, Value> =
            numbered.map(|(n, text)| (format!("{n}"), text)).collect();
        shell_fields.insert("attachments".into(), Value::Object(attachments));
        resolved(shell)
    }

    /// The items of a sequence that is cut into chunks, each named by the number of its first item.
    fn sequence(&mut self, folder: &str) -> Result<Vec<Value>, String> {
        let Self::Zip { archive, .. } = self else {
            return Ok(Vec::new());
        };
        let mut chunks: Vec<(usize, String)> = archive
            .names()
            .filter_map(|name| {
                let start = name.strip_prefix(folder)?.strip_suffix(".json")?;
                Some((start.parse().ok()?, name.to_owned()))
            })
            .collect();
        chunks.sort_unstable();
        let mut items = Vec::new();
        for (start, name) in chunks {
            if start != items.len() {
                return Err(format!(
                    "{name} does not continue where the chunk before it ends"
                ));
            }
            match self.required(&name)? {
                Value::Array(own) => items.extend(own),
                _ => return Err(format!("{name} is not a list")),
            }
            if items.len() > MAX_ITEMS {
                return Err(format!("it has more than {MAX_ITEMS} items in {folder}"));
            }
        }
        Ok(items)
    }

    fn required(&mut self, name: &str) -> Result<Value, String> {
        self.json(name)?.ok_or_else(|| format!("{name} is missing"))
    }

    fn json(&mut self, name: &str) -> Result<Option<Value>, String> {
        let Self::Zip {
            archive, repairs, ..
        } = self
        else {
            return Ok(None);
        };
        let Some(bytes) = archive.read(name).map_err(|e| e.to_string())? else {
            return Ok(None);
        };
        let text = decode(bytes).map_err(|e| e.to_string())?;
        let (value, needed) = from_json(&text).map_err(|e| format!("not valid JSON: {e}"))?;
        repairs.add(needed);
        Ok(Some(value))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Self::Zip { path, repairs, .. } = self {
            repairs.log(path);
        }
    }
}

fn without_samples(log: &Value) -> Value {
    let fields = log.as_object().into_iter().flatten();
    let header = fields.filter(|(name, _)| *name != "samples");
    Value::Object(header.map(|(n, v)| (n.clone(), v.clone())).collect())
}

/// Whether a name ends as a sample's does: `ID_epoch_NUMBER`.
fn is_named(name: &str) -> bool {
    let epoch = name.rsplit_once(EPOCH).map(|(_, epoch)| epoch);
    epoch.is_some_and(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit()))
}

/// The name of a sample's entry, by its summary.
fn name_of(summary: &Value) -> String {
    let part = |name: &str| field(summary, name).and_then(any_text).unwrap_or_default();
    format!("{}{EPOCH}{}", part("id"), part("epoch"))
}

/// The messages that a shell refers to, by ranges whose end is not in them.
fn conversation(shell: &Value, messages: Vec<Value>) -> Result<Vec<Value>, String> {
    let Some(ranges) = field(shell, "message_refs").and_then(Value::as_array) else {
        return Ok(messages);
    };
    let mut referred = Vec::new();
    for range in ranges {
        let end = |at: usize| range.get(at)?.as_u64()?.try_into().ok();
        let (Some(start), Some(after)): (Option<usize>, Option<usize>) = (end(0), end(1)) else {
            return Err("its message_refs are not ranges".into());
        };
        let own = messages.get(start..after);
        let own = own.ok_or("its message_refs lead out of its messages")?;
        referred.extend_from_slice(own);
        if referred.len() > MAX_ITEMS {
            return Err(format!("it refers to more than {MAX_ITEMS} messages"));
        }
    }
    Ok(referred)
}

/// The sample with its attachments in the places of what refers to them, in what is read of it.
fn resolved(mut sample: Value) -> Result<Value, String> {
    let Some(fields) = sample.as_object_mut() else {
        return Err("the sample is not an object".into());
    };
    // Most of a log, and nothing of it is read.
    for large in ["events", "events_data", "store", "timelines"] {
        fields.remove(large);
    }
    let Some(Value::Object(attachments)) = fields.remove("attachments") else {
        return Ok(sample);
    };
    let mut left = MAX_RESOLVED;
    for name in ["input", "messages", "output", "scores", "target", "choices"] {
        if let Some(value) = sample.get_mut(name)
            && !resolve(value, &attachments, &mut left)
        {
            return Err("its attachments make it too large".into());
        }
    }
    Ok(sample)
}

/// False where more text came than may.
fn resolve(value: &mut Value, attachments: &Map<String, Value>, left: &mut usize) -> bool {
    match value {
        Value::String(text) => {
            let attached = text
                .strip_prefix(ATTACHMENT)
                .and_then(|key| attachments.get(key));
            if let Some(Value::String(attached)) = attached {
                let Some(rest) = left.checked_sub(attached.len()) else {
                    return false;
                };
                *left = rest;
                text.clone_from(attached);
            }
            true
        }
        Value::Array(all) => all.iter_mut().all(|v| resolve(v, attachments, left)),
        Value::Object(all) => all.values_mut().all(|v| resolve(v, attachments, left)),
        _ => true,
    }
}
