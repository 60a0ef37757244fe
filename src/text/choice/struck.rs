//! What an answer strikes out: it is taken back.

use std::borrow::Cow;

/// How a passage is struck out in Markdown, HTML and LaTeX.
const STRIKES: &[(&str, &str)] = &[
    ("~~", "~~"),
    ("<s>", "</s>"),
    ("<del>", "</del>"),
    ("<strike>", "</strike>"),
    ("\\cancel{", "}"),
    ("\\xcancel{", "}"),
    ("\\sout{", "}"),
    ("\\st{", "}"),
];

/// A text without the passages that are struck out, each on one line.
pub(super) fn without_struck(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(next) = text[at..].find(['~', '<', '\\']) {
        at += next;
        match struck(&text[at..]) {
            Some(length) => {
                kept.push_str(&text[from..at]);
                // What stood on its two sides is not joined to one word.
                kept.push(' ');
                at += length;
                from = at;
            }
            // A run of tildes is looked at once.
            None => at += text[at..].bytes().take_while(|b| *b == b'~').count().max(1),
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[from..]);
    Cow::Owned(kept)
}

/// Longer passages, in bytes, are not looked for.
const MAX_BYTES: usize = 500;

/// The length of the struck passage that a text begins with.
fn struck(text: &str) -> Option<usize> {
    let (open, close) = STRIKES.iter().find(|(open, _)| text.starts_with(open))?;
    let inner = &text[open.len()..];
    let inner = &inner[..inner.floor_char_boundary(MAX_BYTES)];
    let end = inner.find(close)?;
    let passage = &inner[..end];
    let tight = passage.trim() == passage
        && !passage.starts_with('~')
        && !inner[end + close.len()..].starts_with('~');
    (!passage.is_empty() && !passage.contains('\n') && (tight || *open != "~~"))
        .then_some(open.len() + end + close.len())
}

#[cfg(test)]
mod tests {
    use super::without_struck;

    #[test]
    fn struck_passages_are_left_out() {
        for (text, kept) in [
            ("~~A~~ B", "  B"),
            ("<del>A</del> B", "  B"),
            ("$\\cancel{A}$ B", "$ $ B"),
            ("~~A) the baker~~\nB", " \nB"),
            ("~~~\nA\n~~~", "~~~\nA\n~~~"),
            ("ok ~~ A ~~", "ok ~~ A ~~"),
            ("~~A\nB~~", "~~A\nB~~"),
            ("5 ~ 6, <b>A</b>", "5 ~ 6, <b>A</b>"),
        ] {
            assert_eq!(without_struck(text), kept, "{text}");
        }
    }
}
