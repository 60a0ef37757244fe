//! The thread that owns a graph. Everyone else holds a handle, puts a job into the queue, and awaits the answer.

use std::sync::{Arc, mpsc};
use std::time::Instant;

use tokio::sync::oneshot;

use super::cores;
use super::graph::{Cache, Graph};
use super::likelihood::log_softmax_at;
use super::listener::Listener;
use super::sampler::{Sampler, argmax};
use super::tokenizer::Tokenizer;
use crate::model::request::cut_at_stop;
use crate::model::{ContinuationScore, ErrorClass, Finish, ModelError, Parameters, Usage};

/// A handle to the thread that owns one model.
pub(super) struct Engine {
    jobs: mpsc::Sender<Job>,
}

enum Job {
    Generate {
        tokens: Vec<u32>,
        parameters: Parameters,
        listener: Option<Listener>,
        asked: Instant,
        reply: oneshot::Sender<Result<Generated, ModelError>>,
    },
    LogLikelihood {
        prompt: String,
        special: bool,
        continuations: Vec<String>,
        asked: Instant,
        reply: oneshot::Sender<Result<Likelihoods, ModelError>>,
    },
}

/// A generated text. Times are in seconds.
pub(super) struct Generated {
    pub text: String,
    pub finish: Finish,
    pub usage: Usage,
    pub queue: f64,
    pub first_token: f64,
}

/// Scores of continuations.
pub(super) struct Likelihoods {
    pub continuations: Vec<ContinuationScore>,
    pub prompt_tokens: u64,
    pub queue: f64,
}

struct Worker {
    graph: Graph,
    tokenizer: Arc<Tokenizer>,
    end_tokens: Vec<u32>,
    context_length: Option<usize>,
}

impl Engine {
    pub(super) fn start(
        graph: Graph,
        tokenizer: Arc<Tokenizer>,
        end_tokens: Vec<u32>,
        context_length: Option<usize>,
    ) -> Self {
        let (jobs, queue) = mpsc::channel();
        let mut worker = Worker {
            graph,
            tokenizer,
            end_tokens,
            context_length,
        };
        std::thread::Builder::new()
            .name("candor-onnx".into())
            .spawn(move || {
                for job in queue {
                    worker.serve(job);
                }
            })
            .expect("the operating system can start a thread");
        Self { jobs }
    }

    /// Continues a text; a listener hears of each token.
    pub(super) async fn generate(
        &self,
        tokens: Vec<u32>,
        parameters: Parameters,
        listener: Option<Listener>,
    ) -> Result<Generated, ModelError> {
        let (reply, answer) = oneshot::channel();
        self.submit(
            Job::Generate {
                tokens,
                parameters,
                listener,
                asked: Instant::now(),
                reply,
            },
            answer,
        )
        .await
    }

    pub(super) async fn log_likelihood(
        &self,
        prompt: String,
        special: bool,
        continuations: Vec<String>,
    ) -> Result<Likelihoods, ModelError> {
        let (reply, answer) = oneshot::channel();
        self.submit(
            Job::LogLikelihood {
                prompt,
                special,
                continuations,
                asked: Instant::now(),
                reply,
            },
            answer,
        )
        .await
    }

