//! The thread that owns a graph. Everyone else holds a handle, puts jobs into the queue, and awaits the answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use tokio::sync::oneshot;

use super::cores;
use super::generation::{Generated, Generation};
use super::job::{Generate, Job, Score, Scored};
use super::paged::Batch;
use super::serial::Serial;
use super::tokenizer::Tokenizer;
use crate::model::{ContinuationScore, ErrorClass, ModelError, Parameters, SharedTokens, Usage};

/// A handle to the thread that owns one model.
pub(super) struct Engine {
    jobs: mpsc::Sender<Vec<Job>>,
    tokenizer: Arc<Tokenizer>,
    limits: Limits,
    shared: Option<Arc<Mutex<SharedTokens>>>,
}

/// What a text must keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Tokens that the model knows; 0 where that is not known.
    pub vocabulary: usize,
    /// Most tokens of a text.
    pub context_length: Option<usize>,
}

/// Scores of continuations.
pub(super) struct Likelihoods {
    pub continuations: Vec<ContinuationScore>,
    pub prompt_tokens: u64,
    /// Seconds.
    pub queue: f64,
}

/// How a graph's texts are run.
pub(super) enum Worker {
    /// One after the other.
    Serial(Serial),
    /// Side by side.
    Batch(Batch),
}

impl Worker {
    /// How many texts at once still raise throughput.
    pub(super) fn concurrency(&self) -> usize {
        match self {
            // One at work and one waiting: more would only wait longer.
            Self::Serial(_) => 2,
            Self::Batch(_) => 32,
        }
    }
}

impl Engine {
    pub(super) fn start(worker: Worker, tokenizer: Arc<Tokenizer>, limits: Limits) -> Self {
        let (jobs, queue) = mpsc::channel();
        let shared = match &worker {
            Worker::Serial(_) => None,
            Worker::Batch(_) => Some(Arc::default()),
        };
        let told = shared.clone();
        std::thread::Builder::new()
            .name("candor-onnx".into())
            .spawn(move || match worker {
                Worker::Serial(serial) => one_by_one(serial, &queue),
                Worker::Batch(batch) => side_by_side(batch, &queue, &told.unwrap_or_default()),
            })
            .expect("the operating system can start a thread");
        Self {
            jobs,
            tokenizer,
            limits,
            shared,
        }
    }

