//! Worked examples: which ones each document gets, drawn in the documents' order with one generator as lm-evaluation-harness draws them.

use super::task::{FewShot, Sampler, Task};
use crate::files::Row;
use crate::suite::python_random::Random;

/// The seed that lm-evaluation-harness draws with unless told otherwise.
const SEED: u64 = 1234;

/// The examples that documents draw from, and the places drawn for each document.
#[derive(Debug, Clone, Default)]
pub(in crate::suite) struct Examples {
    pool: Vec<Row>,
    drawn: Drawn,
}

#[derive(Debug, Clone)]
enum Drawn {
    /// Every document gets the same.
    Alike(Vec<usize>),
    /// Each document its own.
    Each(Vec<Vec<usize>>),
}

impl Default for Drawn {
    fn default() -> Self {
        Self::Alike(Vec::new())
    }
}

impl Examples {
    /// Draws `k` examples for each document.
    ///
    /// # Errors
    /// There are too few.
    pub(in crate::suite) fn draw(
        task: &Task,
        pool: Vec<Row>,
        k: usize,
        documents: &[Row],
    ) -> Result<Self, String> {
        if k == 0 {
            return Ok(Self::default());
        }
        let FewShot {
            sampler,
            indices,
            split,
            ..
        } = &task.fewshot;
        // Where examples come from the split that is asked, a document is not its own example.
        let excludes = *split == task.dataset.test_split;
        if *sampler == Sampler::FirstN {
            if !excludes {
                if k > pool.len() {
                    return Err(too_few(k, pool.len()));
                }
                return Ok(Self {
                    pool,
                    drawn: Drawn::Alike((0..k).collect()),
                });
            }
            let of = |document: &Row| {
                let others = (0..pool.len()).filter(|i| pool[*i] != *document);
                let first: Vec<usize> = others.take(k).collect();
                if first.len() < k {
                    Err(too_few(k, first.len()))
                } else {
                    Ok(first)
                }
            };
            let drawn = documents.iter().map(of).collect::<Result<_, _>>()?;
            return Ok(Self {
                pool,
                drawn: Drawn::Each(drawn),
            });
        }
        let pool = match indices {
            None => pool,
            Some(indices) => {
                let row = |i: &usize| {
                    pool.get(*i)
                        .cloned()
                        .ok_or_else(|| too_few(i + 1, pool.len()))
                };
                indices.iter().map(row).collect::<Result<_, _>>()?
            }
        };
        let mut random = Random::new(SEED);
        let of = |document: &Row| -> Result<Vec<usize>, String> {
            if !excludes || document.is_empty() {
                return random.sample(pool.len(), k);
            }
            let mut drawn = random.sample(pool.len(), k + 1)?;
            drawn.retain(|i| pool[*i] != *document);
            drawn.truncate(k);
            if drawn.len() < k {
                let others: Vec<usize> =
                    (0..pool.len()).filter(|i| pool[*i] != *document).collect();
                drawn = random
                    .sample(others.len(), k)?
                    .into_iter()
                    .map(|i| others[i])
                    .collect();
            }
            Ok(drawn)
        };
        let drawn = documents.iter().map(of).collect::<Result<_, _>>()?;
        Ok(Self {
            pool,
            drawn: Drawn::Each(drawn),
        })
    }

    /// The examples of a document, by its place.
    pub(in crate::suite) fn of(&self, document: usize) -> impl Iterator<Item = &Row> {
        let drawn: &[usize] = match &self.drawn {
            Drawn::Alike(drawn) => drawn,
            Drawn::Each(drawn) => drawn.get(document).map_or(&[], Vec::as_slice),
        };
        drawn.iter().map(|i| &self.pool[*i])
    }
}

fn too_few(wanted: usize, there: usize) -> String {
    format!("{wanted} examples are asked for, and there are {there}")
}
