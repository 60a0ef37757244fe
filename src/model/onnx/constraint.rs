//! Answers held to a JSON schema: at each token, only those may follow that can still become JSON of the schema.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};
use llguidance::{Matcher, ParserFactory, panic_utils};
use serde_json::{Value, json};

use super::tokenizer::Tokenizer;
use crate::model::{ErrorClass, ModelError};

/// Longer tokens do not fit into the tree of tokens; none is as long that JSON is written with.
const MAX_TOKEN_BYTES: usize = 512;
/// White space between JSON's signs: a space, or a line's end and an indent. Small models do not find an end to it by themselves.
const WHITE_SPACE: &str = r" |\r?\n[ \t]{0,16}";

/// A model's vocabulary as constraints need it.
pub(super) struct Vocabulary {
    parsers: ParserFactory,
}

impl Vocabulary {
    /// That of a tokenizer whose model gives this many logits, if it says how many, and ends answers with one of the end tokens.
    ///
    /// # Errors
    /// [`ErrorClass::Unsupported`] if the tokens cannot be distinguished.
    pub(super) fn new(
        tokenizer: &Tokenizer,
        logits: usize,
        end_tokens: &[u32],
    ) -> Result<Self, ModelError> {
        let size = if logits == 0 {
            tokenizer.size()
        } else {
            logits
        };
        let words: Vec<Vec<u8>> = (0..u32::try_from(size).unwrap_or(0))
            .map(|id| word(tokenizer, id))
            .collect();
        let known = end_tokens.iter().filter(|id| (**id as usize) < size);
        let ends: Vec<TokenId> = known.copied().collect();
        let built = panic_utils::catch_unwind(|| {
            let first = ends.first().copied().unwrap_or(0);
            let info = TokRxInfo::new(u32::try_from(words.len())?, first);
            let mut tree = TokTrie::from(&info, &words);
            if !ends.is_empty() {
                tree = tree.with_eos_tokens(&ends);
            }
            let tokens: TokEnv = Arc::new(Tree(tree));
            let mut parsers = ParserFactory::new_simple(&tokens)?;
            parsers.quiet().limits_mut().verbose_errors = false;
            Ok(parsers)
        });
        match built {
            Ok(parsers) => Ok(Self { parsers }),
            Err(error) => Err(ModelError::new(
                ErrorClass::Unsupported,
                format!(
                    "the model's tokens cannot be held to a JSON schema: {}",
                    line(&error)
                ),
            )),
        }
    }

    /// Holds an answer to a schema.
    ///
    /// # Errors
    /// [`ErrorClass::BadRequest`] if it is not a schema, or has something that an answer cannot be held to.
    pub(super) fn constraint(&self, schema: &Value) -> Result<Constraint, ModelError> {
        let mut schema = schema.clone();
        if let Value::Object(fields) = &mut schema {
            let usual = || json!({"whitespace_pattern": WHITE_SPACE});
            fields.entry("x-guidance").or_insert_with(usual);
        }
        let grammar = TopLevelGrammar::from_json_schema(schema);
        let parser = panic_utils::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.parsers.create_parser(grammar)
        }));
        let matcher = Matcher::new(parser);
        match matcher.get_error() {
            None => Ok(Constraint { matcher }),
            Some(error) => Err(ModelError::new(
                ErrorClass::BadRequest,
                format!(
                    "an answer cannot be held to this JSON schema: {}",
                    line(&error)
                ),
            )),
        }
    }
}

/// What a token represents in JSON. Special tokens represent nothing that is written.
fn word(tokenizer: &Tokenizer, id: u32) -> Vec<u8> {
    let mut bytes = tokenizer.bytes(id);
    if bytes.len() > MAX_TOKEN_BYTES {
        bytes.clear();
    } else if tokenizer.is_special(id) {
        bytes.insert(0, TokTrie::SPECIAL_TOKEN_MARKER);
    }
    bytes
}

/// The first line of an error, which can continue with a backtrace.
fn line(error: &impl ToString) -> String {
    let whole = error.to_string();
    whole.lines().next().unwrap_or_default().to_owned()
}

/// The tree of a vocabulary's tokens. How the tokenizer cuts up a text is not asked: nothing is written that the model did not choose.
struct Tree(TokTrie);

impl TokenizerEnv for Tree {
    fn tok_trie(&self) -> &TokTrie {
        &self.0
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.0.greedy_tokenize(bytes)
    }

    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}

/// What an answer is held to, as far as it is written.
pub(super) struct Constraint {
    matcher: Matcher,
}

