//! Tokens for overlap scores such as F1.

use super::squad_normalise;

/// Whether a character belongs to a script written without spaces between words (Han, kana, Thai …).
#[must_use]
pub fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{2FA1F}' | '\u{0E00}'..='\u{0E7F}')
}

/// Words of the SQuAD normal form; a character of a script without spaces is a token of its own.
#[must_use]
pub fn answer_tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for word in squad_normalise(text).split(' ').filter(|w| !w.is_empty()) {
        let mut rest = String::new();
        for c in word.chars() {
            if is_cjk(c) {
                if !rest.is_empty() {
                    tokens.push(std::mem::take(&mut rest));
                }
                tokens.push(c.to_string());
            } else {
                rest.push(c);
            }
        }
        if !rest.is_empty() {
            tokens.push(rest);
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn han_characters_are_tokens_and_words_stay_whole() {
        assert_eq!(
            answer_tokens("The year 1989 北京"),
            ["year", "1989", "北", "京"]
        );
    }
}
