//! `FreedomBench` (Lore-Hex/FreedomBench): multiple-choice facts, one file with questions and every model's recorded outputs.
//!
//! Sample = the question's id, stratum `topic`. Under the scorer `imported`, metric `accuracy` reads an output as `FreedomBench` does, so
//! that its published figures come out, and `settled` as the scorer `choice` does: `FreedomBench` takes the last letter of a thought that
//! was cut off for a choice, the article "a" included. `empty_attempts` says how often an output was empty before it came. The same weights
//! on two hosts are one model with two routes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use fancy_regex::Regex;
use serde::Deserialize;

use super::recordings::{About, Recorded, Recordings, recorded_answer};
use super::sight::Sight;
use super::values::MAX_JSON_BYTES;
use super::{ImportError, Imported, Options, input};
use crate::files::read_text_within;
use crate::model::{Completion, Message, Prompt, Role, Served};
use crate::score::{Tells, imported_score};
use crate::store::{ROUTE, RouteOf, RunDirectory};
use crate::suite::Kind;
use crate::text::answer_choice;

const SUITE: &str = "freedombench";
const METRIC: &str = "accuracy";
const SETTLED: &str = "settled";

/// Names that represent the same weights: the name, the model, the host.
const HOSTS: &[(&str, &str, &str)] = &[
    ("z-ai/glm-4.7", "z-ai/glm-4.7", "z-ai"),
    ("cerebras/zai-glm-4.7", "z-ai/glm-4.7", "cerebras"),
];

#[derive(Deserialize)]
struct File {
    benchmark: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    system_prompt: String,
    questions: Vec<Question>,
    responses: Vec<Response>,
}

#[derive(Deserialize)]
struct Question {
    id: String,
    topic: String,
    #[serde(rename = "question")]
    text: String,
    options: BTreeMap<String, String>,
    correct: String,
}

#[derive(Deserialize)]
struct Response {
    model: String,
    question_id: String,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    latency_ms: f64,
    #[serde(default)]
    empty_attempts: u32,
}

pub(super) fn fits(sight: &Sight) -> bool {
    sight.has(&["benchmark", "questions", "responses"])
}

pub(super) fn import(
    paths: &[PathBuf],
    output: &Path,
    options: &Options,
) -> Result<(RunDirectory, Imported), ImportError> {
    let files = paths.iter().map(|path| read(path));
    let files = files.collect::<Result<Vec<File>, _>>()?;
    let mut recordings = Recordings::new(SUITE, output, options);
    recordings.ignore_model_option();
    let version = files.first().map_or("", |f| &f.version);
    recordings.suite(SUITE, || about(version));
    for (file, path) in files.iter().zip(paths) {
        for (number, response) in (1..).zip(&file.responses) {
            let trial = file.trial(response).map_err(|reason| input(path, reason))?;
            let model = trial.model.clone();
            recordings.add(format!("{}: response {number}", path.display()), trial)?;
            if let Some(route) = route(&response.model) {
                recordings.route(&model, route);
            }
        }
    }
    recordings.finish()
}

fn read(path: &Path) -> Result<File, ImportError> {
    let text = read_text_within(path, MAX_JSON_BYTES);
    let text = text.map_err(|e| input(path, format!("cannot be read: {e}")))?;
    let file: File = serde_json::from_str(&text).map_err(|e| {
        input(
            path,
            format!("not FreedomBench's results with their questions and outputs (such as freedombench_v1.json): {e}"),
        )
    })?;
    if file.benchmark != "FreedomBench" {
        let other = crate::text::visible_line(&file.benchmark);
        return Err(input(
            path,
            format!("results of '{other}', not of FreedomBench"),
        ));
    }
    Ok(file)
}

