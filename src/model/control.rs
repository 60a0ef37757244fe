//! Controls of decoding that not every model has. A request that sets one to a model without it is refused: leaving it out would be another question.

use std::fmt;

use serde_json::{Value, json};

use super::Parameters;

/// A control beyond temperature, top-p, top-k and stop strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// [`Parameters::min_p`].
    MinP,
    /// [`Parameters::repetition_penalty`].
    RepetitionPenalty,
    /// [`Parameters::presence_penalty`].
    PresencePenalty,
    /// [`Parameters::frequency_penalty`].
    FrequencyPenalty,
    /// [`Parameters::logit_bias`].
    LogitBias,
}

impl Control {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::MinP,
        Self::RepetitionPenalty,
        Self::PresencePenalty,
        Self::FrequencyPenalty,
        Self::LogitBias,
    ];

    /// Its name, in suites as in the APIs that have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MinP => "min_p",
            Self::RepetitionPenalty => "repetition_penalty",
            Self::PresencePenalty => "presence_penalty",
            Self::FrequencyPenalty => "frequency_penalty",
            Self::LogitBias => "logit_bias",
        }
    }

    /// Its value as JSON; none where it is not set, or set to what has no effect.
    #[must_use]
    pub fn value(self, parameters: &Parameters) -> Option<Value> {
        let but = |value: Option<f64>, neutral: f64| value.filter(|v| *v != neutral);
        match self {
            Self::MinP => but(parameters.min_p, 0.0).map(Value::from),
            Self::RepetitionPenalty => but(parameters.repetition_penalty, 1.0).map(Value::from),
            Self::PresencePenalty => but(parameters.presence_penalty, 0.0).map(Value::from),
            Self::FrequencyPenalty => but(parameters.frequency_penalty, 0.0).map(Value::from),
            Self::LogitBias => {
                let bias = &parameters.logit_bias;
                (!bias.is_empty()).then(|| json!(bias))
            }
        }
    }

    /// The values that it can have, for a person.
    fn range(self) -> &'static str {
        match self {
            Self::MinP => "between 0 and 1",
            Self::RepetitionPenalty => "above 0",
            Self::PresencePenalty | Self::FrequencyPenalty => "between -2 and 2",
            Self::LogitBias => "between -100 and 100 per token",
        }
    }

    fn is_in_range(self, parameters: &Parameters) -> bool {
        let has = |value: Option<f64>, test: fn(&f64) -> bool| value.as_ref().is_none_or(test);
        match self {
            Self::MinP => has(parameters.min_p, |p| (0.0..=1.0).contains(p)),
            Self::RepetitionPenalty => {
                has(parameters.repetition_penalty, |p| p.is_finite() && *p > 0.0)
            }
            Self::PresencePenalty => has(parameters.presence_penalty, |p| is_penalty(*p)),
            Self::FrequencyPenalty => has(parameters.frequency_penalty, |p| is_penalty(*p)),
            Self::LogitBias => {
                let mut biases = parameters.logit_bias.values();
                biases.all(|bias| (-100.0..=100.0).contains(bias))
            }
        }
    }
}

fn is_penalty(penalty: f64) -> bool {
    (-2.0..=2.0).contains(&penalty)
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Parameters {
    /// The controls that are set to something that has an effect.
    pub fn controls(&self) -> impl Iterator<Item = Control> + '_ {
        let set = Control::ALL.iter().copied();
        set.filter(|control| control.value(self).is_some())
    }

    /// The first control whose value cannot be, and what it can be.
    #[must_use]
    pub fn control_out_of_range(&self) -> Option<(Control, &'static str)> {
        let mut all = Control::ALL.iter().copied();
        let wrong = all.find(|control| !control.is_in_range(self))?;
        Some((wrong, wrong.range()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parameters(written: Value) -> Parameters {
        serde_json::from_value(written).unwrap()
    }

    #[test]
    fn a_control_without_effect_is_not_set() {
        let neutral = parameters(
            json!({"min_p": 0, "repetition_penalty": 1, "presence_penalty": 0, "frequency_penalty": 0, "logit_bias": {}}),
        );
        assert_eq!(neutral.controls().count(), 0);
        let all = parameters(
            json!({"min_p": 0.1, "repetition_penalty": 1.2, "presence_penalty": -1, "frequency_penalty": 0.5, "logit_bias": {"7": -100}}),
        );
        assert_eq!(all.controls().collect::<Vec<_>>(), Control::ALL);
        assert_eq!(Control::LogitBias.value(&all), Some(json!({"7": -100.0})));
        assert_eq!(all.control_out_of_range(), None);
    }

    #[test]
    fn a_value_that_cannot_be_is_named() {
        for (written, name) in [
            (json!({"min_p": 1.5}), "min_p"),
            (json!({"repetition_penalty": 0}), "repetition_penalty"),
            (json!({"presence_penalty": 3}), "presence_penalty"),
            (json!({"frequency_penalty": -3}), "frequency_penalty"),
            (json!({"logit_bias": {"7": 101}}), "logit_bias"),
        ] {
            let (control, _) = parameters(written).control_out_of_range().unwrap();
            assert_eq!(control.name(), name);
        }
    }
}
