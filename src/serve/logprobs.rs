//! Log-probabilities of tokens, as the two forms of the API write them.

use serde_json::{Map, Value, json};

use crate::model::{ScoredToken, Token};

/// A token as text. Half a character is written as its bytes, so that tokens which differ never look the same.
fn spelled(token: &Token) -> String {
    use std::fmt::Write as _;
    std::str::from_utf8(&token.bytes).map_or_else(
        |_| {
            let mut shown = "bytes:".to_owned();
            for byte in &token.bytes {
                let _ = write!(shown, "\\x{byte:02x}");
            }
            shown
        },
        str::to_owned,
    )
}

/// `choices[].logprobs` of a chat completion: of the tokens that are part of it.
pub(super) fn of_chat(tokens: &[ScoredToken], listed: usize) -> Value {
    let entry = |token: &Token, log: Option<f64>| json!({"token": spelled(token), "logprob": log, "bytes": token.bytes});
    let content = tokens.iter().filter(|scored| !scored.ends).map(|scored| {
        let mut content = entry(&scored.token, scored.log_probability);
        let top = scored.likeliest.iter().take(listed);
        content["top_logprobs"] = top.map(|(token, log)| entry(token, Some(*log))).collect();
        content
    });
    json!({"content": content.collect::<Value>(), "refusal": null})
}

/// `choices[].logprobs` of a text completion: four lists of the same length. A token's own probability stands among the likeliest, whether it is one or
/// not, as clients expect that compare the two.
pub(super) fn of_text<'t>(tokens: impl Iterator<Item = &'t ScoredToken>, listed: usize) -> Value {
    let (mut texts, mut logs, mut tops, mut offsets) = (vec![], vec![], vec![], vec![]);
    for scored in tokens {
        let own = spelled(&scored.token);
        tops.push(scored.log_probability.map_or(Value::Null, |log| {
            let top = scored.likeliest.iter().take(listed);
            let mut listed: Map<String, Value> = top
                .map(|(token, log)| (spelled(token), json!(log)))
                .collect();
            listed.insert(own.clone(), json!(log));
            Value::Object(listed)
        }));
        texts.push(own);
        logs.push(scored.log_probability);
        offsets.push(scored.start);
    }
    json!({"tokens": texts, "token_logprobs": logs, "top_logprobs": tops, "text_offset": offsets})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: u32, bytes: &[u8]) -> Token {
        Token {
            id,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn halves_of_a_character_are_told_apart_and_the_own_token_is_listed() {
        let halves = [b"\xe4\xb8".as_slice(), b"\xe4\xb9"].map(|b| token(1, b));
        let scored = ScoredToken {
            token: halves[0].clone(),
            log_probability: Some(-2.0),
            likeliest: vec![(halves[1].clone(), -0.5), (token(2, b" a"), -1.0)],
            start: 3,
            ends: false,
        };
        let first = ScoredToken {
            token: token(3, b"<s>"),
            log_probability: None,
            likeliest: Vec::new(),
            start: 0,
            ends: false,
        };
        let written = of_text([&first, &scored].into_iter(), 1);
        assert_eq!(
            written,
            json!({"tokens": ["<s>", "bytes:\\xe4\\xb8"], "token_logprobs": [null, -2.0],
                "top_logprobs": [null, {"bytes:\\xe4\\xb9": -0.5, "bytes:\\xe4\\xb8": -2.0}], "text_offset": [0, 3]})
        );
        let chat = of_chat(&[scored], 2);
        assert_eq!(chat["content"][0]["bytes"], json!([0xe4, 0xb8]));
        assert_eq!(chat["content"][0]["top_logprobs"][1]["token"], " a");
    }
}
