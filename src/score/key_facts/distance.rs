//! How far apart words are.

use crate::text::is_cjk;

/// So many words, or characters in scripts without spaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Distance {
    pub words: usize,
    pub characters: usize,
}

impl Distance {
    /// Whether no more than this is between two words, and nothing that ends a clause.
    pub(super) fn holds(self, between: &str) -> bool {
        if between.contains(CLOSED) {
            return false;
        }
        self.fits(between)
    }

    /// Whether a text is no longer than this.
    pub(super) fn fits(self, text: &str) -> bool {
        if text.chars().any(is_unspaced) {
            return text.chars().count() <= self.characters;
        }
        text.split_whitespace().count() <= self.words
    }
}

const CLOSED: [char; 20] = [
    ',', '.', ';', ':', '\n', '，', '。', '；', '、', '：', '،', '؛', '।', '။', '!', '?', '！',
    '？', '—', '–',
];

/// Whether a character is of a script that puts no spaces between words.
pub(super) fn is_unspaced(c: char) -> bool {
    is_cjk(c)
        || matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}')
}
