//! A text as mentions see it: characters without what writers leave out or vary.
//!
//! NFKC and lower case; no accents on Latin and Greek letters, no points on Hebrew and Arabic ones; one letter for Arabic's and Persian's
//! variants, `е` for `ё`; no zero-width characters.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};

/// Appends the folded form of a cluster: a character with the marks on it.
pub(super) fn push_folded(cluster: &str, out: &mut String) {
    if let [byte] = cluster.as_bytes() {
        out.push(char::from(byte.to_ascii_lowercase()));
        return;
    }
    let mut base = None;
    let plain = cluster.nfkd().filter(|c| {
        if !is_combining_mark(*c) {
            base = Some(*c);
            return !is_invisible(*c);
        }
        keeps(base, *c)
    });
    for c in plain.nfc() {
        for lower in c.to_lowercase() {
            push_letter(lower, out);
        }
    }
}

/// Whether a mark distinguishes letters by what it is on.
fn keeps(base: Option<char>, mark: char) -> bool {
    match (base.map(|b| (b, b.script())), mark) {
        (Some((_, Script::Latin | Script::Greek | Script::Hebrew | Script::Arabic)), _)
        // The accent of dictionaries; Russian's two dots, which print leaves out; Hindi's nukta.
        | (Some((_, Script::Cyrillic)), '\u{300}' | '\u{301}')
        | (Some(('е' | 'Е', _)), '\u{308}')
        | (_, '\u{93C}') => false,
        _ => true,
    }
}

fn push_letter(c: char, out: &mut String) {
    match c {
        'ß' => out.push_str("ss"),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'ø' => out.push('o'),
        'đ' | 'ð' => out.push('d'),
        'ł' => out.push('l'),
        'ı' => out.push('i'),
        'ی' | 'ى' => out.push('ي'),
        'ک' => out.push('ك'),
        'ة' | 'ہ' | 'ۀ' => out.push('ه'),
        'ٱ' => out.push('ا'),
        'ς' => out.push('σ'),
        _ => out.push(c),
    }
}

/// Whether a character takes no place: soft hyphens, joiners, marks of direction, the Arabic stretch.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{640}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::char::is_combining_mark;

    fn folded(text: &str) -> String {
        let mut out = String::new();
        let mut cluster = String::new();
        for c in text.chars() {
            if !is_combining_mark(c) && !cluster.is_empty() {
                push_folded(&cluster, &mut out);
                cluster.clear();
            }
            cluster.push(c);
        }
        push_folded(&cluster, &mut out);
        out
    }

    #[test]
    fn what_writers_vary_is_one_form() {
        for (one, other) in [
            ("Córdoba", "Cordoba"),
            ("İstanbul", "istanbul"),
            ("Straße", "STRASSE"),
            ("расстрелян", "расстре́лян"),
            ("ещё", "еще"),
            ("ＶＸ", "vx"),
            ("أُعْدِمَ", "اعدم"),
            ("کشتار", "كشتار"),
            ("שָׁלוֹם", "שלום"),
            ("학살", "학살"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("й"), folded("и"));
        assert_ne!(folded("ї"), folded("і"));
    }
}
