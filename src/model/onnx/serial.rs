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
        let (mut cache, mut last) = self.read(&job.prompt)?;
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
        let mut last = Vec::new();
        if self.graph.shares_up_to(job.fed.len() + 1) {
            let (_, cache, after) = match shared {
                Some(known) if known.0 == context => known,
                _ => {
                    let (cache, after) = self.read(context)?;
                    shared.insert((context.to_vec(), cache, after))
                }
            };
            match rest.split_first() {
                None => last.clone_from(after),
                Some((first, behind)) => {
                    sum.add(after, *first)?;
                    self.follow(rest, cache, behind, &mut sum, &mut last)?;
                }
            }
        } else {
            let empty = self.graph.empty_cache()?;
            self.follow(&job.fed, &empty, rest, &mut sum, &mut last)?;
        }
        job.last
            .iter()
            .map(|token| {
                let mut own = sum.clone();
                own.add(&last, *token)?;
                Ok(own)
            })
            .collect()
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

    /// Runs `fed` after the cache, and adds up what its last tokens give those that follow them, the `targets`; keeps the logits of what follows all.
    fn follow(
        &mut self,
        fed: &[u32],
        cache: &Cache,
        targets: &[u32],
        sum: &mut Sum,
        last: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        let first = fed.len() - targets.len() - 1;
        let (mut read, mut failed) = (0, None);
        self.graph.run(fed, cache, first, |row, logits| {
            match targets.get(row - first) {
                None => last.extend_from_slice(logits),
                Some(target) => {
                    if let Err(error) = sum.add(logits, *target) {
                        failed = failed.take().or(Some(error));
                    }
                }
            }
            read += 1;
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if read <= targets.len() {
            let what = "the graph returns logits for the last token only, but log-likelihoods \
                need those of every token";
            return Err(ModelError::new(ErrorClass::Unsupported, what));
        }
        Ok(())
    }
}