    async fn submit<T>(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<T, ModelError>>,
    ) -> Result<T, ModelError> {
        let gone = || {
            ModelError::new(
                ErrorClass::Runtime,
                "the model's worker thread has ended; see the log above",
            )
        };
        self.jobs.send(job).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Worker {
    fn serve(&mut self, job: Job) {
        let _cores = cores::take(self.graph.threads);
        match job {
            // Skip jobs whose caller has gone away.
            Job::Generate { reply, .. } if reply.is_closed() => {}
            Job::LogLikelihood { reply, .. } if reply.is_closed() => {}
            Job::Generate {
                tokens,
                parameters,
                listener,
                asked,
                reply,
            } => {
                let _ = reply.send(self.generate(&tokens, &parameters, listener.as_ref(), asked));
            }
            Job::LogLikelihood {
                prompt,
                special,
                continuations,
                asked,
                reply,
            } => {
                let _ = reply.send(self.log_likelihood(&prompt, special, &continuations, asked));
            }
        }
    }

    fn generate(
        &mut self,
        tokens: &[u32],
        parameters: &Parameters,
        listener: Option<&Listener>,
        asked: Instant,
    ) -> Result<Generated, ModelError> {
        let queue = asked.elapsed().as_secs_f64();
        let room = self.room_after(tokens.len())?;
        let limit = (parameters.max_tokens as usize).min(room);
        let mut sampler = Sampler::new(parameters);
        let (mut cache, mut last) = match listener.filter(|listener| listener.echo) {
            Some(listener) => self.read_aloud(tokens, listener)?,
            None => self.read(tokens)?,
        };
        let first_token = asked.elapsed().as_secs_f64();
        let mut written: Vec<u32> = Vec::new();
        let mut finish = Finish::Length;
        while written.len() < limit {
            let token = sampler.choose(&last)?;
            let ends = self.end_tokens.contains(&token);
            if let Some(listener) = listener {
                if listener.is_gone() {
                    break;
                }
                listener.tell(token, &last, ends)?;
            }
            if ends {
                finish = Finish::Stop;
                break;
            }
            written.push(token);
            if self.stops(&written, &parameters.stop)? {
                finish = Finish::Stop;
                break;
            }
            if written.len() < limit {
                cache = self.graph.run(&[token], &cache, 0, |_, logits| {
                    last.clear();
                    last.extend_from_slice(logits);
                })?;
            }
        }
        let mut text = self.tokenizer.decode(&written)?;
        cut_at_stop(&mut text, &parameters.stop);
        let usage = Usage::new(tokens.len() as u64, written.len() as u64);
        Ok(Generated {
            text,
            finish,
            usage,
            queue,
            first_token,
        })
    }

    /// Whether a stop string has just appeared. Only the tail is decoded: a stop string cannot have ended further back.
    fn stops(&self, written: &[u32], stop: &[String]) -> Result<bool, ModelError> {
        let Some(longest) = stop.iter().map(String::len).max() else {
            return Ok(false);
        };
        let tail = self
            .tokenizer
            .decode(&written[written.len().saturating_sub(longest + 8)..])?;
        Ok(stop
            .iter()
            .any(|s| !s.is_empty() && tail.contains(s.as_str())))
    }

    fn log_likelihood(
        &mut self,
        prompt: &str,
        special: bool,
        continuations: &[String],
        asked: Instant,
    ) -> Result<Likelihoods, ModelError> {
        let queue = asked.elapsed().as_secs_f64();
        let mut scores = Vec::with_capacity(continuations.len());
        let mut shared: Option<(Vec<u32>, Cache, Vec<f32>)> = None;
        let mut prompt_tokens = 0;
        for continuation in continuations {
            let (context, rest) = self.tokenizer.encode_pair(prompt, continuation, special)?;
            if rest.is_empty() {
                return Err(ModelError::new(
                    ErrorClass::BadRequest,
                    format!(
                        "the continuation {continuation:?} has no tokens of its own after the prompt"
                    ),
                ));
            }
            let mut sum = Sum::default();
            prompt_tokens += rest.len() as u64;
            let most = self.context_length.unwrap_or(usize::MAX);
            if prompt.is_empty() && rest.len() > most {
                for (context, rest) in windows(&context, &rest, most) {
                    let fed = [&context, &rest[..rest.len() - 1]].concat();
                    let empty = self.graph.empty_cache()?;
                    self.follow(&fed, &empty, rest, &mut sum)?;
                }
                scores.push(sum.of(&rest));
                continue;
            }
            self.room_after(context.len() + rest.len())?;
            if self.graph.shares_up_to(context.len() + rest.len()) {
                // Continuations nearly always share the context's tokens; where one merges across the border, it gets its own.
                if shared
                    .as_ref()
                    .is_none_or(|(tokens, ..)| *tokens != context)
                {
                    let (cache, last) = self.read(&context)?;
                    prompt_tokens += context.len() as u64;
                    shared = Some((context, cache, last));
                }
                let (_, cache, last) = shared.as_ref().expect("set just above");
                sum.add(last, rest[0])?;
                self.follow(&rest[..rest.len() - 1], cache, &rest[1..], &mut sum)?;
            } else {
                prompt_tokens += context.len() as u64;
                let whole = [context.as_slice(), &rest[..rest.len() - 1]].concat();
                let empty = self.graph.empty_cache()?;
                self.follow(&whole, &empty, &rest, &mut sum)?;
            }
            scores.push(sum.of(&rest));
        }
        Ok(Likelihoods {
            continuations: scores,
            prompt_tokens,
            queue,
        })
    }

    /// The state after a text's tokens, and the logits of what follows.
    fn read(&mut self, tokens: &[u32]) -> Result<(Cache, Vec<f32>), ModelError> {
        let empty = self.graph.empty_cache()?;
        let mut last = Vec::new();
        let first = tokens.len().saturating_sub(1);
        let cache = self.graph.run(tokens, &empty, first, |_, logits| {
            last = logits.to_vec();
        })?;
        Ok((cache, last))
    }

    /// The same, telling of each token.
    fn read_aloud(
        &mut self,
        tokens: &[u32],
        listener: &Listener,
    ) -> Result<(Cache, Vec<f32>), ModelError> {
        let empty = self.graph.empty_cache()?;
        let (mut last, mut read, mut failed) = (Vec::new(), 0, None);
        if let Some(first) = tokens.first() {
            listener.tell_first(*first);
        }
        let cache = self.graph.run(tokens, &empty, 0, |row, logits| {
            read += 1;
            match tokens.get(row + 1) {
                Some(next) => failed = failed.take().or(listener.tell(*next, logits, false).err()),
                None => last = logits.to_vec(),
            }
        })?;
        match failed {
            Some(error) => Err(error),
            None if read < tokens.len() => Err(last_only()),
            None => Ok((cache, last)),
        }
    }

    /// Runs `fed` after the cache, and adds up what its last tokens give those that follow them.
    fn follow(
        &mut self,
        fed: &[u32],
        cache: &Cache,
        targets: &[u32],
        sum: &mut Sum,
    ) -> Result<(), ModelError> {
        if targets.is_empty() {
            return Ok(());
        }
        let first = fed.len() - targets.len();
        let (mut read, mut failed) = (0, None);
        self.graph.run(fed, cache, first, |row, logits| {
            if let Err(error) = sum.add(logits, targets[row - first]) {
                failed = failed.take().or(Some(error));
            }
            read += 1;
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if read < targets.len() {
            return Err(last_only());
        }
        Ok(())
    }

    /// Tokens that still fit after `used`.
    fn room_after(&self, used: usize) -> Result<usize, ModelError> {
        let most = self.context_length.unwrap_or(usize::MAX);
        if used == 0 {
            return Err(ModelError::new(
                ErrorClass::BadRequest,
                "the prompt has no tokens",
            ));
        }
        if used > most {
            return Err(ModelError::new(
                ErrorClass::BadRequest,
                format!("the prompt has {used} tokens; the model's context holds at most {most}"),
            ));
        }
        Ok(most - used)
    }
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

fn last_only() -> ModelError {
    let what = "the graph returns logits for the last token only, but log-likelihoods need those of every token";
    ModelError::new(ErrorClass::Unsupported, what)
}

/// The log-likelihood of a continuation, token by token.
struct Sum {
    log_likelihood: f64,
    /// Whether each token so far was the most likely one.
    is_greedy: bool,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            log_likelihood: 0.0,
            is_greedy: true,
        }
    }
}

impl Sum {
    fn add(&mut self, logits: &[f32], token: u32) -> Result<(), ModelError> {
        self.log_likelihood += log_softmax_at(logits, token)?;
        self.is_greedy &= argmax(logits) == token;
        Ok(())
    }

    /// The score of the tokens that were added.
    fn of(&self, tokens: &[u32]) -> ContinuationScore {
        ContinuationScore {
            log_likelihood: self.log_likelihood,
            is_greedy: self.is_greedy,
            tokens: u32::try_from(tokens.len()).unwrap_or(u32::MAX),
        }
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