    /// What texts had of each other so far, where they can.
    pub(super) fn shared(&self) -> Option<SharedTokens> {
        let shared = self.shared.as_ref()?;
        Some(*shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn generate(
        &self,
        prompt: &str,
        special: bool,
        parameters: &Parameters,
    ) -> Result<(Generated, Usage), ModelError> {
        let asked = Instant::now();
        let prompt = self.tokenizer.encode(prompt, special)?;
        let room = self.limits.room_after(&prompt)?;
        let read = prompt.len() as u64;
        let (reply, answer) = oneshot::channel();
        self.submit(vec![Job::Generate(Generate {
            prompt,
            generation: Box::new(Generation::new(parameters, room)),
            asked,
            reply,
        })])?;
        let generated = answer.await.map_err(|_| gone())??;
        let usage = Usage::new(read, generated.written as u64);
        Ok((generated, usage))
    }

    pub(super) async fn log_likelihood(
        &self,
        prompt: &str,
        special: bool,
        continuations: &[String],
    ) -> Result<Likelihoods, ModelError> {
        let asked = Instant::now();
        let mut texts: Vec<Text> = Vec::new();
        let mut numbers: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut prompt_tokens = 0;
        let mut before: Option<Vec<u32>> = None;
        for (number, continuation) in continuations.iter().enumerate() {
            let (mut fed, mut rest) = self.tokenizer.encode_pair(prompt, continuation, special)?;
            let Some(last) = rest.pop() else {
                let what = format!(
                    "the continuation {continuation:?} has no tokens of its own after the prompt"
                );
                return Err(ModelError::new(ErrorClass::BadRequest, what));
            };
            // Continuations nearly always share the context's tokens; where one merges across the border, it has its own.
            if before.as_ref() != Some(&fed) {
                prompt_tokens += fed.len() as u64;
                before = Some(fed.clone());
            }
            let (context, tokens) = (fed.len(), rest.len() + 1);
            prompt_tokens += tokens as u64;
            fed.extend(rest);
            self.limits
                .room_after(&[fed.as_slice(), &[last]].concat())?;
            let at = *numbers.entry(fed.clone()).or_insert(texts.len());
            if at == texts.len() {
                texts.push(Text {
                    fed,
                    context,
                    continuations: Vec::new(),
                });
            }
            texts[at].continuations.push((number, last, tokens));
        }
        let (jobs, answers): (Vec<_>, Vec<_>) = texts.iter().map(|text| text.job(asked)).unzip();
        self.submit(jobs)?;
        let mut scores = vec![None; continuations.len()];
        let mut queue: Option<f64> = None;
        for (text, answer) in texts.iter().zip(answers) {
            let scored = answer.await.map_err(|_| gone())??;
            queue.get_or_insert(scored.queue);
            for ((number, _, tokens), sum) in text.continuations.iter().zip(scored.scores) {
                scores[*number] = Some(sum.score(*tokens));
            }
        }
        Ok(Likelihoods {
            continuations: scores.into_iter().flatten().collect(),
            prompt_tokens,
            queue: queue.unwrap_or(0.0),
        })
    }

    fn submit(&self, jobs: Vec<Job>) -> Result<(), ModelError> {
        self.jobs.send(jobs).map_err(|_| gone())
    }
}

fn gone() -> ModelError {
    ModelError::new(
        ErrorClass::Runtime,
        "the model's worker thread has ended; see the log above",
    )
}

/// What continuations have in common but for their last tokens.
struct Text {
    fed: Vec<u32>,
    context: usize,
    /// Number, last token, and how many tokens the continuation has.
    continuations: Vec<(usize, u32, usize)>,
}

impl Text {
    fn job(&self, asked: Instant) -> (Job, oneshot::Receiver<Result<Scored, ModelError>>) {
        let (reply, answer) = oneshot::channel();
        let last = self.continuations.iter().map(|(_, last, _)| *last);
        let job = Job::Score(Score {
            fed: self.fed.clone(),
            context: self.context,
            last: last.collect(),
            asked,
            reply,
        });
        (job, answer)
    }
}

impl Limits {
    /// Tokens that still fit after a text.
    fn room_after(&self, text: &[u32]) -> Result<usize, ModelError> {
        let bad = |what: String| Err(ModelError::new(ErrorClass::BadRequest, what));
        let used = text.len();
        if used == 0 {
            return bad("the prompt has no tokens".into());
        }
        let known = |t: u32| self.vocabulary == 0 || (t as usize) < self.vocabulary;
        if let Some(token) = text.iter().find(|t| !known(**t)) {
            return bad(format!(
                "the prompt has the token {token}, but the model has only {}: it is a special token that this model was not made with",
                self.vocabulary
            ));
        }
        let most = self.context_length.unwrap_or(usize::MAX);
        if used > most {
            return bad(format!(
                "the prompt has {used} tokens; the model's context holds at most {most}"
            ));
        }
        Ok(most - used)
    }
}

fn one_by_one(mut serial: Serial, queue: &mpsc::Receiver<Vec<Job>>) {
    for jobs in queue {
        let _cores = cores::take(serial.threads());
        serial.serve(jobs);
    }
}

fn side_by_side(mut batch: Batch, queue: &mpsc::Receiver<Vec<Job>>, shared: &Mutex<SharedTokens>) {
    loop {
        if batch.is_idle() {
            let Ok(jobs) = queue.recv() else {
                return;
            };
            jobs.into_iter().for_each(|job| batch.add(job));
        }
        for job in queue.try_iter().flatten() {
            batch.add(job);
        }
        let _cores = cores::take(batch.threads());
        batch.step();
        *shared.lock().unwrap_or_else(PoisonError::into_inner) = batch.shared();
    }
}
