//! Text completions: OpenAI's older API, which servers of open weights keep because it scores what a prompt says.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference/completions>; `prompt_logprobs` is vLLM's addition to it.

use std::time::Instant;

use serde_json::{Value, json};

use super::chat::{self, CHAT};
use super::pieces::{Gather, Piece, Pieces};
use super::{Ask, Dialect, Likelihood, Streamed, ending, openai_controls};
use crate::model::remote::answer::{answer, fail, nothing};
use crate::model::remote::content::Said;
use crate::model::remote::quirks::Quirks;
use crate::model::remote::setting::Setting;
use crate::model::{Completion, ContinuationScore, Control, Usage};

/// `POST /completions`.
pub(super) const COMPLETIONS: &dyn Dialect = &Completions;

struct Completions;

impl Dialect for Completions {
    fn name(&self) -> &'static str {
        "completions"
    }

    fn path(&self, _: &str, _: bool) -> String {
        "completions".into()
    }

    fn lacks(&self) -> &'static [Setting] {
        &[Setting::ResponseFormat]
    }

    fn chats(&self) -> bool {
        false
    }

    fn controls(&self, quirks: &Quirks) -> &'static [(Control, &'static str)] {
        openai_controls(quirks)
    }

    fn body(&self, ask: &Ask<'_>) -> Value {
        let (temperature, top_p, top_k) = ask.sampling();
        let asked = &ask.request.parameters;
        let seed = asked.seed.filter(|_| ask.takes(Setting::Seed));
        let mut body = json!({"model": ask.model, "prompt": ask.request.prompt.display(), "max_tokens": asked.max_tokens});
        for (name, value) in [
            ("temperature", temperature.map(Value::from)),
            ("top_p", top_p.map(Value::from)),
            ("top_k", top_k.map(Value::from)),
            ("stop", ask.stop(4)),
            ("stream", ask.stream.then_some(true.into())),
        ] {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        for (name, value) in ask.controls(self) {
            body[name] = value;
        }
        if let (Some(seed), Some(name)) = (seed, ask.quirks.seed) {
            body[name] = (seed & 0x7fff_ffff).into();
        }
        body
    }

    fn read(&self, body: &Value) -> Option<Completion> {
        let choice = body.pointer("/choices/0");
        let mut completion = choice.map_or_else(nothing, |choice| {
            let said = Said::read(&json!({"content": choice["text"]}));
            answer(said, ending(choice, "/finish_reason"))
        });
        completion.usage = self.usage(body);
        match self.fault(body) {
            Some(fault) => fail(&mut completion, &fault),
            None => _ = choice?,
        }
        Some(completion)
    }

    fn usage(&self, body: &Value) -> Usage {
        chat::usage(body)
    }

    fn reason_at(&self) -> &'static str {
        "/choices/0/finish_reason"
    }

    fn is_hollow(&self, body: &Value) -> bool {
        CHAT.is_hollow(body)
    }

    fn streamed(&self, asked: Instant) -> Box<dyn Streamed> {
        Box::new(Pieces::new(asked, Texts::default()))
    }

    fn likelihood(&self) -> Option<&dyn Likelihood> {
        Some(&Completions)
    }
}

impl Likelihood for Completions {
    /// The prompt is echoed with its log-probabilities; the one token that some servers insist on writing is behind its end.
    fn request(&self, ask: &Ask<'_>, context: &str, continuation: &str) -> Value {
        json!({"model": ask.model, "prompt": format!("{context}{continuation}"), "max_tokens": 1, "temperature": 0, "echo": true, "logprobs": 1})
    }

