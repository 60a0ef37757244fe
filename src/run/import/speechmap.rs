//! SpeechMap (xlr8harder/llm-compliance): raw provider bodies with a judge's label.
//!
//! As it is published: flat files `analysis/compliance_SET_PROVIDER_MODEL.jsonl`, and a folder `analysis.JUDGE` per further judge, whose labels become
//! labels from outside where they are of the same answer. Laid out anew: a folder per question set, a file per model.
//!
//! Suite = the row's `category` (else the folder's name), sample = `question_id`, model = the row's `model`; the request of the same number in the
//! other sets is the `pair`. The judge's label stays as it is under the scorer `imported`, metric `compliance`: COMPLETE is 1,
//! EVASIVE, INCOMPLETE and DENIAL are 0, an ERROR label has no value. `ERROR_ORIGINAL_MODERATION` is a block by the provider; other
//! errors are failed trials.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::lines::each_row;
use super::recordings::{About, Recorded, Recordings, recorded_answer, recorded_failure};
use super::sight::{Holds, Sight, files_below};
use super::{ImportError, Imported, Options, input};
use crate::model::remote::read_chat_completion;
use crate::model::{Completion, Finish, Message, Origin, Prompt, Role, Signal};
use crate::score::{IMPORTED, imported_score, speechmap_answered, tells_of};
use crate::store::{RunDirectory, TrialKey};
use crate::suite::{Kind, Pairing};

const FORMAT: &str = "speechmap";
const METRIC: &str = "compliance";
/// What the published files' names begin with.
const PUBLISHED: &str = "compliance_";
/// The folder of the judgements that count; `analysis.JUDGE` beside it are further judges'.
const ANALYSIS: &str = "analysis";

/// The fields that every row of theirs has.
const FIELDS: &[&str] = &["question_id", "question", "model", "compliance"];

#[derive(Deserialize)]
struct Row {
    question_id: String,
    question: String,
    model: String,
    #[serde(default)]
    response: Value,
    compliance: String,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    domain: Option<String>,
    #[serde(default)]
    judge_model: Option<String>,
    #[serde(default)]
    judge_analysis: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
}

pub(super) fn fits(sight: &Sight) -> bool {
    let published = |name: &str| {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let folder = folder.rsplit('/').next().unwrap_or(folder);
        file.starts_with(PUBLISHED)
            && file.ends_with(".jsonl")
            && (folder.is_empty() || is_analysis(folder))
    };
    sight.has(FIELDS) || sight.holds_file(published)
}

/// `analysis`, or a further judge's `analysis.JUDGE`.
fn is_analysis(folder: &str) -> bool {
    folder == ANALYSIS || is_of_a_further_judge(folder)
}

fn is_of_a_further_judge(folder: &str) -> bool {
    folder
        .strip_prefix(ANALYSIS)
        .is_some_and(|rest| rest.starts_with('.'))
}

pub(super) fn import(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
) -> Result<(RunDirectory, Imported), ImportError> {
    let (mut answers, mut further) = (Vec::new(), Vec::new());
    for path in paths {
        let (own, others) = files_of(path)?;
        answers.extend(own);
        further.extend(others);
    }
    let mut recordings = Recordings::new(FORMAT, output, options);
    recordings.ignore_model_option();
    let mut judgements = Judgements::default();
    for file in answers {
        judgements.read(&mut recordings, &file, Judgements::answer)?;
    }
    for file in further {
        judgements.read(
            &mut recordings,
            &file,
            |own, recordings, place, suite, row| {
                own.further_label(recordings, place, suite, row);
                Ok(())
            },
        )?;
    }
    recordings.finish()
}

