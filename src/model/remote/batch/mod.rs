//! Requests in batches: collected until no more come, submitted together, polled, and each answered from the results, hours later.
//!
//! The caller first when nobody is collecting leads: it waits until the others have come, submits, polls and hands out. A batch is in the
//! `ledger` before it is submitted, so that a process that is killed in between asks nothing twice: the next one looks for what it submitted.

mod form;
mod ledger;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::oneshot;

use super::http::{Content, Http, Target};
use super::providers::Provider;
use crate::model::{ErrorClass, ModelError, ModelSpec};

use form::{Form, Outcome, State, Submission};
use ledger::{Entry, Ledger};

/// How long none must have come before a batch is submitted.
const QUIET: Duration = Duration::from_secs(1);
/// Requests per batch at most; the strictest provider takes more.
pub(super) const MAX_REQUESTS: usize = 10_000;
/// Time between two looks at a batch at most.
const MAX_POLL: Duration = Duration::from_mins(1);
/// Looks in a row that may fail for a passing reason.
const MAX_FAILED_POLLS: u32 = 60;

/// The name of a request within its batch: the hex digits of its key.
pub(super) type Name = String;
type Answer = Result<(u16, Value), ModelError>;
type Results = HashMap<Name, Outcome>;

/// The batches of one model.
pub(super) struct Batches {
    form: Form,
    ledger: Ledger,
    /// The model's fingerprint: a ledger holds the batches of several.
    model: String,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(Name, Value, oneshot::Sender<Answer>)>,
    last_came: Option<Instant>,
    is_led: bool,
}

/// How a provider's server is called.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub http: &'a Http,
    pub target: &'a Target<'a>,
}

impl Batches {
    /// The batches of a model, those in the ledger included.
    ///
    /// # Errors
    /// [`ErrorClass::Unsupported`] if its API has none, [`ErrorClass::Files`] if the ledger cannot be read.
    pub(super) fn of(
        spec: &ModelSpec,
        provider: &Provider,
        ledger: &Path,
        fingerprint: &str,
    ) -> Result<Self, ModelError> {
        let refused = |why: String| {
            let why = format!("{spec}: {why}. Ask it without --batch");
            ModelError::new(ErrorClass::Unsupported, why)
        };
        if let Some(why) = provider.quirks.no_batches {
            return Err(refused(why.to_owned()));
        }
        let api = provider.dialect.name();
        let form = Form::of(api).ok_or_else(|| {
            refused(format!(
                "the API '{api}' has no batches; OpenAI's, Anthropic's and Gemini's have"
            ))
        })?;
        Ok(Self {
            form,
            ledger: Ledger::open(ledger)?,
            model: fingerprint.to_owned(),
            queue: Mutex::default(),
        })
    }

