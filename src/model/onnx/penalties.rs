//! Logits changed by what a text has so far: biases, then repetition, then presence and frequency.
//!
//! Repetition as `RepetitionPenaltyLogitsProcessor` of Transformers has it, over prompt and answer; presence and frequency by the formula of OpenAI's
//! documentation, over the answer alone; the order is vLLM's.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Parameters;

/// What changes the logits of a text's next token, and what it depends on.
pub(super) struct Penalties {
    bias: Vec<(u32, f32)>,
    repetition: f32,
    presence: f32,
    frequency: f32,
    /// The tokens of the prompt, where repetition is penalised.
    prompt: BTreeSet<u32>,
    /// How often the answer has each token.
    written: BTreeMap<u32, u16>,
}

impl Penalties {
    /// Those of an answer to a prompt; none where nothing changes.
    pub(super) fn new(parameters: &Parameters, prompt: &[u32]) -> Option<Self> {
        #[allow(clippy::cast_possible_truncation)] // logits are f32
        let number = |value: Option<f64>, neutral: f64| value.unwrap_or(neutral) as f32;
        let repetition = number(parameters.repetition_penalty, 1.0);
        let bias = parameters.logit_bias.iter();
        let own = Self {
            bias: bias
                .map(|(token, by)| (*token, number(Some(*by), 0.0)))
                .collect(),
            repetition,
            presence: number(parameters.presence_penalty, 0.0),
            frequency: number(parameters.frequency_penalty, 0.0),
            prompt: if repetition == 1.0 {
                BTreeSet::new()
            } else {
                prompt.iter().copied().collect()
            },
            written: BTreeMap::new(),
        };
        let is_neutral = own.bias.is_empty()
            && own.repetition == 1.0
            && own.presence == 0.0
            && own.frequency == 0.0;
        (!is_neutral).then_some(own)
    }

    /// Takes note of a token of the answer.
    pub(super) fn note(&mut self, token: u32) {
        let count = self.written.entry(token).or_insert(0);
        *count = count.saturating_add(1);
    }

    pub(super) fn apply(&self, logits: &mut [f32]) {
        let mut change = |token: u32, by: &dyn Fn(f32) -> f32| {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = by(*logit);
            }
        };
        for (token, bias) in &self.bias {
            change(*token, &|logit| logit + bias);
        }
        if self.repetition != 1.0 {
            let answer = self.written.keys();
            let new = answer.filter(|token| !self.prompt.contains(token));
            for token in self.prompt.iter().chain(new) {
                change(*token, &|logit| {
                    if logit < 0.0 {
                        logit * self.repetition
                    } else {
                        logit / self.repetition
                    }
                });
            }
        }
        if self.presence != 0.0 || self.frequency != 0.0 {
            for (token, count) in &self.written {
                let by = self.presence + self.frequency * f32::from(*count);
                change(*token, &|logit| logit - by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(parameters: &Parameters, prompt: &[u32], written: &[u32]) -> Vec<f32> {
        let mut penalties = Penalties::new(parameters, prompt).expect("something changes");
        for token in written {
            penalties.note(*token);
        }
        let mut logits = vec![1.5, -0.5, 3.0, 0.25, -2.0, 2.0];
        penalties.apply(&mut logits);
        logits
    }

    #[test]
    fn repetition_is_penalised_as_by_transformers() {
        // RepetitionPenaltyLogitsProcessor(penalty)(input_ids=[[0, 1, 1, 2]], scores): Transformers 4.57.6.
        for (penalty, want) in [
            (1.3, [1.153_846_1, -0.65, 2.307_692_3, 0.25, -2.0, 2.0]),
            (0.8, [1.875, -0.4, 3.75, 0.25, -2.0, 2.0]),
        ] {
            let parameters = Parameters {
                repetition_penalty: Some(penalty),
                ..Parameters::default()
            };
            assert_eq!(applied(&parameters, &[0, 1], &[1, 2]), want);
            // A token counts once, wherever it is.
            assert_eq!(applied(&parameters, &[0, 1, 1, 2], &[0, 2, 2]), want);
        }
    }

    #[test]
    fn presence_and_frequency_are_those_of_openais_formula_and_of_the_answer_alone() {
        // mu[j] - c[j] * alpha_frequency - float(c[j] > 0) * alpha_presence, by hand; c counts the answer's tokens.
        let parameters = Parameters {
            presence_penalty: Some(0.5),
            frequency_penalty: Some(0.25),
            ..Parameters::default()
        };
        let want = [1.5, -0.5, 2.25, -0.75, -2.0, 2.0];
        assert_eq!(applied(&parameters, &[0, 1, 5], &[3, 2, 3]), want);
    }

    #[test]
    fn biases_come_first_and_unknown_tokens_are_nobody() {
        let parameters = Parameters {
            logit_bias: BTreeMap::from([(4, 3.0), (900, 5.0)]),
            repetition_penalty: Some(2.0),
            presence_penalty: Some(0.25),
            ..Parameters::default()
        };
        // Token 4: (-2 + 3) / 2 - 0.25; token 5, of the prompt: 2 / 2.
        let want = [1.5, -0.5, 3.0, 0.25, 0.25, 1.0];
        assert_eq!(applied(&parameters, &[5], &[4]), want);
    }

    #[test]
    fn nothing_changes_where_nothing_is_set() {
        assert!(Penalties::new(&Parameters::default(), &[1]).is_none());
    }
}
