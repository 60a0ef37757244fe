//! The model's own tokenizer, from `tokenizer.json`.

use serde_json::Value;
use tokenizers::DecoderWrapper;

use super::files_error;
use super::folder::ModelFiles;
use crate::model::{ErrorClass, ModelError};

pub(super) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The beginning-of-sequence token that `tokenizer_config.json` asks for.
    begin: Option<u32>,
    /// What an empty context is replaced by, so that the first token has something to follow.
    prefix: Option<u32>,
    /// Whether its vocabulary is one of bytes, written as characters.
    byte_level: bool,
}

impl Tokenizer {
    pub(super) fn new(files: &ModelFiles) -> Result<Self, ModelError> {
        let mut inner = tokenizers::Tokenizer::from_bytes(&files.tokenizer)
            .map_err(|e| files_error(format!("tokenizer.json cannot be read: {e}")))?;
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|e| files_error(format!("tokenizer.json: {e}")))?;
        let config = &files.tokenizer_config;
        let id = |name: &str| token_text(config.get(name)?).and_then(|t| inner.token_to_id(t));
        let begin = id("bos_token")
            .filter(|_| config.get("add_bos_token").and_then(Value::as_bool) == Some(true));
        let prefix = id("bos_token")
            .or_else(|| id("eos_token"))
            .or_else(|| files.end_tokens.first().copied());
        Ok(Self {
            byte_level: inner.get_decoder().is_some_and(is_byte_level),
            inner,
            begin,
            prefix,
        })
    }

    /// Holds the vocabulary against a graph's. Special tokens that were added on top may exceed it: models that were cut out of larger ones, as Gemma 3
    /// 1B is, have such.
    ///
    /// # Errors
    /// [`ErrorClass::Files`] if the tokenizer belongs to another model.
    pub(super) fn must_fit(&self, vocabulary: usize) -> Result<(), ModelError> {
        let own = self.inner.get_vocab_size(false);
        if vocabulary == 0 || own <= vocabulary {
            return Ok(());
        }
        Err(files_error(format!(
            "tokenizer.json has {own} tokens, but the model only {vocabulary}: they do not belong together"
        )))
    }

    /// Token ids of a text; with `special`, those that the tokenizer puts around a text of its own (a beginning token).
    pub(super) fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, ModelError> {
        let encoding = self.inner.encode_fast(text, special).map_err(|e| {
            ModelError::new(ErrorClass::Runtime, format!("the tokenizer failed: {e}"))
        })?;
        let mut ids = encoding.get_ids().to_vec();
        if let Some(begin) = self.begin.filter(|b| special && ids.first() != Some(b)) {
            ids.insert(0, begin);
        }
        Ok(ids)
    }

    /// Context and continuation as tokens, split where the context's own tokens end.
    ///
    /// The two are encoded together, so that a token may not straddle the border unseen; white space at the context's end
    /// goes with the continuation (as in lm-evaluation-harness, `TemplateLM._encode_pair`).
    pub(super) fn encode_pair(
        &self,
        context: &str,
        continuation: &str,
        special: bool,
    ) -> Result<(Vec<u32>, Vec<u32>), ModelError> {
        let bare = context.trim_end();
        let continuation = format!("{}{continuation}", &context[bare.len()..]);
        let mut whole = self.encode(&format!("{bare}{continuation}"), special)?;
        let own = self.encode(bare, special)?.len().min(whole.len());
        let rest = whole.split_off(own);
        if whole.is_empty() {
            whole.extend(self.prefix);
        }
        Ok((whole, rest))
    }

    /// Token ids of a text of its own, and how many of them the tokenizer put before it.
    pub(super) fn encode_whole(&self, text: &str) -> Result<(Vec<u32>, usize), ModelError> {
        let ids = self.encode(text, true)?;
        let bare = self.encode(text, false)?;
        let put = (0..=ids.len()).find(|n| ids[*n..].starts_with(&bare));
        Ok((ids, put.unwrap_or(0)))
    }

    /// What a token represents, wherever it is.
    pub(super) fn bytes(&self, id: u32) -> Vec<u8> {
        let Some(token) = self.inner.id_to_token(id) else {
            return Vec::new();
        };
        if self
            .inner
            .get_added_vocabulary()
            .simple_id_to_token(id)
            .is_some()
        {
            return token.into_bytes();
        }
        if self.byte_level {
            let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
            return bytes.unwrap_or_else(|| token.into_bytes());
        }
        let byte = token.strip_prefix("<0x").and_then(|t| t.strip_suffix('>'));
        match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => vec![byte],
            None => token.replace('\u{2581}', " ").into_bytes(),
        }
    }

    /// Tokens that it knows, special ones included.
    pub(super) fn size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Whether a token is no part of a text: a special one, or one that was added in angle brackets.
    pub(super) fn is_special(&self, id: u32) -> bool {
        let added = self.inner.get_added_vocabulary();
        added.simple_id_to_token(id).is_some_and(|token| {
            added.is_special_token(&token) || (token.starts_with('<') && token.ends_with('>'))
        })
    }

    /// The text of token ids; special tokens are spelled out if they are to be shown.
    pub(super) fn spelled(&self, ids: &[u32], special: Special) -> Result<String, ModelError> {
        self.inner
            .decode(ids, special == Special::LeftOut)
            .map_err(|e| ModelError::new(ErrorClass::Runtime, format!("the tokenizer failed: {e}")))
    }

    /// The text of token ids, special tokens left out.
    pub(super) fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.spelled(ids, Special::LeftOut)
    }
}

