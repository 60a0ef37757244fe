//! Words and characters that multiply the number before them: thousand, Mio., 万, लाख.

use crate::text::announce::{lower, unspaced, word_at};

/// Words by what they multiply with, in lower case; one that ends in `*` may have an ending.
const WORDS: &[(f64, &str)] = &[
    (1e2, "hundred"),
    (
        1e3,
        "k thousand tausend mille mil mila duizend tusen tuhatta bin ribu nghìn ngàn tys tysiąc* tysięc* тыс тысяч* ألف \
        الف آلاف هزار हज़ार हजार হাজার 천 ezer elfu",
    ),
    (1e4, "만"),
    (1e5, "lakh* lac लाख লাখ লক্ষ"),
    (
        1e6,
        "million millions mio millionen millón millones milhão milhões milione milioni miljoen miljon miljoner \
        millioner miljoonaa milyon juta triệu milion* млн миллион* мільйон* مليون میلیون मिलियन মিলিয়ন 백만 milioane",
    ),
    (1e7, "crore* करोड़ करोड কোটি"),
    (1e8, "억"),
    (
        1e9,
        "billion billions bn mrd milliarde milliarden milliard milliards miliardo miliardi bilhão bilhões miljard \
        miljarder miljardia milyar miliar tỷ tỉ miliard* млрд миллиард* мільярд* مليار میلیارد अरब miliarde",
    ),
    (1e12, "trillion 조"),
];

/// The same where words are not parted by spaces.
const JOINED: &[(&str, f64)] = &[
    ("百万", 1e6),
    ("百萬", 1e6),
    ("千万", 1e7),
    ("千萬", 1e7),
    ("万亿", 1e12),
    ("万", 1e4),
    ("萬", 1e4),
    ("亿", 1e8),
    ("億", 1e8),
    ("百", 1e2),
    ("千", 1e3),
    ("ล้าน", 1e6),
    ("แสน", 1e5),
    ("หมื่น", 1e4),
    ("พัน", 1e3),
];
/// A character that makes a unit of what would be a multiplier: 千克, 百分, 千瓦.
const UNITS: &str = "克米瓦卡字赫帕焦伏安升分";

/// Where a multiplier that begins at `at`, white space before it, ends, and its value. `money` allows M and B, as in "$1.5M".
pub(super) fn multiplier(text: &str, at: usize, money: bool) -> Option<(usize, f64)> {
    let start = text.len()
        - text[at..]
            .trim_start_matches([' ', '\u{a0}', '\u{202f}'])
            .len();
    let first = text[start..].chars().next()?;
    if unspaced(first) {
        let (word, value) = JOINED.iter().find(|(w, _)| text[start..].starts_with(w))?;
        let end = start + word.len();
        let unit = text[end..]
            .chars()
            .next()
            .is_some_and(|c| UNITS.contains(c));
        return (!unit).then_some((end, *value));
    }
    if !first.is_alphabetic() {
        return None;
    }
    let word = word_at(text, start);
    let end = start + word.len();
    match word {
        "M" if money && start == at => return Some((end, 1e6)),
        "B" if money && start == at => return Some((end, 1e9)),
        // A "k" that stands apart is a letter.
        "k" | "K" if start > at => return None,
        _ => {}
    }
    let lowered = lower(word)?;
    // Particles are joined to Korean numerals.
    let korean = lowered.starts_with(['만', '억', '조', '천', '백']);
    let known = WORDS.iter().find_map(|(value, words)| {
        let found = words
            .split(' ')
            .find_map(|known| match known.strip_suffix('*') {
                Some(stem) => lowered.starts_with(stem).then_some(word.len()),
                None if korean => lowered.starts_with(known).then_some(known.len()),
                None => (lowered == known).then_some(word.len()),
            });
        found.map(|length| (start + length, *value))
    });
    // "Mio." and "млн." are written with a full stop, which may end the sentence as well.
    known.filter(|(end, _)| !text[*end..].starts_with('-'))
}
