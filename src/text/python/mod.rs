//! What other harnesses, written in Python, mean by text: how a value reads as a string, which characters are white space, what a pattern
//! matches.

mod pattern;
mod show;
mod space;

pub(crate) use pattern::{Pattern, PatternError, regex};
pub(crate) use show::show;
pub(crate) use space::{is_digits, is_space, strip};
