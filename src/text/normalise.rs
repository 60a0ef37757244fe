//! Normal forms under which two answers count as the same.

use unicode_normalization::UnicodeNormalization;

/// NFKC, lower case, white space squashed: what "the same words" means by default.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        // Its own normal form.
        return squash_whitespace(&text.to_ascii_lowercase());
    }
    squash_whitespace(&text.nfkc().collect::<String>().to_lowercase())
}

/// Runs of white space become one space; none at the ends.
#[must_use]
pub fn squash_whitespace(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// SQuAD's normal form (Rajpurkar et al. 2016, official evaluation script): lower case, no punctuation, no English
/// articles, white space squashed. Punctuation of every script counts, not only ASCII.
#[must_use]
pub fn squad_normalise(text: &str) -> String {
    let bare: String = fold(text).chars().filter(|c| !is_punctuation(*c)).collect();
    bare.split_whitespace()
        .filter(|word| !matches!(*word, "a" | "an" | "the"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{FF01}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}' | '¿' | '¡' | '«' | '»' | '،' | '؛' | '؟' | '।')
}

/// The first `most` characters of a text.
#[must_use]
pub fn head(text: &str, most: usize) -> &str {
    // A character is at least one byte: shorter texts need no counting.
    if text.len() <= most {
        return text;
    }
    let end = text
        .char_indices()
        .nth(most)
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// The first `most` characters of a text, on one line.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> String {
    let line = squash_whitespace(text);
    match line.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let pair = |text: String, byte: &u8| text + &format!("{byte:02x}");
    bytes.iter().fold(String::new(), pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_punctuation_and_case_do_not_count() {
        assert_eq!(squad_normalise("  The Eiffel   Tower!"), "eiffel tower");
        assert_eq!(squad_normalise("¿Dónde?"), "dónde");
        assert_eq!(squad_normalise("北京。"), "北京");
    }
}
