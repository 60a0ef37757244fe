//! How a mention is written.

use super::clitics::stem;
use super::{Alternative, Mention, Open, Part, Passage, Word};

/// What regular expressions are written with, and phrases are not.
const EXPRESSIONS: [char; 10] = ['\\', '[', ']', '(', ')', '^', '$', '+', '?', '#'];

/// What is wrong with a mention, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, at character {at} of “{written}”")]
pub struct MentionError {
    /// The string that is wrong.
    pub written: String,
    /// From 1.
    pub at: usize,
    /// What is wrong, and what to write.
    pub reason: String,
}

impl Mention {
    /// A mention of its parts, each a list of alternatives with `|` between.
    ///
    /// # Errors
    /// [`MentionError`] at the place that cannot be read.
    pub fn parse<S: AsRef<str>>(parts: &[S]) -> Result<Self, MentionError> {
        if parts.is_empty() {
            return Err(MentionError {
                written: String::new(),
                at: 1,
                reason: "a mention needs at least one string".into(),
            });
        }
        let parts = parts.iter().map(|part| Part::parse(part.as_ref()));
        parts.collect::<Result<_, _>>().map(|parts| Self { parts })
    }
}

impl Part {
    fn parse(written: &str) -> Result<Self, MentionError> {
        let mut at = 0;
        let mut all = Vec::new();
        for alternative in written.split('|') {
            let indent = alternative.len() - alternative.trim_start().len();
            let read = read(alternative.trim()).map_err(|(inside, reason)| MentionError {
                written: written.to_owned(),
                at: written[..at + indent + inside].chars().count() + 1,
                reason,
            });
            all.push(read?);
            at += alternative.len() + 1;
        }
        Ok(Self(all))
    }
}

/// Where something is wrong, in bytes, and what.
type Wrong = (usize, String);

fn read(text: &str) -> Result<Alternative, Wrong> {
    if text.is_empty() {
        return Err((0, "an alternative is empty".into()));
    }
    if let Some(inner) = text.strip_prefix('{') {
        let inner = inner.strip_suffix('}');
        let inner = inner.ok_or((
            text.len(),
            "a number in braces is an alternative of its own: `{120}`".to_owned(),
        ))?;
        return number(inner).map_err(|reason| (1, reason));
    }
    if let Some(at) = text.find(['{', '}']) {
        return Err((
            at,
            "a number in braces is an alternative of its own: put it into another string".into(),
        ));
    }
    if let Some(at) = text.find(EXPRESSIONS) {
        return Err((
            at,
            "a phrase is plain words, not a regular expression".into(),
        ));
    }
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.split([' ', '-']) {
        words.extend(piece_words(piece).map_err(|inside| {
            (
                at + inside,
                "`*` may only be at the beginning or the end of a word".to_owned(),
            )
        })?);
        at += piece.len() + 1;
    }
    if words.is_empty() {
        return Err((0, "a phrase needs a letter".into()));
    }
    if let [only] = words.as_slice()
        && only.text.bytes().all(|b| b.is_ascii_digit())
    {
        return Err((0, format!("write a number in braces: `{{{}}}`", only.text)));
    }
    Ok(Alternative::Phrase(words))
}

/// The words of what is between two spaces.
fn piece_words(piece: &str) -> Result<Vec<Word>, usize> {
    let core = piece.trim_start_matches('*');
    let skipped = piece.len() - core.len();
    let inner = core.trim_end_matches('*');
    if let Some(inside) = inner.find('*') {
        return Err(skipped + inside);
    }
    let passage = Passage::of_words(inner);
    let count = passage.tokens().len();
    let word = |i: usize| {
        let (before, after) = (
            skipped > 0 && i == 0,
            inner.len() < core.len() && i + 1 == count,
        );
        let open = match (before, after) {
            (false, false) => Open::No,
            (false, true) => Open::AtEnd,
            (true, false) => Open::AtBeginning,
            (true, true) => Open::AtBoth,
        };
        let text = passage.word(i);
        let text = if before { text } else { stem(text) };
        Word {
            text: text.to_owned(),
            open,
        }
    };
    Ok((0..count).map(word).collect())
}

fn number(inner: &str) -> Result<Alternative, String> {
    let bound = |text: &str, open: f64| {
        match text.trim() {
        "" => Ok(open),
        text => text.parse().ok().filter(|n: &f64| n.is_finite()).ok_or_else(|| {
            format!("`{text}` is not a number; write digits without separators, as in `{{1000..2500}}`")
        }),
    }
    };
    let (low, high) = match inner.split_once("..") {
        Some((low, high)) if low.trim().is_empty() && high.trim().is_empty() => {
            return Err("a range has a number at one end at least: `{500..}`".into());
        }
        Some((low, high)) => (bound(low, f64::NEG_INFINITY)?, bound(high, f64::INFINITY)?),
        None if inner.trim().is_empty() => return Err("the braces are empty".into()),
        None => (bound(inner, 0.0)?, bound(inner, 0.0)?),
    };
    if low > high {
        return Err("the range ends before it begins".into());
    }
    Ok(Alternative::Number { low, high })
}