impl Constraint {
    /// Rules out the tokens that cannot follow.
    ///
    /// # Errors
    /// [`ErrorClass::Runtime`] if that takes more than it may.
    pub(super) fn mask(&mut self, logits: &mut [f32]) -> Result<(), ModelError> {
        let allowed = self.matcher.compute_mask_or_eos().map_err(|e| failed(&e))?;
        for (id, logit) in (0..).zip(logits) {
            if (id as usize) >= allowed.len() || !allowed.is_allowed(id) {
                *logit = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }

    /// Takes a token of the answer. Gives whether the answer is whole and nothing can follow.
    ///
    /// # Errors
    /// [`ErrorClass::Runtime`] if it is one that was ruled out.
    pub(super) fn take(&mut self, token: u32) -> Result<bool, ModelError> {
        self.matcher.consume_token(token).map_err(|e| failed(&e))?;
        Ok(self.matcher.is_stopped())
    }
}

fn failed(error: &impl ToString) -> ModelError {
    let why = line(error);
    ModelError::new(
        ErrorClass::Runtime,
        format!("the answer could not be held to its JSON schema: {why}"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use std::path::Path;

    use super::super::folder::{ModelFiles, Wanted};
    use super::super::likelihood::argmax;
    use super::super::{Device, Tokenizer};
    use super::*;

    /// A model of the fixtures.
    pub(in crate::model::onnx) fn fixture() -> ModelFiles {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");
        let wanted = Wanted {
            file: None,
            rounding: None,
            device: Device::Cpu,
        };
        let folder = Path::new(models).join("llama-optimum");
        ModelFiles::read(&folder, &wanted).unwrap()
    }

    /// The vocabulary of the fixtures, and their tokenizer.
    fn vocabulary() -> (Vocabulary, Tokenizer) {
        let files = fixture();
        let tokenizer = Tokenizer::new(&files).unwrap();
        let vocabulary = Vocabulary::new(&tokenizer, 0, &files.end_tokens).unwrap();
        (vocabulary, tokenizer)
    }

    /// What is written where tokens are as good as drawn by lot.
    fn written(
        vocabulary: &Vocabulary,
        tokenizer: &Tokenizer,
        schema: &Value,
        seed: u64,
    ) -> String {
        let mut constraint = vocabulary.constraint(schema).unwrap();
        let (mut state, mut tokens) = (seed, Vec::new());
        loop {
            let mut logits: Vec<f32> = (0..tokenizer.size())
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    f32::from(u16::try_from(state >> 48).unwrap())
                })
                .collect();
            constraint.mask(&mut logits).unwrap();
            let token = argmax(&logits);
            assert!(logits[token as usize].is_finite());
            if tokenizer.is_special(token) {
                break;
            }
            tokens.push(token);
            if constraint.take(token).unwrap() || tokens.len() > 2000 {
                break;
            }
        }
        tokenizer.decode(&tokens).unwrap()
    }

    #[test]
    fn whatever_a_model_would_say_it_says_json_of_the_schema() {
        let (vocabulary, tokenizer) = vocabulary();
        let schema = json!({
            "type": "object",
            "properties": {
                "label": {"enum": ["yes", "no", "北京"]},
                "score": {"type": "integer", "minimum": 0, "maximum": 10},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "maxItems": 2},
            },
            "$defs": {"part": {"type": "object", "properties": {"is": {"type": "boolean"}}, "required": ["is"], "additionalProperties": false}},
            "required": ["label", "score", "parts"],
            "additionalProperties": false,
        });
        for seed in 0..12 {
            let text = written(&vocabulary, &tokenizer, &schema, seed);
            let value: Value =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            let fields = value.as_object().unwrap();
            assert_eq!(fields.len(), 3, "{text}");
            assert!(
                ["yes", "no", "北京"].contains(&value["label"].as_str().unwrap()),
                "{text}"
            );
            assert!(
                value["score"]
                    .as_i64()
                    .is_some_and(|s| (0..=10).contains(&s)),
                "{text}"
            );
            let parts = value["parts"].as_array().unwrap();
            assert!(
                parts.len() <= 2 && parts.iter().all(|p| p["is"].is_boolean()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_schema_that_cannot_be_held_to_is_an_error_whatever_it_is() {
        let (vocabulary, _) = vocabulary();
        let mut deep = json!({"type": "string"});
        for _ in 0..120 {
            deep = json!({"type": "array", "items": deep, "minItems": 1});
        }
        for (schema, is_wrong) in [
            (json!({"type": "nothing of the kind"}), true),
            (json!({"$ref": "#/$defs/nowhere"}), true),
            (json!({"$ref": "https://example.com/x.json"}), true),
            (json!({"type": "string", "pattern": "(((("}), true),
            (
                json!({"allOf": [{"type": "string"}, {"type": "number"}]}),
                true,
            ),
            (json!(7), true),
            (json!({"$ref": "#"}), false),
            (
                json!({"type": "string", "pattern": "(a{1,1000}){1,1000}"}),
                false,
            ),
            (json!({"type": "array", "items": {"$ref": "#"}}), false),
            (deep, false),
            (json!({"type": "object"}), false),
            (json!({}), false),
        ] {
            match vocabulary.constraint(&schema) {
                Err(error) => {
                    assert_eq!(error.class, ErrorClass::BadRequest);
                    assert!(error.message.contains("schema"), "{error}");
                    assert!(!error.message.contains('\n'), "{error}");
                }
                Ok(mut constraint) => {
                    assert!(!is_wrong, "{schema}");
                    let _ = constraint.mask(&mut [0.0; 300]);
                }
            }
        }
    }
}
