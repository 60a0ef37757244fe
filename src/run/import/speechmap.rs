//! SpeechMap (xlr8harder/llm-compliance): raw provider bodies with a judge's label, a folder per question set, a file per model.
//!
//! Suite = the folder's name, sample = `question_id`, model = the row's `model`; the request of the same number in the other
//! sets is the `pair`. The judge's label stays as it is under the scorer `imported`, metric `compliance`: COMPLETE is 1,
//! EVASIVE and DENIAL are 0, an ERROR label has no value. `ERROR_ORIGINAL_MODERATION` is a block by the provider; other
//! errors are failed trials.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{ImportError, Imported};
use crate::files::{self, Format};
use crate::model::remote::read_chat_completion;
use crate::model::{
    Completion, ErrorClass, Finish, Identity, Message, Origin, Parameters, Prompt, Request,
    RequestKey, Role, SampleRef, Signal, Wanted,
};
use crate::score::{IMPORTED, imported_score, speechmap_answered, tells_of};
use crate::store::{
    Failure, JournalLine, Manifest, ModelRecord, RunDirectory, RunStatus, SuiteRecord, TrialKey,
    TrialRecord, TrialStatus,
};
use crate::suite::{Filter, Kind, Pairing};

const METRIC: &str = "compliance";

#[derive(Deserialize)]
struct Row {
    question_id: String,
    question: String,
    model: String,
    response: Value,
    compliance: String,
    #[serde(default)]
    judge_model: Option<String>,
    #[serde(default)]
    judge_analysis: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
}

pub(super) fn import(
    paths: &[PathBuf],
    output: &Path,
) -> Result<(RunDirectory, Imported), ImportError> {
    let mut folders = Vec::new();
    for path in paths {
        folders.extend(question_sets(path)?);
    }
    let mut run = RunDirectory::create(
        output,
        Manifest {
            imported_from: Some("speechmap".into()),
            ..Manifest::new()
        },
    )?;
    let journal = run.append_to_journal()?;
    let (mut trials, mut models, mut suites) = (0, BTreeSet::new(), Vec::new());
    for folder in &folders {
        let name = folder
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or("speechmap")
            .to_owned();
        let mut hasher = blake3::Hasher::new();
        let mut questions = BTreeSet::new();
        for file in jsonl_files(folder)? {
            for (number, row) in rows(&file)? {
                let record = record(&name, trials, row).map_err(|reason| ImportError::Input {
                    path: format!("{}:{number}", file.display()),
                    reason,
                })?;
                models.insert(record.model.clone());
                questions.insert((record.sample.clone(), record.prompt.question().to_owned()));
                journal.append(JournalLine::of(&record)?)?;
                trials += 1;
            }
        }
        for (id, question) in &questions {
            hasher
                .update(id.as_bytes())
                .update(&[0])
                .update(question.as_bytes())
                .update(b"\n");
        }
        suites.push(suite_record(
            &name,
            &hasher.finalize().to_hex(),
            questions.len(),
        ));
    }
    journal.close()?;
    let imported = Imported {
        trials,
        models: models.len(),
        suites: suites.len(),
    };
    run.manifest.suites = suites;
    run.manifest.models = models
        .into_iter()
        .map(|name| ModelRecord {
            identity: identity(&name),
            capabilities: None,
            stopped: None,
            route: None,
        })
        .collect();
    run.manifest.status = RunStatus::Finished;
    run.manifest.finished = Some(Timestamp::now());
    run.save_manifest()?;
    run.write_tables()?;
    Ok((run, imported))
}

/// The folder itself where it holds recordings, else its folders that do.
fn question_sets(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let input = |reason: String| ImportError::Input {
        path: path.display().to_string(),
        reason,
    };
    let holds_rows = |folder: &Path| {
        jsonl_files(folder).is_ok_and(|files| {
            files
                .first()
                .is_some_and(|f| rows(f).is_ok_and(|r| !r.is_empty()))
        })
    };
    if holds_rows(path) {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = fs::read_dir(path).map_err(|e| input(format!("cannot be read: {e}")))?;
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_dir() && holds_rows(p))
        .collect();
    folders.sort();
    if folders.is_empty() {
        Err(input(
            "has no SpeechMap recordings: expected one folder per question set, \
            with one JSONL file per model (question_id, model, response, \
            compliance)"
                .into(),
        ))
    } else {
        Ok(folders)
    }
}

fn jsonl_files(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let entries = fs::read_dir(folder).map_err(|e| ImportError::Input {
        path: folder.display().to_string(),
        reason: format!("cannot be read: {e}"),
    })?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "jsonl"))
        .collect();
    files.sort();
    Ok(files)
}

fn rows(file: &Path) -> Result<Vec<(usize, Row)>, ImportError> {
    let input = |path: String, reason: String| ImportError::Input { path, reason };
    let shown = file.display().to_string();
    let read = files::rows(file, Format::Jsonl, None);
    let read = read.map_err(|e| input(shown.clone(), e.to_string()))?;
    read.map(|row| {
        let (line, row) = row.map_err(|e| input(shown.clone(), e.to_string()))?;
        let row = serde_json::from_value(row.into());
        let wrong = |e| {
            input(
                format!("{shown}:{line}"),
                format!("is not a SpeechMap row: {e}"),
            )
        };
        Ok((line, row.map_err(wrong)?))
    })
    .collect()
}

