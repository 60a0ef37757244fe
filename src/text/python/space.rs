//! White space and digits by Python's definitions.

/// `str.isspace` of one character: Unicode's white space, and the four separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.strip()`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.isdigit()`, for the decimal digits of every script and the superscripts of Latin-1.
pub(crate) fn is_digits(text: &str) -> bool {
    let digit = |c: char| {
        c.is_ascii_digit()
            || "²³¹".contains(c)
            || (!c.is_ascii()
                && c.is_numeric()
                && c.is_alphanumeric()
                && !c.is_alphabetic()
                && !"¼½¾".contains(c))
    };
    !text.is_empty() && text.chars().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separators_of_ascii_are_white_space() {
        assert_eq!(strip("\u{1f} a\u{a0}b \u{85}"), "a\u{a0}b");
        assert!(is_digits("0123") && !is_digits("") && !is_digits("-1") && !is_digits("1.0"));
    }
}
