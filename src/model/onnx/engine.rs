//! The thread that owns a graph. Everyone else holds a handle, puts jobs into the queue, and awaits the answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use tokio::sync::oneshot;

use super::cores;
use super::generation::{Generated, Generation, Held};
use super::job::{Generate, Job, Score, Scored};
use super::likelihood::Sum;
use super::listener::Listener;
use super::paged::Batch;
use super::serial::Serial;
use super::tokenizer::Tokenizer;
use crate::model::{Activity, ContinuationScore, ErrorClass, ModelError, Parameters, Usage};

/// A handle to the thread that owns one model.
pub(super) struct Engine {
    jobs: mpsc::Sender<Vec<Job>>,
    tokenizer: Arc<Tokenizer>,
    limits: Limits,
    activity: Option<Arc<Mutex<Activity>>>,
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
        let activity = match &worker {
            Worker::Serial(_) => None,
            Worker::Batch(_) => Some(Arc::default()),
        };
        let told = activity.clone();
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
            activity,
        }
    }

    /// What the batch is at, as of its last step.
    pub(super) fn activity(&self) -> Option<Activity> {
        let activity = self.activity.as_ref()?;
        Some(*activity.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Continues with a text, held to what it is to be; a listener hears of each token.
    pub(super) async fn generate(
        &self,
        prompt: Vec<u32>,
        parameters: &Parameters,
        listener: Option<Listener>,
        held: Option<Held>,
    ) -> Result<(Generated, Usage), ModelError> {
        let asked = Instant::now();
        let room = self.limits.room_after(&prompt)?;
        self.limits.must_have(parameters.logit_bias.keys())?;
        let generation = Generation::new(parameters, &prompt, room, listener, held);
        let read = prompt.len() as u64;
        let (reply, answer) = oneshot::channel();
        self.submit(vec![Job::Generate(Generate {
            prompt,
            generation: Box::new(generation),
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
        let mut texts = Texts::default();
        let mut lengths = Vec::with_capacity(continuations.len());
        let mut prompt_tokens = 0;
        let mut before: Option<Vec<u32>> = None;
        for (number, continuation) in continuations.iter().enumerate() {
            let (context, tokens) = self.tokenizer.encode_pair(prompt, continuation, special)?;
            if tokens.is_empty() {
                let what = format!(
                    "the continuation {continuation:?} has no tokens of its own after the prompt"
                );
                return Err(ModelError::new(ErrorClass::BadRequest, what));
            }
            lengths.push(tokens.len());
            prompt_tokens += tokens.len() as u64;
            let most = self.limits.context_length.unwrap_or(usize::MAX);
            if prompt.is_empty() && tokens.len() > most {
                self.limits.must_know(&tokens)?;
                for (context, tokens) in windows(&context, &tokens, most) {
                    texts.add(number, context, tokens)?;
                }
                continue;
            }
            self.limits.room_after(&[&context[..], &tokens].concat())?;
            // Continuations nearly always share the context's tokens; where one merges across the border, it has its own.
            if before.as_ref() != Some(&context) {
                prompt_tokens += context.len() as u64;
                before = Some(context.clone());
            }
            texts.add(number, context, &tokens)?;
        }
        let (sums, queue) = self.scored(&texts.listed, lengths.len(), asked).await?;
        let scores = sums.iter().zip(lengths);
        Ok(Likelihoods {
            continuations: scores.map(|(sum, tokens)| sum.score(tokens)).collect(),
            prompt_tokens,
            queue,
        })
    }

    /// The sums of this many continuations, of which texts are parts, and how many seconds the first text waited.
    async fn scored(
        &self,
        texts: &[Text],
        continuations: usize,
        asked: Instant,
    ) -> Result<(Vec<Sum>, f64), ModelError> {
        let (jobs, answers): (Vec<_>, Vec<_>) = texts.iter().map(|text| text.job(asked)).unzip();
        self.submit(jobs)?;
        let mut sums = vec![Sum::default(); continuations];
        let mut queue: Option<f64> = None;
        for (text, answer) in texts.iter().zip(answers) {
            let scored = answer.await.map_err(|_| gone())??;
            queue.get_or_insert(scored.queue);
            for ((number, _), sum) in text.continuations.iter().zip(scored.scores) {
                sums[*number].join(&sum);
            }
        }
        Ok((sums, queue.unwrap_or(0.0)))
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

/// Texts, each listed once.
#[derive(Default)]
struct Texts {
    listed: Vec<Text>,
    numbers: BTreeMap<Vec<u32>, usize>,
}

impl Texts {
    /// Adds tokens after a context, those of a continuation or a part of them.
    fn add(
        &mut self,
        continuation: usize,
        context: Vec<u32>,
        tokens: &[u32],
    ) -> Result<(), ModelError> {
        let (false, Some((last, rest))) = (context.is_empty(), tokens.split_last()) else {
            return Err(no_tokens());
        };
        let length = context.len();
        let mut fed = context;
        fed.extend(rest);
        let next = self.listed.len();
        let at = *self.numbers.entry(fed.clone()).or_insert(next);
        if at == next {
            self.listed.push(Text {
                fed,
                context: length,
                continuations: Vec::new(),
            });
        }
        self.listed[at].continuations.push((continuation, *last));
        Ok(())
    }
}

/// What continuations have in common but for their last tokens.
struct Text {
    fed: Vec<u32>,
    context: usize,
    /// Number and last token.
    continuations: Vec<(usize, u32)>,
}

impl Text {
    fn job(&self, asked: Instant) -> (Job, oneshot::Receiver<Result<Scored, ModelError>>) {
        let (reply, answer) = oneshot::channel();
        let last = self.continuations.iter().map(|(_, last)| *last);
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
        let used = text.len();
        if used == 0 {
            return Err(no_tokens());
        }
        self.must_know(text)?;
        let most = self.context_length.unwrap_or(usize::MAX);
        most.checked_sub(used).ok_or_else(|| {
            let what =
                format!("the prompt has {used} tokens; the model's context holds at most {most}");
            ModelError::new(ErrorClass::BadRequest, what)
        })
    }

    /// Whether there are tokens of such ids, which a bias names.
    fn must_have<'t>(&self, mut ids: impl Iterator<Item = &'t u32>) -> Result<(), ModelError> {
        match ids.find(|id| self.vocabulary > 0 && **id as usize >= self.vocabulary) {
            None => Ok(()),
            Some(id) => Err(ModelError::new(
                ErrorClass::BadRequest,
                format!(
                    "logit_bias names the token {id}, but the model has only {}",
                    self.vocabulary
                ),
            )),
        }
    }

    fn must_know(&self, text: &[u32]) -> Result<(), ModelError> {
        let known = |t: u32| self.vocabulary == 0 || (t as usize) < self.vocabulary;
        let Some(token) = text.iter().find(|t| !known(**t)) else {
            return Ok(());
        };
        let what = format!(
            "the prompt has the token {token}, but the model has only {}: it is a special token that this model was not made with",
            self.vocabulary
        );
        Err(ModelError::new(ErrorClass::BadRequest, what))
    }
}

fn no_tokens() -> ModelError {
    ModelError::new(ErrorClass::BadRequest, "the prompt has no tokens")
}

/// A text from its beginning that is longer than the model's context, in windows as lm-evaluation-harness rolls them
/// (`get_rolling_token_windows` with a context of one, made disjoint): each token is predicted once. The first window follows what a text
/// begins with, every other the token before it, the last one as many as there is room for.
fn windows<'t>(begin: &[u32], tokens: &'t [u32], most: usize) -> Vec<(Vec<u32>, &'t [u32])> {
    let most = most.max(1);
    let mut windows = Vec::with_capacity(tokens.len() / most + 1);
    let mut predicted = 0;
    while predicted < tokens.len() {
        let end = (predicted + most).min(tokens.len());
        let context = if predicted == 0 {
            begin.to_vec()
        } else {
            tokens[(end - most).saturating_sub(1)..predicted].to_vec()
        };
        windows.push((context, &tokens[predicted..end]));
        predicted = end;
    }
    windows
}

fn one_by_one(mut serial: Serial, queue: &mpsc::Receiver<Vec<Job>>) {
    for jobs in queue {
        let _cores = cores::take(serial.threads());
        serial.serve(jobs);
    }
}

fn side_by_side(mut batch: Batch, queue: &mpsc::Receiver<Vec<Job>>, activity: &Mutex<Activity>) {
    loop {
        if batch.is_idle() {
            let Ok(jobs) = queue.recv() else {
                return;
            };
            for job in jobs {
                batch.add(job);
            }
        }
        for job in queue.try_iter().flatten() {
            batch.add(job);
        }
        let _cores = cores::take(batch.threads());
        batch.step();
        *activity.lock().unwrap_or_else(PoisonError::into_inner) = batch.activity();
    }
}

#[cfg(test)]
mod tests {
    use super::windows;

    #[test]
    fn a_long_text_is_read_in_the_windows_of_lm_eval() {
        // utils.get_rolling_token_windows with context_len=1, then make_disjoint_window (lm-eval 0.4.13).
        let tokens: Vec<u32> = (0..10).collect();
        let of = |n: usize, most| windows(&[99], &tokens[..n], most);
        let want: [(Vec<u32>, &[u32]); 3] = [
            (vec![99], &[0, 1, 2, 3]),
            (vec![3], &[4, 5, 6, 7]),
            (vec![5, 6, 7], &[8, 9]),
        ];
        assert_eq!(of(10, 4), want);
        assert_eq!(of(8, 4), want[..2]);
        let want: [(Vec<u32>, &[u32]); 2] = [(vec![99], &[0, 1, 2]), (vec![1, 2], &[3, 4])];
        assert_eq!(of(5, 3), want);
    }
}