fn record(suite: &str, index: u64, row: Row) -> Result<TrialRecord, String> {
    let prompt = Prompt::Chat(vec![Message {
        role: Role::User,
        content: row.question,
    }]);
    let request = Request {
        prompt,
        parameters: Parameters::default(),
        wanted: Wanted::Generate,
        about: SampleRef::default(),
    };
    let key = RequestKey::new(&identity(&row.model).fingerprint, &request, 0);
    let value =
        speechmap_answered(&row.compliance).map_err(|e| format!("its compliance is {e}"))?;
    let completion = read_chat_completion(&row.response);
    let (status, completion, failure) = outcome(&row.compliance, value.is_some(), completion);
    let mut score = imported_score(
        METRIC,
        &row.compliance,
        value,
        row.judge_analysis.filter(|a| !a.is_empty()),
    );
    score.by = row.judge_model;
    Ok(TrialRecord {
        trial: TrialKey::new(&key, suite, &row.question_id),
        schedule_index: index,
        model: row.model,
        suite: suite.into(),
        pairing: Pairing {
            pair: pair(&row.question_id),
            role: None,
            cluster: pair(&row.question_id),
        },
        sample: row.question_id,
        epoch: 0,
        strata: strata(suite),
        targets: Vec::new(),
        prompt: request.prompt,
        seed: None,
        status,
        completion,
        failure,
        scores: vec![score],
        unjudged: Vec::new(),
        attempts: None,
        spent: None,
        finished: row
            .timestamp
            .and_then(|t| t.parse().ok())
            .unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// The judge saw the answer, so its label decides whether there is one; the provider's body says what was said and signalled.
fn outcome(
    label: &str,
    judged: bool,
    completion: Option<Completion>,
) -> (TrialStatus, Option<Completion>, Option<Failure>) {
    let mut completion = completion.map(|c| Completion {
        origin: Origin::Recording,
        ..c
    });
    if label == "ERROR_ORIGINAL_MODERATION" {
        let blocked = completion.get_or_insert_with(|| Completion {
            origin: Origin::Recording,
            ..Completion::text("")
        });
        if !blocked.is_blocked() {
            blocked.signals.push(Signal::AnswerBlocked {
                reason: label.into(),
            });
        }
        blocked.finish = Finish::ContentFilter;
        return (TrialStatus::BlockedUpstream, completion, None);
    }
    if !judged {
        let message = completion.as_ref().and_then(|c| {
            c.signals.iter().find_map(|s| {
                if let Signal::ProviderError { message, .. } = s {
                    Some(message.clone())
                } else {
                    None
                }
            })
        });
        return (
            TrialStatus::Error,
            completion,
            Some(Failure {
                class: ErrorClass::Server,
                message: message.unwrap_or_else(|| label.to_owned()),
            }),
        );
    }
    let status = completion.as_ref().map_or(TrialStatus::Ok, TrialStatus::of);
    (status, completion, None)
}

fn identity(model: &str) -> Identity {
    Identity {
        name: model.into(),
        fingerprint: format!("speechmap:{model}"),
        spec: format!("speechmap:{model}"),
    }
}

/// The number at the end of `china_criticism_07`: the request of the same number in the other sets is its match in form.
fn pair(question: &str) -> Option<String> {
    question
        .rsplit_once('_')
        .map(|(_, number)| number)
        .filter(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
        .map(str::to_owned)
}

/// A set's name tells language and jurisdiction: `zh_china_criticism`, `us_criticism`.
fn strata(suite: &str) -> BTreeMap<String, String> {
    let words: Vec<&str> = suite.split('_').collect();
    let (language, rest) = match words.as_slice() {
        [code, rest @ ..] if code.len() == 2 && !rest.is_empty() && rest.len() > 1 => (*code, rest),
        all => ("en", all),
    };
    let jurisdiction = match rest {
        [place @ .., _topic] if !place.is_empty() => place.join("_"),
        other => other.join("_"),
    };
    BTreeMap::from([
        ("jurisdiction".into(), jurisdiction),
        ("language".into(), language.into()),
    ])
}

fn suite_record(name: &str, hash: &str, samples: usize) -> SuiteRecord {
    SuiteRecord {
        name: name.into(),
        version: "imported".into(),
        kind: Kind::Audit,
        title: format!("SpeechMap question set {name}"),
        spec: name.into(),
        content_hash: hash.into(),
        parts: None,
        headline: (IMPORTED.into(), METRIC.into()),
        tells: Some(tells_of(IMPORTED, METRIC)),
        published_as: None,
        related_to: Vec::new(),
        strata: vec!["jurisdiction".into(), "language".into()],
        samples,
        available: samples,
        filter: Filter::default(),
        max_tokens: None,
        artefacts: None,
        licence: "Apache-2.0".into(),
        source: "xlr8harder/llm-compliance (SpeechMap)".into(),
    }
}
