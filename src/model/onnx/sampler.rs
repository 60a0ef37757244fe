//! Choosing the next token: greedy, or a seeded draw with temperature, top-k and top-p.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::likelihood::{argmax, largest};
use crate::model::{ModelError, Parameters};

pub(super) struct Sampler {
    temperature: f64,
    top_k: usize,
    top_p: f64,
    random: ChaCha8Rng,
}

impl Sampler {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            temperature: parameters.temperature,
            top_k: parameters.top_k.map_or(usize::MAX, |k| k as usize).max(1),
            top_p: parameters.top_p.unwrap_or(1.0),
            random: ChaCha8Rng::seed_from_u64(parameters.seed.unwrap_or(0)),
        }
    }

    /// The next token from a row of logits.
    ///
    /// # Errors
    /// [`crate::model::ErrorClass::Runtime`] if the logits say nothing.
    pub(super) fn choose(&mut self, logits: &[f32]) -> Result<u32, ModelError> {
        largest(logits)?;
        Ok(if self.temperature <= 0.0 {
            argmax(logits)
        } else {
            self.draw(logits)
        })
    }

    fn draw(&mut self, logits: &[f32]) -> u32 {
        let mut order: Vec<u32> = (0..u32::try_from(logits.len()).unwrap_or(u32::MAX)).collect();
        let logit = |token: u32| logits[token as usize];
        let keep = self.top_k.min(order.len());
        if keep < order.len() {
            order.select_nth_unstable_by(keep - 1, |a, b| logit(*b).total_cmp(&logit(*a)));
            order.truncate(keep);
        }
        order.sort_unstable_by(|a, b| logit(*b).total_cmp(&logit(*a)));
        let largest = f64::from(logit(order[0]));
        let mut weights: Vec<f64> = order
            .iter()
            .map(|t| ((f64::from(logit(*t)) - largest) / self.temperature).exp())
            .collect();
        let total: f64 = weights.iter().sum();
        let mut reached = 0.0;
        let kept = weights.iter().position(|w| {
            reached += w / total;
            reached >= self.top_p
        });
        weights.truncate(kept.map_or(weights.len(), |at| at + 1));
        let mut left = self.uniform() * weights.iter().sum::<f64>();
        for (token, weight) in order.iter().zip(&weights) {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        order[weights.len() - 1]
    }

    fn uniform(&mut self) -> f64 {
        let random: &mut dyn Rng = &mut self.random;
        random.random::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(parameters: &Parameters) -> Vec<u32> {
        let mut sampler = Sampler::new(parameters);
        (0..200)
            .map(|_| sampler.choose(&[0.0, 2.0, 1.0, -5.0]).expect("a token"))
            .collect()
    }

    #[test]
    fn greedy_takes_the_most_likely_and_the_first_of_equals() {
        assert_eq!(argmax(&[0.0, 2.0, 2.0]), 1);
        assert!(draw(&Parameters::default()).iter().all(|t| *t == 1));
    }

    #[test]
    fn a_seed_fixes_the_draw_and_limits_hold() {
        let base = Parameters {
            temperature: 1.0,
            seed: Some(7),
            ..Parameters::default()
        };
        assert_eq!(draw(&base), draw(&base));
        assert_ne!(
            draw(&base),
            draw(&Parameters {
                seed: Some(8),
                ..base.clone()
            })
        );
        assert!(
            draw(&Parameters {
                top_k: Some(2),
                ..base.clone()
            })
            .iter()
            .all(|t| [1, 2].contains(t))
        );
        // Token 1 alone has 66 % of the probability, so a nucleus of one half holds nothing else.
        assert!(
            draw(&Parameters {
                top_p: Some(0.5),
                ..base
            })
            .iter()
            .all(|t| *t == 1)
        );
    }
}
