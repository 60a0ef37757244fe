//! The parameters that both forms of the API share.

use std::collections::BTreeMap;

use rand::TryRng;
use rand::rngs::SysRng;
use serde::Deserialize;

use super::fault::Fault;
use crate::model::Parameters;

/// Most choices of one prompt.
const MAX_CHOICES: u32 = 128;
/// Most stop strings.
const MAX_STOPS: usize = 64;

/// As clients write them. Those without an effect on the answer (`user`, `metadata`, `store` …) are not looked at.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Sampling {
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<i64>,
    seed: Option<i64>,
    stop: Option<Stop>,
    n: Option<u32>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    min_p: Option<f64>,
    repetition_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    /// By token id, which JSON has as text.
    logit_bias: Option<BTreeMap<String, f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// How an answer is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// As events; at the end with the tokens counted, where asked for.
    Streamed {
        usage: bool,
    },
}

impl Sampling {
    pub(super) fn delivery(&self) -> Delivery {
        let options = self.stream_options.as_ref();
        if self.stream == Some(true) {
            Delivery::Streamed {
                usage: options.is_some_and(|o| o.include_usage),
            }
        } else {
            Delivery::Whole
        }
    }

    /// Decoding parameters, one per choice of a prompt: each has a seed of its own.
    ///
    /// # Errors
    /// [`Fault`] names the parameter that cannot be.
    pub(super) fn choices(&self, max_tokens: u32) -> Result<Vec<Parameters>, Fault> {
        let temperature = within("temperature", self.temperature, 1.0, 0.0..=2.0)?;
        let top_p = within("top_p", self.top_p, 1.0, f64::MIN_POSITIVE..=1.0)?;
        // vLLM writes that there is no limit as -1, others as 0.
        let top_k = self.top_k.filter(|k| *k > 0);
        let base = Parameters {
            max_tokens,
            temperature,
            top_p: (top_p < 1.0).then_some(top_p),
            top_k: top_k.map(|k| u32::try_from(k).unwrap_or(u32::MAX)),
            min_p: self.min_p,
            repetition_penalty: self.repetition_penalty,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            logit_bias: self.biases()?,
            stop: self.stops()?,
            ..Parameters::default()
        };
        if let Some((control, range)) = base.control_out_of_range() {
            let what = format!("{control} must be {range}");
            return Err(Fault::parameter(control.name(), what));
        }
        let n = self.n.unwrap_or(1);
        if !(1..=MAX_CHOICES).contains(&n) {
            let what = format!("n must be between 1 and {MAX_CHOICES}, not {n}");
            return Err(Fault::parameter("n", what));
        }
        let seed = self.first_seed();
        let with_seed = |choice: u32| Parameters {
            seed: Some(seed.wrapping_add(u64::from(choice))),
            ..base.clone()
        };
        Ok((0..n).map(with_seed).collect())
    }

    /// The seed of the first choice. Without one, answers differ from request to request.
    fn first_seed(&self) -> u64 {
        match self.seed {
            Some(seed) => seed.cast_unsigned(),
            None => SysRng.try_next_u64().unwrap_or(0) >> 1,
        }
    }

    fn biases(&self) -> Result<BTreeMap<u32, f64>, Fault> {
        let all = self.logit_bias.iter().flatten();
        let read = all.map(|(token, bias)| {
            let id = token.parse::<u32>().map_err(|_| {
                let what = format!("logit_bias names tokens by their ids, not '{token}'");
                Fault::parameter("logit_bias", what)
            });
            id.map(|id| (id, *bias))
        });
        read.collect()
    }

    fn stops(&self) -> Result<Vec<String>, Fault> {
        let stops = match &self.stop {
            None => Vec::new(),
            Some(Stop::One(stop)) => vec![stop.clone()],
            Some(Stop::Many(stops)) => stops.clone(),
        };
        if stops.len() > MAX_STOPS || stops.iter().any(String::is_empty) {
            let what = format!("stop must be at most {MAX_STOPS} strings, none of them empty");
            return Err(Fault::parameter("stop", what));
        }
        Ok(stops)
    }
}

fn within(
    name: &'static str,
    value: Option<f64>,
    default: f64,
    range: std::ops::RangeInclusive<f64>,
) -> Result<f64, Fault> {
    let value = value.unwrap_or(default);
    if range.contains(&value) {
        return Ok(value);
    }
    let bounds = match name {
        "top_p" => "above 0 and at most 1",
        _ => "between 0 and 2",
    };
    Err(Fault::parameter(
        name,
        format!("{name} must be {bounds}, not {value}"),
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sampling(body: Value) -> Sampling {
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (body, param) in [
            (json!({"temperature": 2.5}), "temperature"),
            (json!({"temperature": -1}), "temperature"),
            (json!({"top_p": 0}), "top_p"),
            (json!({"n": 0}), "n"),
            (json!({"n": 500}), "n"),
            (json!({"stop": [""]}), "stop"),
            (json!({"frequency_penalty": 2.5}), "frequency_penalty"),
            (json!({"repetition_penalty": 0}), "repetition_penalty"),
            (json!({"min_p": -0.1}), "min_p"),
            (json!({"logit_bias": {"5": -200}}), "logit_bias"),
            (json!({"logit_bias": {"Paris": 5}}), "logit_bias"),
        ] {
            let fault = sampling(body).choices(5).unwrap_err();
            assert_eq!(fault.body()["error"]["param"], param);
            assert_eq!(fault.status, 400);
        }
        let neutral = json!({"frequency_penalty": 0, "logit_bias": {}, "top_k": -1, "user": "x", "store": true});
        assert!(sampling(neutral).choices(5).is_ok());
    }

    #[test]
    fn each_choice_has_a_seed_of_its_own_and_the_same_one_again() {
        let seeds = |body: Value| -> Vec<u64> {
            let choices = sampling(body).choices(5).unwrap();
            choices.iter().filter_map(|p| p.seed).collect()
        };
        assert_eq!(seeds(json!({"seed": 7, "n": 3})), [7, 8, 9]);
        assert_ne!(seeds(json!({})), seeds(json!({})));
        let stop = sampling(
            json!({"stop": "\n", "stream": true, "stream_options": {"include_usage": true}}),
        );
        assert_eq!(stop.choices(5).unwrap()[0].stop, ["\n"]);
        assert_eq!(stop.delivery(), Delivery::Streamed { usage: true });
    }
}
