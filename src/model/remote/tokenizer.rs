//! The tokenizer of a model behind an endpoint, where it is on this machine: counts before a run are then exact.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tokenizers::Tokenizer;

use crate::model::error::files_error;
use crate::model::{ModelError, ModelSpec, hub};

const FILE: &str = "tokenizer.json";

/// A tokenizer that is read when it is first needed.
pub(super) struct LocalTokenizer {
    path: Option<PathBuf>,
    read: OnceLock<Option<Tokenizer>>,
}

impl LocalTokenizer {
    /// That of `?tokenizer=PATH`, a file or its folder; else, of a model called `owner/name`, the one in the Hugging Face hub's cache.
    ///
    /// # Errors
    /// [`ErrorClass::Files`](crate::model::ErrorClass::Files) if the path that was named leads to no file.
    pub(super) fn of(spec: &ModelSpec, model: &str) -> Result<Self, ModelError> {
        let path = match spec.options.get("tokenizer") {
            Some(named) => {
                let named = Path::new(named);
                let file = if named.is_dir() {
                    named.join(FILE)
                } else {
                    named.to_path_buf()
                };
                if !file.is_file() {
                    let file = file.display();
                    return Err(files_error(format!("{spec}: there is no tokenizer {file}")));
                }
                Some(file)
            }
            None if model.contains('/') => hub::cached(model).map(|folder| folder.join(FILE)),
            None => None,
        };
        Ok(Self {
            path: path.filter(|path| path.is_file()),
            read: OnceLock::new(),
        })
    }

    /// The tokens of a text, without those that a chat puts around it.
    pub(super) fn count(&self, text: &str) -> Option<u64> {
        let path = self.path.as_ref()?;
        let tokenizer = self.read.get_or_init(|| {
            let mut tokenizer = Tokenizer::from_file(path)
                .inspect_err(|e| tracing::warn!("{} cannot be read: {e}", path.display()))
                .ok()?;
            tokenizer.with_padding(None);
            tokenizer.with_truncation(None).ok()?;
            Some(tokenizer)
        });
        let encoded = tokenizer.as_ref()?.encode_fast(text, false).ok()?;
        Some(encoded.len() as u64)
    }
}