/// The files of the judgements that count, and those of further judges.
fn files_of(path: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), ImportError> {
    if path.is_file() {
        return Ok((vec![path.to_path_buf()], Vec::new()));
    }
    std::fs::read_dir(path).map_err(|e| input(path, format!("cannot be read: {e}")))?;
    let within = |file: &PathBuf| {
        let folder = file.parent().filter(|folder| *folder != path);
        let name = folder.and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let depth = |file: &PathBuf| {
        let relative = file.strip_prefix(path).unwrap_or(file);
        relative.components().count()
    };
    let files: Vec<PathBuf> = files_below(path)
        .into_iter()
        .filter(|file| depth(file) <= 2 && file.extension().is_some_and(|x| x == "jsonl"))
        .collect();
    let named = |file: &&PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(PUBLISHED)
    };
    let published: Vec<&PathBuf> = files.iter().filter(named).collect();
    let own = |wanted: fn(&str) -> bool| -> Vec<PathBuf> {
        let own = published.iter().filter(|file| wanted(&within(file)));
        own.map(|file| (*file).clone()).collect()
    };
    let answers = own(|folder| folder == ANALYSIS);
    if !answers.is_empty() {
        return Ok((answers, own(is_of_a_further_judge)));
    }
    let beside: Vec<PathBuf> = files.into_iter().filter(|file| holds_rows(file)).collect();
    // A folder of recordings is read by itself; else its folders are.
    let here: Vec<PathBuf> = beside.iter().filter(|f| depth(f) == 1).cloned().collect();
    match (here.is_empty(), beside.is_empty()) {
        (false, _) => Ok((here, Vec::new())),
        (true, false) => Ok((beside, Vec::new())),
        (true, true) => Err(input(
            path,
            "has no SpeechMap recordings: expected analysis/compliance_*.jsonl as the repository has them, or one folder per question set, with one \
             JSONL file per model (question_id, question, model, response, compliance)",
        )),
    }
}

/// Whether a file's first row is one of theirs; a file that is not fetched counts, so that it is told of.
fn holds_rows(file: &Path) -> bool {
    match Sight::of(file) {
        Ok(sight) => {
            sight.has(FIELDS)
                || (matches!(sight.holds, Holds::Other) && sight.name.starts_with(PUBLISHED))
        }
        Err(_) => false,
    }
}

/// What is known of an answer that has been read: enough to tell whether another judge's label is of it.
struct Judged {
    trial: TrialKey,
    answer: blake3::Hash,
    judge: Option<String>,
}

/// The answers read so far, by suite, model and question.
#[derive(Default)]
struct Judgements(HashMap<(String, String, String), Judged>);

impl Judgements {
    fn read(
        &mut self,
        recordings: &mut Recordings,
        file: &Path,
        take: fn(&mut Self, &mut Recordings, String, &str, Row) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
        let folder = folder.to_string_lossy().into_owned();
        each_row(recordings, file, |recordings, place, row| {
            let row: Row = match serde_json::from_value(row) {
                Ok(row) => row,
                Err(e) => {
                    recordings.skip(place, format!("it is not a SpeechMap row: {e}"));
                    return Ok(());
                }
            };
            let suite = match row.category.as_deref() {
                Some(category) if !category.is_empty() => category.to_owned(),
                _ if is_analysis(&folder) => {
                    recordings.skip(place, "it has no category, which names its question set");
                    return Ok(());
                }
                _ => folder.clone(),
            };
            take(self, recordings, place, &suite, row)
        })
    }

    fn answer(
        &mut self,
        recordings: &mut Recordings,
        place: String,
        suite: &str,
        row: Row,
    ) -> Result<(), ImportError> {
        let name = (suite.to_owned(), row.model.clone(), row.question_id.clone());
        if let Some(judged) = self.0.get(&name)
            && judged.judge != row.judge_model
        {
            self.further_label(recordings, place, suite, row);
            return Ok(());
        }
        let value = speechmap_answered(&row.compliance).map_err(|e| ImportError::Input {
            path: place.clone(),
            reason: format!("its compliance is {e}"),
        })?;
        recordings.suite(suite, || about(suite));
        let (answer, judge) = (digest(&row.response), row.judge_model.clone());
        if let Some(trial) = recordings.add(place, trial(suite, value, row))? {
            let judged = Judged {
                trial,
                answer,
                judge,
            };
            self.0.insert(name, judged);
        }
        Ok(())
    }

