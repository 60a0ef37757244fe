//! Texts of a ready-made graph, one after the other. The continuations of a context share its cache.

use std::sync::Arc;

use super::generation::{Generated, Next};
use super::graph::{Cache, Graph};
use super::job::{Generate, Job, Score, Scored};
use super::likelihood::Sum;
use super::tokenizer::Tokenizer;
use crate::model::{ErrorClass, ModelError};

pub(super) struct Serial {
    graph: Graph,
    tokenizer: Arc<Tokenizer>,
    end_tokens: Vec<u32>,
}

/// A context that was read: its tokens, the state after them, and the logits of what follows.
type Context = (Vec<u32>, Cache, Vec<f32>);

impl Serial {
    pub(super) fn new(graph: Graph, tokenizer: Arc<Tokenizer>, end_tokens: Vec<u32>) -> Self {
        Self {
            graph,
            tokenizer,
            end_tokens,
        }
    }

    pub(super) fn threads(&self) -> usize {
        self.graph.threads
    }

    /// Answers jobs, those that nobody waits for any more left out.
    pub(super) fn serve(&mut self, jobs: Vec<Job>) {
        let mut shared: Option<Context> = None;
        for job in jobs {
            match job {
                Job::Generate(job) if job.reply.is_closed() => {}
                Job::Score(job) if job.reply.is_closed() => {}
                Job::Generate(job) => self.generate(job),
                Job::Score(job) => {
                    let queue = job.asked.elapsed().as_secs_f64();
                    let scored = self.score(&job, &mut shared);
                    let scored = scored.map(|scores| Scored { scores, queue });
                    let _ = job.reply.send(scored);
                }
            }
        }
    }

    fn generate(&mut self, mut job: Generate) {
        let queue = job.asked.elapsed().as_secs_f64();
        let first_token = match self.write(&mut job) {
            Ok(first_token) => first_token,
            Err(error) => return drop(job.reply.send(Err(error))),
        };
        let end = job.generation.end(&self.tokenizer);
        let generated = end.map(|(text, finish, written)| Generated {
            text,
            finish,
            written,
            queue,
            first_token,
        });
        let _ = job.reply.send(generated);
    }

    /// Writes until the text ends, or nobody waits for it any more. Gives the seconds to the first token.
    fn write(&mut self, job: &mut Generate) -> Result<f64, ModelError> {
        job.tell_first();
        let (targets, empty) = (&job.prompt[job.wanted() + 1..], self.graph.empty_cache()?);
        let (mut cache, mut last) = self.follow(&job.prompt, &empty, targets, |logits, next| {
            let listener = job.generation.echo();
            listener.map_or(Ok(()), |listener| listener.tell(next, logits, false))
        })?;
        let first_token = job.asked.elapsed().as_secs_f64();
        while !job.reply.is_closed() {
            let next = job
                .generation
                .next(&last, &self.tokenizer, &self.end_tokens)?;
            let Next::Token(token) = next else {
                break;
            };
            cache = self.graph.run(&[token], &cache, 0, |_, logits| {
                last.clear();
                last.extend_from_slice(logits);
            })?;
        }
        Ok(first_token)
    }

    fn score(&mut self, job: &Score, shared: &mut Option<Context>) -> Result<Vec<Sum>, ModelError> {
        let (context, rest) = job.fed.split_at(job.context);
        let mut sum = Sum::default();
        let add = |logits: &[f32], next| sum.add(logits, next);
        let last = if self.graph.shares_up_to(job.fed.len() + 1) {
            let (_, cache, after) = match shared {
                Some(known) if known.0 == context => known,
                _ => {
                    let empty = self.graph.empty_cache()?;
                    let (cache, after) = self.follow(context, &empty, &[], add)?;
                    shared.insert((context.to_vec(), cache, after))
                }
            };
            match rest.split_first() {
                None => after.clone(),
                Some((first, behind)) => {
                    sum.add(after, *first)?;
                    let add = |logits: &[f32], next| sum.add(logits, next);
                    self.follow(rest, cache, behind, add)?.1
                }
            }
        } else {
            let empty = self.graph.empty_cache()?;
            self.follow(&job.fed, &empty, rest, add)?.1
        };
        job.last
            .iter()
            .map(|token| {
                let mut own = sum.clone();
                own.add(&last, *token)?;
                Ok(own)
            })
            .collect()
    }

    /// Runs `fed` after the cache; `told` hears what its last tokens give those that follow them, the `targets`. Gives the state after them all, and the
    /// logits of what follows.
    fn follow(
        &mut self,
        fed: &[u32],
        cache: &Cache,
        targets: &[u32],
        mut told: impl FnMut(&[f32], u32) -> Result<(), ModelError>,
    ) -> Result<(Cache, Vec<f32>), ModelError> {
        let first = fed.len() - targets.len() - 1;
        let (mut read, mut failed, mut last) = (0, None, Vec::new());
        let cache = self.graph.run(fed, cache, first, |row, logits| {
            match targets.get(row - first) {
                None => last.extend_from_slice(logits),
                Some(target) => failed = failed.take().or(told(logits, *target).err()),
            }
            read += 1;
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if read <= targets.len() {
            let what = "the graph returns logits for the last token only, but log-likelihoods need those of every token";
            return Err(ModelError::new(ErrorClass::Unsupported, what));
        }
        Ok((cache, last))
    }
}
