//! Years among numbers: "in 1989" is within 200 to 10,000, and counts nobody.

use std::ops::Range;

use crate::text::{head, is_cjk};

/// Characters before a number and behind it that are looked at.
const CONTEXT_CHARACTERS: usize = 16;

/// What makes a bare number of four digits a count when it is right before it.
const COUNTING: &[&str] = &[
    "about",
    "some",
    "over",
    "than",
    "nearly",
    "almost",
    "least",
    "approximately",
    "around",
    "roughly",
    "estimated",
    "killed",
    "to",
    "etwa",
    "rund",
    "über",
    "mindestens",
    "fast",
    "ungefähr",
    "environ",
    "quelque",
    "moins",
    "plus",
    "unos",
    "unas",
    "cerca",
    "más",
    "mais",
    "menos",
    "около",
    "более",
    "почти",
    "свыше",
    "примерно",
    "близько",
    "понад",
    "майже",
    "yaklaşık",
    "sekitar",
    "lebih",
    "khoảng",
    "hơn",
    "حوالي",
    "نحو",
    "حدود",
    "लगभग",
    "करीब",
    "约",
    "約",
    "超过",
    "超過",
    "近",
];

/// What makes it a count when it is right behind it.
const COUNTED: &[&str] = &[
    "people",
    "person",
    "dead",
    "deaths",
    "civilian",
    "men",
    "women",
    "children",
    "prisoner",
    "soldier",
    "victim",
    "protest",
    "student",
    "detain",
    "killed",
    "bodies",
    "menschen",
    "tote",
    "personen",
    "opfer",
    "zivilist",
    "personnes",
    "morts",
    "civils",
    "victimes",
    "personas",
    "muertos",
    "muertes",
    "víctimas",
    "civiles",
    "pessoas",
    "mortos",
    "mortes",
    "человек",
    "погибш",
    "людей",
    "жертв",
    "убит",
    "осіб",
    "загибл",
    "kişi",
    "orang",
    "người",
    "شخص",
    "قتيل",
    "نفر",
    "کشته",
    "लोग",
    "افراد",
    "人",
    "名",
    "多",
    "余",
    "餘",
    "至",
    "到",
    "以上",
    "位",
    "명",
    "여명",
    "여 명",
    "คน",
    "ราย",
];

/// What makes it a year whatever is behind it.
const DATING: &[&str] = &[
    "in",
    "since",
    "until",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "im jahr",
    "seit",
    "en",
    "depuis",
    "desde",
    "em",
    "в",
    "с",
    "у",
    "з",
    "pada tahun",
    "năm",
    "عام",
    "سنة",
    "سال",
    "में",
    "ในปี",
    "ปี",
];

/// Whether a number looks like a year: four digits from 1800 to 2099 without separators, and no word next to it by which it counts.
pub(super) fn is_like_a_year(text: &str, span: Range<usize>, value: f64) -> bool {
    if value.fract() != 0.0 || !(1800.0..2100.0).contains(&value) {
        return false;
    }
    let written = text.get(span.clone()).unwrap_or_default();
    if written.chars().count() != 4 {
        return false;
    }
    let near = |c: (usize, char)| c.0;
    let start = text[..span.start]
        .char_indices()
        .rev()
        .take(CONTEXT_CHARACTERS)
        .last();
    let before = text[start.map_or(span.start, near)..span.start].trim_end();
    let after = head(text[span.end..].trim_start(), CONTEXT_CHARACTERS).to_lowercase();
    let before = before.to_lowercase();
    let word_before = |w: &&str| {
        let rest = before.strip_suffix(*w);
        rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphabetic() && !is_cjk(c)))
    };
    DATING.iter().any(&word_before)
        || !COUNTING.iter().any(&word_before) && !COUNTED.iter().any(|w| after.starts_with(w))
}