    /// The label of a further judge, where it is of an answer that is there.
    fn further_label(&mut self, recordings: &mut Recordings, place: String, suite: &str, row: Row) {
        let Some(by) = row.judge_model.filter(|judge| !judge.is_empty()) else {
            recordings.skip(place, "a further judge's label, without the judge's name");
            return;
        };
        match speechmap_answered(&row.compliance) {
            Err(e) => {
                recordings.skip(place, format!("a further judge's label is {e}"));
                return;
            }
            Ok(None) => {
                let label = &row.compliance;
                recordings.skip(place, format!("a further judge's {label} is not a verdict"));
                return;
            }
            Ok(Some(_)) => {}
        }
        let answer = digest(&row.response);
        match self.0.get(&(suite.into(), row.model, row.question_id)) {
            Some(judged) if judged.answer == answer => {
                recordings.label(judged.trial, row.compliance, by);
            }
            Some(_) => recordings.skip(place, "a further judge's label is of another answer"),
            None => recordings.skip(
                place,
                "a further judge's label is of an answer that is not there",
            ),
        }
    }
}

/// Names what was answered, whatever else the provider's body holds.
fn digest(response: &Value) -> blake3::Hash {
    match read_chat_completion(response) {
        Some(completion) => blake3::hash(completion.text.as_bytes()),
        None => blake3::hash(response.to_string().as_bytes()),
    }
}

fn trial(suite: &str, value: Option<f64>, row: Row) -> Recorded {
    let prompt = Prompt::Chat(vec![Message {
        role: Role::User,
        content: row.question,
    }]);
    let completion = read_chat_completion(&row.response);
    let mut score = imported_score(
        METRIC,
        &row.compliance,
        value,
        row.judge_analysis.filter(|a| !a.is_empty()),
    );
    score.by = row.judge_model;
    let pair = pair(suite, &row.question_id);
    let mut trial = Recorded::new(suite, &row.model, row.question_id, prompt);
    trial.pairing = Pairing {
        cluster: pair.clone(),
        pair,
        role: None,
    };
    trial.strata = strata(suite);
    trial
        .strata
        .extend(row.domain.map(|d| ("domain".to_owned(), d)));
    trial.scores = vec![score];
    trial.finished = row.timestamp.and_then(|t| t.parse().ok());
    outcome(&mut trial, &row.compliance, value.is_some(), completion);
    trial
}

/// The judge saw the answer, so its label decides whether there is one; the provider's body says what was said and signalled.
fn outcome(trial: &mut Recorded, label: &str, judged: bool, completion: Option<Completion>) {
    trial.completion = completion.map(|c| Completion {
        origin: Origin::Recording,
        ..c
    });
    if label == "ERROR_ORIGINAL_MODERATION" {
        let blocked = trial.completion.get_or_insert_with(|| recorded_answer(""));
        if !blocked.is_blocked() {
            blocked.signals.push(Signal::AnswerBlocked {
                reason: label.into(),
            });
        }
        blocked.finish = Finish::ContentFilter;
    } else if !judged {
        let signals = trial.completion.iter().flat_map(|c| &c.signals);
        let message = signals.into_iter().find_map(|s| match s {
            Signal::ProviderError { message, .. } => Some(message.clone()),
            _ => None,
        });
        trial.failure = Some(recorded_failure(
            message.unwrap_or_else(|| label.to_owned()),
        ));
    }
}

/// The number at the end of `china_criticism_07`: the request of the same number in the other sets is its match in form.
/// Questions that are numbered within a topic instead have no match.
fn pair(suite: &str, question: &str) -> Option<String> {
    let (set, number) = question.rsplit_once('_')?;
    let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    (is_number && suite.ends_with(set)).then(|| number.to_owned())
}

/// A set's name tells language and jurisdiction: `zh_china_criticism`, `us_criticism`.
fn strata(suite: &str) -> BTreeMap<String, String> {
    let words: Vec<&str> = suite.split('_').collect();
    let (language, rest) = match words.as_slice() {
        [code, rest @ ..] if code.len() == 2 && rest.len() > 1 => (*code, rest),
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

fn about(suite: &str) -> About {
    About {
        version: "imported".into(),
        kind: Kind::Audit,
        title: format!("SpeechMap question set {suite}"),
        headline: Some(METRIC.into()),
        tells: tells_of(IMPORTED, METRIC),
        licence: "Apache-2.0".into(),
        source: "xlr8harder/llm-compliance (SpeechMap)".into(),
    }
}
