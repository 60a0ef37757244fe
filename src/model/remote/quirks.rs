//! What a server takes otherwise than most do, as data. Whatever a server refuses besides is learned from its errors.

/// Whether a server holds an answer to a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// To a JSON schema.
    Json,
    /// To JSON, of no schema.
    AnyJson,
}

/// What a server takes otherwise than most do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quirks {
    /// The name of the limit of tokens.
    pub max_tokens: &'static str,
    /// The name of the seed, where it takes one.
    pub seed: Option<&'static str>,
    /// How it is asked for JSON.
    pub schema: Schema,
    /// Whether it takes `stream_options`; one that does not counts tokens in its streams anyway.
    pub stream_options: bool,
    /// Whether it takes `top_k`, which is not of OpenAI's API.
    pub top_k: bool,
    /// Beginnings of names of models that take neither temperature nor top-p.
    pub fixed_sampling: &'static [&'static str],
    /// Whether a request can name the upstream that is to serve it (`?route=NAME`).
    pub routes: bool,
    /// Why it takes no batches although its API has a form of them elsewhere, and what to do instead.
    pub no_batches: Option<&'static str>,
}

/// What most servers take: those that run open weights (vLLM, `SGLang`, llama.cpp) take `top_k` too.
pub(super) const COMMON: Quirks = Quirks {
    max_tokens: "max_tokens",
    seed: Some("seed"),
    schema: Schema::Json,
    stream_options: true,
    top_k: true,
    fixed_sampling: &[],
    routes: false,
    no_batches: None,
};

/// What OpenAI's API has, and nothing alongside it.
pub(super) const NARROW: Quirks = Quirks {
    top_k: false,
    ..COMMON
};

impl Quirks {
    /// Whether a model takes temperature and top-p. A fine-tuned model is called `ft:` and the name of what it was.
    pub(super) fn samples(&self, model: &str) -> bool {
        let name = model.strip_prefix("ft:").unwrap_or(model);
        !self.fixed_sampling.iter().any(|f| name.starts_with(f))
    }
}
