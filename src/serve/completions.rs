//! `POST /v1/completions`: text continued, and scored.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference/completions>. `echo` with `logprobs` scores the prompt itself, which is what
//! lm-evaluation-harness (`local-completions`) and candor (`?api=completions`) take log-likelihoods from; a prompt is text or token ids.

use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::form::{Call, Form, Job, ending};
use super::logprobs;
use super::sampling::{Delivery, Sampling};
use crate::model::{Delta, Parameters, Prompt, ScoredToken, TokenRequest, TokenText, Written};

/// Tokens of an answer where a request names no number, as in OpenAI's API.
const DEFAULT_TOKENS: u32 = 16;
/// Most of the likeliest tokens that are listed.
const MAX_LISTED: usize = 20;
/// Most choices of one request.
const MAX_CHOICES: usize = 1024;

/// A request as clients write it.
#[derive(Debug, Deserialize)]
pub(super) struct TextRequest {
    pub model: String,
    prompt: Prompts,
    max_tokens: Option<u32>,
    logprobs: Option<usize>,
    echo: Option<bool>,
    suffix: Option<String>,
    best_of: Option<u32>,
    #[serde(flatten)]
    sampling: Sampling,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Prompts {
    Text(String),
    Ids(Vec<u32>),
    Texts(Vec<String>),
    ManyIds(Vec<Vec<u32>>),
}

impl Prompts {
    fn texts(self) -> Vec<TokenText> {
        let text = |text: String| TokenText::Prompt(Prompt::Text(text));
        match self {
            Self::Text(one) => vec![text(one)],
            // An empty list is one of no texts.
            Self::Ids(ids) if ids.is_empty() => Vec::new(),
            Self::Ids(ids) => vec![TokenText::Ids(ids)],
            Self::Texts(texts) => texts.into_iter().map(text).collect(),
            Self::ManyIds(many) => many.into_iter().map(TokenText::Ids).collect(),
        }
    }
}

impl TextRequest {
    /// # Errors
    /// [`Fault`] names what cannot be, or is not supported.
    pub(super) fn call(self) -> Result<Call, Fault> {
        if self.suffix.is_some_and(|suffix| !suffix.is_empty()) {
            let what = "suffix is not supported here";
            return Err(Fault::parameter("suffix", what));
        }
        let echo = self.echo.unwrap_or(false);
        let delivery = self.sampling.delivery();
        if echo && delivery != Delivery::Whole {
            let what = "echo and stream cannot be asked for together";
            return Err(Fault::parameter("echo", what));
        }
        if self.logprobs.is_some_and(|listed| listed > MAX_LISTED) {
            let what = format!("logprobs must be at most {MAX_LISTED}");
            return Err(Fault::parameter("logprobs", what));
        }
        let tokens = self.max_tokens.unwrap_or(DEFAULT_TOKENS);
        if tokens == 0 && !echo {
            let what = "max_tokens must be above 0, unless the prompt is echoed";
            return Err(Fault::parameter("max_tokens", what));
        }
        let choices = self.sampling.choices(tokens)?;
        if self.best_of.is_some_and(|n| n as usize > choices.len()) {
            let what = "best_of above n is not supported here";
            return Err(Fault::parameter("best_of", what));
        }
        let texts = self.prompt.texts();
        if texts.is_empty() || texts.len() * choices.len() > MAX_CHOICES {
            let what =
                format!("between 1 and {MAX_CHOICES} choices can be asked for: prompts times n");
            return Err(Fault::parameter("prompt", what));
        }
        let job = |text: &TokenText, parameters: Parameters| Job {
            request: TokenRequest {
                text: text.clone(),
                parameters,
                echo,
                likeliest: self.logprobs.unwrap_or(0),
            },
            by_token: echo || self.logprobs.is_some() || matches!(text, TokenText::Ids(_)),
        };
        let jobs = texts
            .iter()
            .flat_map(|text| choices.iter().map(|choice| job(text, choice.clone())));
        Ok(Call {
            delivery,
            choices: choices.len(),
            jobs: jobs.collect(),
            form: Box::new(Text {
                listed: self.logprobs,
            }),
        })
    }
}

/// How text completions are written.
struct Text {
    /// How many of the likeliest tokens are listed, where log-probabilities are asked for.
    listed: Option<usize>,
}

impl Text {
    fn logprobs<'t>(&self, tokens: impl Iterator<Item = &'t ScoredToken>) -> Value {
        self.listed
            .map_or(Value::Null, |listed| logprobs::of_text(tokens, listed))
    }
}

impl Form for Text {
    fn prefix(&self) -> &'static str {
        "cmpl"
    }

    fn object(&self, _: Delivery) -> &'static str {
        "text_completion"
    }

    fn choice(&self, written: &Written) -> Value {
        json!({
            "text": format!("{}{}", written.prompt_text, written.completion.text),
            "logprobs": self.logprobs(written.prompt.iter().chain(&written.tokens)),
            "finish_reason": ending(written.completion.finish),
        })
    }

    fn opening(&self) -> Option<Value> {
        None
    }

    fn part(&self, delta: &Delta) -> Option<Value> {
        let is_shown = self.listed.is_some() && !delta.tokens.is_empty();
        (!delta.text.is_empty() || is_shown).then(|| {
            json!({"text": delta.text, "logprobs": self.logprobs(delta.tokens.iter()), "finish_reason": null})
        })
    }

    fn ending(&self, written: &Written) -> Value {
        json!({"text": "", "logprobs": null, "finish_reason": ending(written.completion.finish)})
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn call(body: Value) -> Result<Call, Fault> {
        let request: TextRequest = serde_json::from_value(body).unwrap();
        request.call()
    }

    #[test]
    fn a_prompt_is_text_or_token_ids_one_or_many() {
        for (prompt, count, first) in [
            (json!("a"), 1, TokenText::Prompt(Prompt::Text("a".into()))),
            (
                json!(["a", "b"]),
                2,
                TokenText::Prompt(Prompt::Text("a".into())),
            ),
            (json!([5, 6]), 1, TokenText::Ids(vec![5, 6])),
            (json!([[5, 6], [7]]), 2, TokenText::Ids(vec![5, 6])),
        ] {
            let call = call(json!({"model": "m", "prompt": prompt, "n": 2}))
                .ok()
                .unwrap();
            assert_eq!(call.jobs.len(), 2 * count);
            assert_eq!(call.jobs[0].request.text, first);
            assert_eq!(call.jobs[1].request.text, first);
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (body, param) in [
            (json!({"model": "m", "prompt": []}), "prompt"),
            (
                json!({"model": "m", "prompt": vec!["a"; 100], "n": 100}),
                "prompt",
            ),
            (
                json!({"model": "m", "prompt": "a", "max_tokens": 0}),
                "max_tokens",
            ),
            (
                json!({"model": "m", "prompt": "a", "logprobs": 21}),
                "logprobs",
            ),
            (
                json!({"model": "m", "prompt": "a", "echo": true, "stream": true}),
                "echo",
            ),
            (
                json!({"model": "m", "prompt": "a", "suffix": "b"}),
                "suffix",
            ),
            (
                json!({"model": "m", "prompt": "a", "best_of": 3}),
                "best_of",
            ),
        ] {
            let fault = call(body).err().unwrap();
            assert_eq!(fault.body()["error"]["param"], param);
        }
        let scored = call(json!({"model": "m", "prompt": "a", "echo": true, "max_tokens": 0}));
        assert!(scored.is_ok_and(|call| call.jobs[0].by_token));
    }
}
