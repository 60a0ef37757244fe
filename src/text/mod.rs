//! Text as scorers see it (normal forms, tokens, numbers), and errors in what a person wrote. Pure functions over strings.

mod announce;
mod boxed;
mod choice;
mod instead;
mod language;
mod mention;
mod near;
mod normalise;
mod number;
mod python;
mod script;
mod source_error;
mod tokens;
mod visible;

pub(crate) use announce::unspaced;
pub use choice::{answer_choice, named_choice};
pub use instead::instead;
pub use language::{asked_language, language};
pub use mention::{Mention, MentionError, Met, Passage};
pub use near::{Grams, Phrases, Signature, group_alike, near_duplicates};
pub use normalise::{excerpt, fold, head, hex, squad_normalise, squash_whitespace};
pub use number::{Number, answer_number, numbers};
pub(crate) use python::{
    Pattern as PythonPattern, PatternError as PythonPatternError, is_digits, is_space,
    regex as python_regex, show as python_text, strip as python_strip,
};
pub use script::{collisions, main_script};
pub use source_error::SourceError;
pub use tokens::{answer_tokens, is_cjk};
pub use visible::{visible, visible_line};
