//! Words and characters that multiply the number before them: thousand, Mio., 万, लाख.

use super::convention::Convention;
use super::digits::digit;
use super::han::is_more;
use super::mantissa::{self, Read};
use crate::text::announce::{hangul, lower, unspaced, word_at};

/// Words by what they multiply with, in lower case; one that ends in `*` may have an ending.
const WORDS: &[(f64, &str)] = &[
    (1e2, "hundred सौ"),
    (
        1e3,
        "k thousand tausend mille mil mila duizend tusen tuhatta bin ribu nghìn ngàn tys tysiąc* tysięc* тыс тысяч* ألف \
        الف آلاف ألفا ألفًا هزار ہزار हज़ार हजार হাজার אלף אלפים ஆயிரம் వేల వేలు હજાર ಸಾವಿರ ആയിരം 천 ezer elfu тисяч* χιλιάδες hiljad* хиљад* ሺ ሺህ",
    ),
    (1e4, "만"),
    (
        1e5,
        "lakh* lac लाख লাখ লক্ষ لاکھ லட்சம் లక్షల లక్ష લાખ ಲಕ್ಷ ലക്ഷം laki",
    ),
    (
        1e6,
        "million millions mio millionen millón millones milhão milhões milione milioni miljoen miljon miljoner \
        millioner miljoonaa milyon juta triệu milion* млн миллион* мільйон* مليون مليونا مليونًا ملايين میلیون ملین מיליון εκατομμύρια मिलियन মিলিয়ন மில்லியன் 백만 milioane milijun* мільён* ሚሊዮን",
    ),
    (1e7, "crore* करोड़ करोड কোটি کروڑ கோடி కోట్ల కోట్లు કરોડ"),
    (1e8, "억"),
    (
        1e9,
        "billion billions bn mrd milliarde milliarden milliard milliards miliardo miliardi bilhão bilhões miljard \
        miljarder miljardia milyar miliar tỷ tỉ miliard* млрд миллиард* мільярд* مليار مليارات میلیارد ارب अरब מיליארד miliarde",
    ),
    (
        1e12,
        "trillion trillions billón billones تريليون трлн триллион* 조",
    ),
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
    ("ร้อย", 1e2),
    ("ລ້ານ", 1e6),
    ("ແສນ", 1e5),
    ("ໝື່ນ", 1e4),
    ("ຫມື່ນ", 1e4),
    ("ພັນ", 1e3),
    ("ကုဋေ", 1e7),
    ("သန်း", 1e6),
    ("သိန်း", 1e5),
    ("သောင်း", 1e4),
    ("ထောင်", 1e3),
    ("លាន", 1e6),
    ("សែន", 1e5),
    ("ម៉ឺន", 1e4),
    ("ពាន់", 1e3),
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

/// The value times the words that multiply it, and where they end; smaller parts that follow add up: 3万5千, 1만 4천, "125 bin 500",
/// "2 lakh 50 thousand".
pub(super) fn scaled(text: &str, value: f64, at: usize, money: bool) -> (f64, usize) {
    let more = text[at..]
        .chars()
        .next()
        .filter(|c| is_more(*c))
        .map(|c| at + c.len_utf8());
    let over = more
        .and_then(|from| multiplier(text, from, false).filter(|_| !text[from..].starts_with(' ')));
    let Some((mut end, first)) = over.or_else(|| multiplier(text, at, money)) else {
        return (value, at);
    };
    let mut total = value * first;
    if let Some((after, more)) = multiplier(text, end, false) {
        (total, end) = (total * more, after);
    }
    let mut least = first;
    while let Some((part, scale, after)) = smaller_part(text, end, least) {
        (total, end, least) = (total + part * scale, after, scale);
        if scale == 1.0 {
            break;
        }
    }
    (total, end)
}

/// The part of a number that follows its multiplier, what multiplies it in turn, and where it ends.
fn smaller_part(text: &str, at: usize, least: f64) -> Option<(f64, f64, usize)> {
    let before = text[..at].chars().next_back()?;
    let start = at + usize::from(text[at..].starts_with(' '));
    let is_apart = start > at;
    digit(text[start..].chars().next()?)?;
    let Read::Number(part) = mantissa::read(text, start, &Convention::point()) else {
        return None;
    };
    if !part.integral || part.value >= least {
        return None;
    }
    if let Some((after, scale)) =
        multiplier(text, part.end, false).filter(|(_, scale)| *scale < least)
    {
        return Some((part.value, scale, after));
    }
    // A number without a multiplier is another number, unless the language writes so.
    let joined = if is_apart {
        hangul(before) || text[..at].ends_with(" bin")
    } else {
        !before.is_ascii() && before.is_alphabetic()
    };
    joined.then_some((part.value, 1.0, part.end))
}
