//! Choosing the next token. In this order: biases and penalties (`penalties`), what a schema allows (`constraint`), and then the likeliest token, or a
//! seeded draw with temperature, top-k, top-p and min-p, as Transformers applies them.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::constraint::Constraint;
use super::likelihood::{argmax, largest};
use super::penalties::Penalties;
use crate::model::{ErrorClass, ModelError, Parameters};

pub(super) struct Sampler {
    temperature: f64,
    top_k: usize,
    top_p: f64,
    min_p: f64,
    penalties: Option<Penalties>,
    random: ChaCha8Rng,
    /// Logits as they are changed.
    changed: Vec<f32>,
}

impl Sampler {
    /// One for the answer to a prompt.
    pub(super) fn new(parameters: &Parameters, prompt: &[u32]) -> Self {
        Self {
            temperature: parameters.temperature,
            top_k: parameters.top_k.map_or(usize::MAX, |k| k as usize).max(1),
            top_p: parameters.top_p.unwrap_or(1.0),
            min_p: parameters.min_p.unwrap_or(0.0),
            penalties: Penalties::new(parameters, prompt),
            random: ChaCha8Rng::seed_from_u64(parameters.seed.unwrap_or(0)),
            changed: Vec::new(),
        }
    }

    /// The next token from a row of logits, one that a constraint allows.
    ///
    /// # Errors
    /// [`ErrorClass::Runtime`] if the logits say nothing, or rule out all that is allowed.
    pub(super) fn choose(
        &mut self,
        logits: &[f32],
        constraint: Option<&mut Constraint>,
    ) -> Result<u32, ModelError> {
        largest(logits)?;
        let mut changed = std::mem::take(&mut self.changed);
        let logits = if self.penalties.is_some() || constraint.is_some() {
            changed.clear();
            changed.extend_from_slice(logits);
            if let Some(penalties) = &self.penalties {
                penalties.apply(&mut changed);
            }
            if let Some(constraint) = constraint {
                constraint.mask(&mut changed)?;
            }
            if !changed.iter().any(|logit| logit.is_finite()) {
                let what = "no token is left to choose from: the model rules out all that biases and schema allow";
                return Err(ModelError::new(ErrorClass::Runtime, what));
            }
            &changed
        } else {
            logits
        };
        let token = if self.temperature <= 0.0 {
            argmax(logits)
        } else {
            self.draw(logits)
        };
        self.changed = changed;
        if let Some(penalties) = &mut self.penalties {
            penalties.note(token);
        }
        Ok(token)
    }

    fn draw(&mut self, logits: &[f32]) -> u32 {
        let (order, weights) = self.candidates(logits);
        let mut left = self.uniform() * weights.iter().sum::<f64>();
        for (token, weight) in order.iter().zip(&weights) {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        order[weights.len() - 1]
    }

    /// The tokens to draw from, the likeliest first, and their weights, which are as many or fewer.
    fn candidates(&self, logits: &[f32]) -> (Vec<u32>, Vec<f64>) {
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
            .take_while(|weight| *weight > 0.0)
            .collect();
        let total: f64 = weights.iter().sum();
        let mut reached = 0.0;
        let kept = weights.iter().position(|w| {
            reached += w / total;
            reached >= self.top_p
        });
        weights.truncate(kept.map_or(weights.len(), |at| at + 1));
        // The first weight is 1.
        weights.truncate(weights.partition_point(|w| *w >= self.min_p).max(1));
        (order, weights)
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
        let mut sampler = Sampler::new(parameters, &[]);
        let mut choose = || sampler.choose(&[0.0, 2.0, 1.0, -5.0], None);
        (0..200).map(|_| choose().expect("a token")).collect()
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

    /// Temperature, top-k, top-p and min-p, and the tokens that are left with their probabilities.
    type Warped = (
        (f64, Option<u32>, Option<f64>, Option<f64>),
        &'static [(u32, f64)],
    );
    #[rustfmt::skip]
    const WARPED: &[Warped] = &[
        ((1.0, None, None, Some(0.3)), &[(1, 0.420_506_6), (3, 0.281_874), (5, 0.170_965_2), (7, 0.126_654_2)]),
        ((0.7, Some(5), Some(0.9), None), &[(1, 0.494_74), (3, 0.279_388_7), (5, 0.136_772_4), (7, 0.089_098_9)]),
        ((1.5, None, Some(0.8), Some(0.25)), &[(1, 0.326_236_3), (3, 0.249_873_6), (5, 0.179_042_3), (7, 0.146_587_4), (0, 0.098_260_5)]),
        ((2.0, Some(6), Some(0.95), Some(0.4)), &[(1, 0.293_105_5), (3, 0.239_974_5), (5, 0.186_892_4), (7, 0.160_859_7), (0, 0.119_167_8)]),
        ((1.0, None, Some(0.5), None), &[(1, 0.598_687_6), (3, 0.401_312_4)]),
        ((0.5, Some(3), None, Some(0.6)), &[(1, 1.0)]),
    ];

    #[test]
    fn candidates_and_their_probabilities_are_those_of_transformers() {
        // TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper and MinPLogitsWarper in the order of generate(), then softmax: Transformers 4.57.6.
        let logits = [0.3, 2.1, -1.0, 1.7, 0.0, 1.2, -3.5, 0.9];
        for ((temperature, top_k, top_p, min_p), want) in WARPED {
            let parameters = Parameters {
                temperature: *temperature,
                top_k: *top_k,
                top_p: *top_p,
                min_p: *min_p,
                ..Parameters::default()
            };
            let sampler = Sampler::new(&parameters, &[]);
            let (order, weights) = sampler.candidates(&logits);
            let total: f64 = weights.iter().sum();
            let order = order.iter().zip(weights.iter().map(|w| w / total));
            let listed: Vec<(u32, f64)> = order.map(|(token, p)| (*token, p)).collect();
            assert_eq!(listed.len(), want.len(), "{listed:?} {want:?}");
            for ((token, p), (its, expected)) in listed.iter().zip(*want) {
                assert_eq!(token, its);
                assert!((p - expected).abs() < 1e-6, "{p} {expected}");
            }
        }
    }

    #[test]
    fn an_answer_stops_repeating_itself_where_that_is_penalised() {
        let parameters = Parameters {
            frequency_penalty: Some(0.75),
            ..Parameters::default()
        };
        // 2, then 1.25 and 1; then 0.5 and 1, and so on: by hand.
        assert_eq!(&draw(&parameters)[..6], [1, 1, 2, 1, 2, 0]);
    }

    #[test]
    fn what_biases_rule_out_is_not_drawn() {
        let parameters = Parameters {
            temperature: 1.0,
            logit_bias: [(1, -100.0), (2, -100.0)].into(),
            ..Parameters::default()
        };
        assert!(draw(&parameters).iter().all(|t| [0, 3].contains(t)));
    }
}