    fn score(
        &self,
        body: &Value,
        context: &str,
        continuation: &str,
    ) -> Result<ContinuationScore, String> {
        let choice = body.pointer("/choices/0").ok_or("no choice")?;
        let whole = context.chars().count() + continuation.chars().count();
        let echoed = echoed(choice);
        let is_echoed = echoed.is_some();
        let listed = echoed.or_else(|| prompt_logprobs(choice, body, whole));
        let mut tokens = listed.ok_or(
            "no log-probabilities of the prompt: the server must support echo with logprobs (vLLM, SGLang, llama-cpp-python with logits_all)",
        )?;
        leave_out_the_start(&mut tokens, context, continuation);
        let text = choice["text"].as_str().unwrap_or_default();
        let written = text
            .strip_prefix(context)
            .and_then(|rest| rest.strip_prefix(continuation));
        if is_echoed && is_one_off(&tokens, written.unwrap_or_default(), whole) {
            return Err("its log-probabilities are one token off, each of the place behind its token, and would score something else. llama-cpp-python does so with models that have no start token: use vLLM, SGLang, or the weights themselves (onnx:)".into());
        }
        summed(&tokens, context.chars().count(), whole)
    }
}

/// A token of the prompt.
struct Token {
    text: String,
    /// Characters before it.
    start: usize,
    /// Characters up to its end.
    end: usize,
    /// None for the first one.
    log_probability: Option<f64>,
    is_likeliest: bool,
    /// The likeliest one at its place, where the server says so in text.
    best: Option<String>,
}

/// The four lists of OpenAI's API.
fn echoed(choice: &Value) -> Option<Vec<Token>> {
    let list = |name: &str| choice.get("logprobs")?.get(name)?.as_array();
    let (tokens, log_probabilities) = (list("tokens")?, list("token_logprobs")?);
    let (offsets, tops) = (list("text_offset"), list("top_logprobs"));
    let mut read = Vec::with_capacity(tokens.len());
    let mut at = 0;
    for (i, token) in tokens.iter().enumerate() {
        let start = offsets
            .and_then(|o| usize::try_from(o.get(i)?.as_u64()?).ok())
            .unwrap_or(at);
        let text = token.as_str()?.to_owned();
        at = start + text.chars().count();
        let log_probability = log_probabilities.get(i).and_then(Value::as_f64);
        let top = tops.and_then(|t| t.get(i)?.as_object());
        let best = top.and_then(|top| {
            top.iter()
                .filter_map(|(text, value)| Some((text, value.as_f64()?)))
                .max_by(|a, b| a.1.total_cmp(&b.1))
        });
        read.push(Token {
            text,
            start,
            end: at,
            log_probability,
            is_likeliest: log_probability
                .zip(best)
                .is_some_and(|(own, (_, best))| own >= best),
            best: best.map(|(text, _)| text.clone()),
        });
    }
    // A token's end is where the next one begins, whatever half of a character it shows.
    for i in 1..read.len() {
        read[i - 1].end = read[i].start;
    }
    Some(read)
}

/// vLLM's list: per token a table of candidates by their ids, the prompt's own first. The first token has no table: it is what the others leave of
/// the text's `whole` characters, and where that is nothing, one that starts texts.
fn prompt_logprobs(choice: &Value, body: &Value, whole: usize) -> Option<Vec<Token>> {
    let list = choice
        .get("prompt_logprobs")
        .or_else(|| body.get("prompt_logprobs"))?;
    let tables: Vec<Option<&Value>> = list
        .as_array()?
        .iter()
        .map(|entry| entry.as_object().and_then(|table| table.values().next()))
        .collect();
    let words = |own: &Value| own["decoded_token"].as_str().unwrap_or_default().to_owned();
    let known = tables
        .iter()
        .flatten()
        .map(|own| words(own).chars().count());
    let first = whole.saturating_sub(known.sum());
    let mut at = 0;
    let read = tables.into_iter().map(|own| {
        let text = own.map(words).unwrap_or_default();
        let start = at;
        at += own.map_or(first, |_| text.chars().count());
        Token {
            text,
            start,
            end: at,
            log_probability: own.and_then(|own| own["logprob"].as_f64()),
            is_likeliest: own.is_some_and(|own| own["rank"] == 1),
            best: None,
        }
    });
    Some(
        read.filter(|t| t.log_probability.is_some() || t.end > t.start)
            .collect(),
    )
}

