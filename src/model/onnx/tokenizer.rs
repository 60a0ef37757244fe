//! The model's own tokenizer, from `tokenizer.json`.

use serde_json::Value;

use super::files_error;
use super::folder::ModelFiles;
use crate::model::{ErrorClass, ModelError};

pub(super) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The beginning-of-sequence token that `tokenizer_config.json` asks for.
    begin: Option<u32>,
    /// What an empty context is replaced by, so that the first token has something to follow.
    prefix: Option<u32>,
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

    /// The text of token ids, special tokens left out.
    pub(super) fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.inner
            .decode(ids, true)
            .map_err(|e| ModelError::new(ErrorClass::Runtime, format!("the tokenizer failed: {e}")))
    }
}

/// A special token is a string, or an object with its content.
pub(super) fn token_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}
