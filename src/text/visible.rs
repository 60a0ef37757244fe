//! Foreign text made safe to print: what would move the cursor, reorder the line or hide is written out.

use std::borrow::Cow;

/// The text with every character that a terminal, a browser or an editor would act on instead of showing it written as its code
/// point: control characters (C0, DEL, C1), bidirectional controls (Unicode Standard Annex #9), zero-width and other invisible
/// characters, line and paragraph separators, tags (U+E0000 ff.), interlinear annotations, and lone variation selectors' kin. `ESC` becomes
/// `\u{1b}`. Line feed and tab stay, as does a carriage return before a line feed; joiners between letters of scripts that need
/// them (ZWJ and ZWNJ inside a word, as in Persian, Hindi and emoji) stay too. More than four combining marks on one character are cut
/// to four, so that they cannot run over neighbouring lines.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\t'))
    {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut marks = 0;
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        let shows = match c {
            '\n' | '\t' => true,
            '\r' => next == Some('\n'),
            '\u{200c}' | '\u{200d}' => joins(before) && joins(next),
            _ => !is_invisible(c),
        };
        if !shows {
            shown.extend(c.escape_unicode());
        } else if marks <= MAX_COMBINING_MARKS {
            shown.push(c);
        }
        before = Some(c);
    }
    if shown == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(shown)
    }
}

/// The same on one line: line breaks are written out too.
#[must_use]
pub fn visible_line(text: &str) -> Cow<'_, str> {
    match visible(text) {
        shown if !shown.contains(['\n', '\r']) => shown,
        shown => Cow::Owned(shown.replace('\r', "\\r").replace('\n', "\\n")),
    }
}

/// Stacked marks of one character that are still shown.
const MAX_COMBINING_MARKS: usize = 4;

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_combining_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Whether a joiner next to this character can change how it is written.
fn joins(c: Option<char>) -> bool {
    c.is_some_and(|c| c > '\u{ff}' && !is_invisible(c) && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terminal_sequences_are_written_out() {
        assert_eq!(visible("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(visible("\u{1b}]0;title\u{7}"), "\\u{1b}]0;title\\u{7}");
        assert_eq!(visible("a\rb"), "a\\u{d}b");
        assert_eq!(visible("\u{9b}31m"), "\\u{9b}31m");
    }

    #[test]
    fn reordering_and_hiding_is_written_out() {
        assert_eq!(visible("safe \u{202e}gnp.exe"), "safe \\u{202e}gnp.exe");
        assert_eq!(visible("pass\u{200b}word"), "pass\\u{200b}word");
        assert_eq!(visible("\u{feff}x\u{e0041}"), "\\u{feff}x\\u{e0041}");
        assert_eq!(visible("pay\u{200d}pal"), "pay\\u{200d}pal");
    }

    #[test]
    fn ordinary_text_of_every_script_stays() {
        for text in [
            "Two\nlines\tand a tab\r\n",
            "Grüße, 北京。",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}👩\u{200d}👧",
            "ä́",
        ] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn stacked_marks_are_cut() {
        let zalgo = format!("a{}b", "\u{300}".repeat(60));
        assert_eq!(visible(&zalgo), format!("a{}b", "\u{300}".repeat(4)));
    }

    proptest! {
        #[test]
        fn nothing_that_acts_is_left(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(shown.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r')));
            prop_assert!(!shown.replace("\r\n", "").contains('\r'));
            let line = visible_line(&text);
            let one_line = !line.contains(['\n', '\r', '\u{1b}']);
            prop_assert!(one_line);
        }
    }
}