/// Servers that count the token at a text's start (`<s>`) among its characters move all others behind it.
fn leave_out_the_start(tokens: &mut Vec<Token>, context: &str, continuation: &str) {
    let Some(first) = tokens.first().filter(|t| t.log_probability.is_none()) else {
        return;
    };
    let whole = if context.is_empty() {
        continuation
    } else {
        context
    };
    let is_of_the_text =
        first.text.starts_with("bytes:") || whole.starts_with(first.text.trim_start());
    if is_of_the_text || first.text.is_empty() {
        return;
    }
    let shift = first.end;
    tokens.remove(0);
    for token in tokens {
        token.start = token.start.saturating_sub(shift);
        token.end = token.end.saturating_sub(shift);
    }
}

/// Whether each token has the log-probabilities of the place behind it. Then nothing is left for the token `written` behind the text's
/// `whole` characters, and the likeliest ones are more often the next token than the token itself.
fn is_one_off(tokens: &[Token], written: &str, whole: usize) -> bool {
    if tokens.iter().any(|t| t.start >= whole) {
        return false;
    }
    let is = |best: &Token, token: &Token| best.best.as_ref() == Some(&token.text);
    let own = tokens.iter().filter(|t| is(t, t)).count();
    let next = tokens.windows(2).filter(|t| is(&t[0], &t[1])).count();
    !written.is_empty() || next > own
}

/// The sum over the tokens between the context and the end of the text, in characters; a token that reaches into both the context and
/// the continuation counts, as it does where the two are tokenised together.
fn summed(tokens: &[Token], context: usize, end: usize) -> Result<ContinuationScore, String> {
    let own: Vec<&Token> = tokens
        .iter()
        .filter(|t| (t.end > context || t.start >= context) && t.start < end)
        .collect();
    let mut sum = 0.0;
    for token in &own {
        // The first token of a text follows nothing, and so has no probability.
        sum += token
            .log_probability
            .ok_or("a token of the continuation has no log-probability")?;
    }
    if own.is_empty() {
        return Err("no token of the continuation".into());
    }
    Ok(ContinuationScore {
        log_likelihood: sum,
        is_greedy: own.iter().all(|t| t.is_likeliest),
        tokens: u32::try_from(own.len()).unwrap_or(u32::MAX),
    })
}

/// A completion by its chunks.
#[derive(Default)]
struct Texts {
    text: String,
    last: Value,
    usage: Option<Value>,
}

impl Gather for Texts {
    fn take(&mut self, mut chunk: Value) -> Piece {
        if let Some(usage) = chunk.get_mut("usage").filter(|u| !u.is_null()) {
            self.usage = Some(usage.take());
        }
        let Some(choice) = chunk.pointer_mut("/choices/0").map(Value::take) else {
            return Piece::Note;
        };
        let more = choice["text"].as_str().unwrap_or_default();
        self.text += more;
        let (has_words, ended) = (!more.is_empty(), choice["finish_reason"].is_string());
        self.last = choice;
        match (ended, has_words) {
            (true, _) => Piece::Finish,
            (false, true) => Piece::Words,
            (false, false) => Piece::Note,
        }
    }