impl File {
    fn trial(&self, response: &Response) -> Result<Recorded, String> {
        let id = &response.question_id;
        let question = self.questions.iter().find(|q| q.id == *id);
        let question = question.ok_or_else(|| format!("there is no question '{id}'"))?;
        let choices: Vec<String> = question.options.values().cloned().collect();
        let right = question
            .options
            .keys()
            .position(|letter| *letter == question.correct);
        let right = right.ok_or_else(|| format!("'{id}' has no option '{}'", question.correct))?;
        let completion = response.completion();
        let settled = answer_choice(&completion.text, &choices);
        let read = letter(&completion.text);
        let read = read.and_then(|l| question.options.keys().position(|o| *o == l));
        let score = |metric: &str, chosen: Option<usize>| {
            let label = chosen.map_or("none", |i| choices[i].as_str());
            let why = chosen.is_none().then(|| "no choice".to_owned());
            let value = f64::from(u8::from(chosen == Some(right)));
            imported_score(metric, label, Some(value), why)
        };
        let prompt = self.prompt(question);
        let mut trial = Recorded::new(SUITE, &name(&response.model), id.clone(), prompt);
        trial.scores = vec![score(METRIC, read), score(SETTLED, settled)];
        trial.strata = BTreeMap::from([("topic".to_owned(), question.topic.clone())]);
        if let Some(route) = &completion.served.route {
            trial.strata.insert(ROUTE.into(), route.clone());
        }
        trial.targets = vec![choices[right].clone()];
        trial.completion = Some(completion);
        trial.finished = self.created_at.as_ref().and_then(|t| t.parse().ok());
        Ok(trial)
    }

    fn prompt(&self, question: &Question) -> Prompt {
        let options = question.options.iter();
        let options: Vec<String> = options
            .map(|(letter, o)| format!("{letter}. {o}"))
            .collect();
        let say = |role, content: String| Message { role, content };
        Prompt::Chat(vec![
            say(Role::System, self.system_prompt.clone()),
            say(
                Role::User,
                format!("{}\n\n{}", question.text, options.join("\n")),
            ),
        ])
    }
}

impl Response {
    fn completion(&self) -> Completion {
        let text = self.output.clone().unwrap_or_default();
        // An output that stayed empty was asked for once more than it was asked for again.
        let empty_replies = self.empty_attempts + u32::from(text.trim().is_empty());
        let mut completion = recorded_answer(text);
        completion.empty_replies = empty_replies;
        completion.timing.total = self.latency_ms / 1000.0;
        completion.served = Served {
            route: route(&self.model).map(|r| r.route),
            ..Served::default()
        };
        completion
    }
}

/// Where `FreedomBench` looks for a letter, in capitals: the last "answer: X", else a letter at the start, else the last one that stands
/// alone.
static LETTERS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"ANSWER\s*(?:IS|:|=|\s)\s*\(?([ABCD])\b",
        r"^\s*\(?\s*([ABCD])\b",
        r"\b([ABCD])\b",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// The letter that `FreedomBench` reads in an output.
fn letter(output: &str) -> Option<String> {
    let upper = output.to_uppercase();
    LETTERS.iter().find_map(|pattern| {
        let found = pattern
            .captures_iter(&upper)
            .filter_map(Result::ok)
            .last()?;
        Some(found.get(1)?.as_str().to_owned())
    })
}

fn route(name: &str) -> Option<RouteOf> {
    let host = HOSTS.iter().find(|(known, ..)| *known == name);
    host.map(|(_, model, route)| RouteOf {
        model: (*model).into(),
        route: (*route).into(),
    })
}

fn name(model: &str) -> String {
    route(model).map_or(model.into(), |r| format!("{} @ {}", r.model, r.route))
}

fn about(version: &str) -> About {
    About {
        version: version.into(),
        kind: Kind::Audit,
        title: "FreedomBench: facts that the Chinese state censors".into(),
        headline: Some(METRIC.into()),
        tells: Tells::Score,
        licence: "Apache-2.0".into(),
        source: "Lore-Hex/FreedomBench".into(),
    }
}