    /// The status and body that a request of a name is answered with.
    ///
    /// # Errors
    /// [`ModelError`] if its batch cannot be submitted or collected, or ended without answering it.
    pub(super) async fn answer(&self, line: Line<'_>, name: Name, body: Value) -> Answer {
        let (answer, answered) = oneshot::channel();
        let leads = {
            let mut queue = self.queue();
            queue.waiting.push((name, body, answer));
            queue.last_came = Some(Instant::now());
            !std::mem::replace(&mut queue.is_led, true)
        };
        if leads {
            let waiting = self.gathered().await;
            self.carry_out(line, waiting).await;
        }
        answered.await.unwrap_or_else(|_| {
            let why = "its batch was given up; --resume asks for its results again";
            Err(ModelError::new(ErrorClass::Timeout, why))
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those who wait, once no more come.
    async fn gathered(&self) -> Vec<(Name, Value, oneshot::Sender<Answer>)> {
        loop {
            tokio::time::sleep(QUIET / 4).await;
            let mut queue = self.queue();
            if queue.last_came.is_none_or(|came| came.elapsed() >= QUIET) {
                queue.is_led = false;
                return std::mem::take(&mut queue.waiting);
            }
        }
    }

    /// Answers everyone: from batches submitted before where they answered, else from new ones.
    async fn carry_out(
        &self,
        line: Line<'_>,
        waiting: Vec<(Name, Value, oneshot::Sender<Answer>)>,
    ) {
        let mut askers: HashMap<Name, Vec<oneshot::Sender<Answer>>> = HashMap::new();
        let mut bodies = BTreeMap::new();
        for (name, body, asker) in waiting {
            askers.entry(name.clone()).or_default().push(asker);
            bodies.insert(name, body);
        }
        let mut hand_out = |name: &Name, answer: &Answer| {
            for asker in askers.remove(name).into_iter().flatten() {
                let _ = asker.send(answer.clone());
            }
        };
        for entry in self.ledger.entries(&self.model) {
            if !entry.requests.iter().any(|name| bodies.contains_key(name)) {
                continue;
            }
            match self.results_of_earlier(line, &entry).await {
                Ok(results) => {
                    for (name, outcome) in results {
                        // What failed is asked again.
                        if outcome.is_success() && bodies.remove(&name).is_some() {
                            hand_out(&name, &outcome.into_answer());
                        }
                    }
                }
                // Whether it was submitted is not known: asking again could pay twice.
                Err(error) => {
                    for name in &entry.requests {
                        if bodies.remove(name).is_some() {
                            hand_out(name, &Err(error.clone()));
                        }
                    }
                }
            }
        }
        let parts = self.form.parts(bodies);
        let parts = parts.iter().map(|part| self.submit_and_collect(line, part));
        for (names, results) in futures::future::join_all(parts).await {
            for name in names {
                let answer = match &results {
                    Ok(results) => results.get(&name).cloned().map_or_else(
                        || Err(unanswered("is not among its batch's results")),
                        Outcome::into_answer,
                    ),
                    Err(error) => Err(error.clone()),
                };
                hand_out(&name, &answer);
            }
        }
    }

    /// The results of a batch that is in the ledger; nothing if it was never submitted, or is no longer kept by the provider.
    async fn results_of_earlier(
        &self,
        line: Line<'_>,
        entry: &Entry,
    ) -> Result<Results, ModelError> {
        let id = match &entry.id {
            Some(id) => Some(id.clone()),
            None => self.find(line, entry).await?,
        };
        let Some(id) = id else {
            return Ok(Results::new());
        };
        self.ledger.submitted(&entry.token, &id)?;
        match self.collect(line, &id).await {
            Err(error) if error.class == ErrorClass::NotFound => Ok(Results::new()),
            other => other,
        }
    }

    async fn submit_and_collect(
        &self,
        line: Line<'_>,
        part: &[(Name, Value)],
    ) -> (Vec<Name>, Result<Results, ModelError>) {
        let names: Vec<Name> = part.iter().map(|(name, _)| name.clone()).collect();
        let requests = names.clone();
        let results = async move {
            let entry = self.ledger.submitting(&self.model, requests)?;
            let id = match self.submit(line, part, &entry.token).await {
                Ok(id) => id,
                // It may have come through all the same.
                Err(error) if error.class.is_transient() => match self.find(line, &entry).await {
                    Ok(Some(id)) => id,
                    _ => return Err(error),
                },
                Err(error) => {
                    self.ledger.refused(&entry.token)?;
                    return Err(error);
                }
            };
            self.ledger.submitted(&entry.token, &id)?;
            self.collect(line, &id).await
        };
        (names, results.await)
    }

    async fn submit(
        &self,
        line: Line<'_>,
        part: &[(Name, Value)],
        token: &str,
    ) -> Result<String, ModelError> {
        let path = line.target.address.path();
        let file = match self.form.file(part, path) {
            None => None,
            Some(bytes) => {
                let content = Content::File(bytes);
                let reply = call(line, reqwest::Method::POST, "files", content).await?;
                Some(form::file_id(&reply).map_err(protocol)?)
            }
        };
        let Submission { path, body } = self.form.submission(part, path, token, file.as_deref());
        let reply = call(line, reqwest::Method::POST, &path, Content::Json(&body)).await?;
        self.form.id(&reply).map_err(protocol)
    }

    /// The batch that was submitted with an entry's token, if its provider has it.
    async fn find(&self, line: Line<'_>, entry: &Entry) -> Result<Option<String>, ModelError> {
        let reply = call(line, reqwest::Method::GET, self.form.list(), Content::None).await?;
        Ok(self.form.found(&reply, entry))
    }

    /// Waits until a batch has ended, and reads its results.
    async fn collect(&self, line: Line<'_>, id: &str) -> Result<Results, ModelError> {
        let mut wait = line.http.timeouts().backoff_seconds.duration();
        let mut failed = 0;
        loop {
            let status = self.form.status(id);
            match call(line, reqwest::Method::GET, &status, Content::None).await {
                Ok(reply) => {
                    failed = 0;
                    match self.form.state(&reply).map_err(protocol)? {
                        State::Ended(results) => return self.read(line, id, results).await,
                        State::Failed(why) => {
                            let why = format!("the batch {id} failed: {why}");
                            return Err(ModelError::new(ErrorClass::BadRequest, why));
                        }
                        State::Underway => {}
                    }
                }
                Err(error) if error.class.is_transient() && failed < MAX_FAILED_POLLS => {
                    failed += 1;
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).clamp(Duration::from_millis(100), MAX_POLL);
        }
    }

    async fn read(
        &self,
        line: Line<'_>,
        id: &str,
        results: form::Results,
    ) -> Result<Results, ModelError> {
        let mut read = Results::new();
        match results {
            form::Results::Here(rows) => read.extend(rows),
            form::Results::At(paths) => {
                for path in paths {
                    let text = patiently(line, &path).await?;
                    let rows = text.lines().filter(|row| !row.trim().is_empty());
                    for row in rows {
                        let row = serde_json::from_str(row);
                        let row = row.map_err(|e| protocol(format!("the batch {id}: {e}")))?;
                        read.extend(self.form.result(&row));
                    }
                }
            }
        }
        Ok(read)
    }
}

impl Outcome {
    fn is_success(&self) -> bool {
        matches!(self, Self::Reply(status, _) if (200..300).contains(status))
    }

    fn into_answer(self) -> Answer {
        match self {
            Self::Reply(status, body) => Ok((status, body)),
            Self::Lost(why) => Err(unanswered(&why)),
        }
    }
}

fn unanswered(why: &str) -> ModelError {
    let message = format!("the request {why}; --resume asks it again");
    ModelError::new(ErrorClass::Timeout, message)
}

fn protocol(why: String) -> ModelError {
    ModelError::new(ErrorClass::Protocol, why)
}

async fn call(
    line: Line<'_>,
    method: reqwest::Method,
    path: &str,
    content: Content<'_>,
) -> Result<Value, ModelError> {
    let text = line.http.call(line.target, method, path, content).await?;
    serde_json::from_str(&text).map_err(|e| protocol(format!("{path}: a reply is not JSON: {e}")))
}

/// A file of results, asked for again where that fails for a passing reason.
async fn patiently(line: Line<'_>, path: &str) -> Result<String, ModelError> {
    let mut left = line.http.timeouts().retries;
    loop {
        let get = reqwest::Method::GET;
        match line.http.call(line.target, get, path, Content::None).await {
            Err(error) if error.class.is_transient() && left > 0 => left -= 1,
            other => return other,
        }
        tokio::time::sleep(line.http.timeouts().backoff_seconds.duration()).await;
    }
}