    fn body(self) -> Value {
        let choice = json!({"text": self.text, "finish_reason": self.last["finish_reason"]});
        json!({"choices": [choice], "usage": self.usage})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(
        choice: &Value,
        context: &str,
        continuation: &str,
    ) -> Result<ContinuationScore, String> {
        Completions.score(&json!({"choices": [choice]}), context, continuation)
    }

    #[test]
    fn only_the_tokens_of_the_continuation_are_summed() {
        // "Paris is in" + " France", and one token that was written behind it.
        let choice = json!({"text": "Paris is in France.", "logprobs": {
            "tokens": ["Paris", " is", " in", " Fr", "ance", "."],
            "token_logprobs": [null, -1.0, -2.0, -0.5, -0.25, -9.0],
            "top_logprobs": [null, {" is": -1.0}, {" a": -0.1, " in": -2.0}, {" Fr": -0.5}, {"ance": -0.25}, {"!": -0.1}],
            "text_offset": [0, 5, 8, 11, 14, 18],
        }});
        let score = scored(&choice, "Paris is in", " France").unwrap();
        assert_eq!(
            (score.log_likelihood, score.is_greedy, score.tokens),
            (-0.75, true, 2)
        );
        let score = scored(&choice, "Paris is", " in France").unwrap();
        assert_eq!(
            (score.log_likelihood, score.is_greedy, score.tokens),
            (-2.75, false, 3)
        );
        // A token that reaches into both counts.
        let score = scored(&choice, "Paris is in F", "rance").unwrap();
        assert_eq!(score.tokens, 2);
    }

    #[test]
    fn a_token_at_the_start_that_is_not_of_the_text_moves_no_offset() {
        let choice = json!({"logprobs": {
            "tokens": ["<s>", "北", "京", "市", "!"],
            "token_logprobs": [null, -3.0, -1.0, -0.5, -7.0],
            "top_logprobs": [null, {"北": -3.0}, {"京": -1.0}, {"x": -0.1}, {"!": -7.0}],
            "text_offset": [0, 3, 4, 5, 6],
        }});
        let score = scored(&choice, "北", "京市").unwrap();
        assert_eq!(
            (score.log_likelihood, score.is_greedy, score.tokens),
            (-1.5, false, 2)
        );
    }

    #[test]
    fn log_probabilities_of_the_place_behind_each_token_are_refused() {
        // As llama-cpp-python 0.2.90 sends them of SmolLM2: the model's own logits give " Paris" −0.27.
        let reply = |text: &str| {
            json!({"text": text, "logprobs": {
                "tokens": ["The", " capital", " of", " France", " is", " Paris"],
                "token_logprobs": [null, -9.6, -10.46, -11.25, -11.78, -8.61],
                "top_logprobs": [null, {" of": -0.41, " capital": -9.6}, {" the": -1.99, " of": -10.46}, {" is": -0.43, " France": -11.25}, {" Paris": -0.27, " is": -11.78}, {".": -0.38, " Paris": -8.61}],
                "text_offset": [0, 3, 11, 14, 21, 24],
            }})
        };
        // Whether it wrote a word behind the prompt or the end.
        for text in [
            "The capital of France is Paris.",
            "The capital of France is Paris",
        ] {
            let refused = scored(&reply(text), "The capital of France is", " Paris");
            assert!(
                refused.is_err_and(|why| why.contains("one token off")),
                "{text}"
            );
        }
    }

    #[test]
    fn vllms_prompt_logprobs_are_read_by_rank() {
        let entry = |text: &str, logprob: f64, rank: u32| json!({"7": {"logprob": logprob, "rank": rank, "decoded_token": text}, "9": {"logprob": -0.1, "rank": 1, "decoded_token": "x"}});
        let choice =
            json!({"prompt_logprobs": [null, entry(" is", -1.0, 1), entry(" in", -2.0, 2)]});
        let score = scored(&choice, "", " is in").unwrap();
        assert_eq!(
            (score.log_likelihood, score.is_greedy, score.tokens),
            (-3.0, false, 2)
        );
        // A first token that is of the text is what the others leave of it.
        let score = scored(&choice, "He is", " in").unwrap();
        assert_eq!(
            (score.log_likelihood, score.is_greedy, score.tokens),
            (-2.0, false, 1)
        );
        assert!(scored(&choice, "", "He is in").is_err());
    }

    #[test]
    fn a_server_that_does_not_echo_is_said_to_lack_it() {
        let error = scored(&json!({"text": ".", "logprobs": null}), "a", "b").unwrap_err();
        assert!(error.contains("echo"), "{error}");
        let first =
            json!({"logprobs": {"tokens": ["b"], "token_logprobs": [null], "text_offset": [0]}});
        assert!(scored(&first, "", "b").is_err());
    }
}