/// What becomes of special tokens in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    LeftOut,
    SpelledOut,
}

/// A text by its tokens, one after the other. A character that several tokens share comes with the last of them.
pub(super) struct Spelling<'a> {
    tokenizer: &'a Tokenizer,
    special: Special,
    ids: Vec<u32>,
    /// Where what is decoded again begins, and up to where it was handed out: how a token is spelled depends on what is before it.
    window: (usize, usize),
}

impl<'a> Spelling<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer, special: Special) -> Self {
        Self {
            tokenizer,
            special,
            ids: Vec::new(),
            window: (0, 0),
        }
    }

    /// What a token adds to the text.
    pub(super) fn add(&mut self, id: u32) -> Result<String, ModelError> {
        self.ids.push(id);
        let (from, to) = self.window;
        let before = self.tokenizer.spelled(&self.ids[from..to], self.special)?;
        let now = self.tokenizer.spelled(&self.ids[from..], self.special)?;
        match now.strip_prefix(before.as_str()) {
            Some(new) if !new.is_empty() && !new.ends_with(char::REPLACEMENT_CHARACTER) => {
                self.window = (to, self.ids.len());
                Ok(new.to_owned())
            }
            _ => Ok(String::new()),
        }
    }
}

/// The byte that a character of a byte-level vocabulary represents: GPT-2's table, in which the bytes without a printable character of their own
/// take those from 256 on.
fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    let printable = |b: &u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if let Ok(byte) = u8::try_from(code) {
        printable(&byte).then_some(byte)
    } else {
        let place = usize::try_from(code - 256).ok()?;
        (0..=u8::MAX).filter(|b| !printable(b)).nth(place)
    }
}

/// Whether a decoder turns a byte-level vocabulary's characters into bytes.
fn is_byte_level(decoder: &DecoderWrapper) -> bool {
    match decoder {
        DecoderWrapper::ByteLevel(_) => true,
        DecoderWrapper::Sequence(parts) => parts.get_decoders().iter().any(is_byte_level),
        _ => false,
    }
}

/// A special token is a string, or an object with its content.
pub(super) fn token_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::byte_of;

    #[test]
    fn a_byte_level_vocabulary_stands_for_bytes() {
        // As GPT-2's tokenizer writes a space, a line feed, and the two bytes of é.
        for (character, byte) in [
            ('Ġ', b' '),
            ('Ċ', b'\n'),
            ('A', b'A'),
            ('Ã', 0xC3),
            ('©', 0xA9),
            ('ł', 0xA0),
            ('Ń', 0xAD),
        ] {
            assert_eq!(byte_of(character), Some(byte), "{character}");
        }
        assert_eq!(byte_of('北'), None);
    }
}
