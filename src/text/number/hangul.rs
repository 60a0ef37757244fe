//! Korean numbers in Hangul: 오십만, 삼천오백, 스물다섯, with the counters and particles that are joined to them.

const DIGITS: &[(&str, f64)] = &[
    ("영", 0.0),
    ("공", 0.0),
    ("일", 1.0),
    ("이", 2.0),
    ("삼", 3.0),
    ("사", 4.0),
    ("오", 5.0),
    ("육", 6.0),
    ("륙", 6.0),
    ("칠", 7.0),
    ("팔", 8.0),
    ("구", 9.0),
];
const UNITS: &[(&str, f64)] = &[
    ("십", 1e1),
    ("백", 1e2),
    ("천", 1e3),
    ("만", 1e4),
    ("억", 1e8),
    ("조", 1e12),
];
const NATIVE_TENS: &[(&str, f64)] = &[
    ("열", 10.0),
    ("스물", 20.0),
    ("스무", 20.0),
    ("서른", 30.0),
    ("마흔", 40.0),
    ("쉰", 50.0),
    ("예순", 60.0),
    ("일흔", 70.0),
    ("여든", 80.0),
    ("아흔", 90.0),
];
const NATIVE_ONES: &[(&str, f64)] = &[
    ("하나", 1.0),
    ("한", 1.0),
    ("둘", 2.0),
    ("두", 2.0),
    ("셋", 3.0),
    ("세", 3.0),
    ("넷", 4.0),
    ("네", 4.0),
    ("다섯", 5.0),
    ("여섯", 6.0),
    ("일곱", 7.0),
    ("여덟", 8.0),
    ("아홉", 9.0),
];
/// What may be joined to a number: counters, particles, the copula.
const AFTER: &str = "명 인 개 년 원 달러 유로 엔 월 일 시 분 초 살 세 표 석 마리 대 톤 권 장 곳 건 번 회 층 호 배 퍼센트 프로 킬로 미터 \
    여 이상 이하 에 은 는 이 가 을 를 과 와 의 도 으로 로 입 이다 이며 이고 이에 정도 가량 쯤";

/// The number that a text begins with, and its length.
pub(super) fn leading(text: &str) -> Option<(f64, usize)> {
    let (mut value, mut end, least) = read_word(text)?;
    // 오만 삼천
    if let Some(rest) = text[end..].strip_prefix(' ')
        && let Some((more, length, _)) = read_word(rest)
        && more < least
    {
        (value, end) = (value + more, end + 1 + length);
    }
    Some((value, end))
}

/// One word's number, its length, and the unit that it ends in.
fn read_word(text: &str) -> Option<(f64, usize, f64)> {
    let (value, end, least) = sino(text).or_else(|| native(text))?;
    let rest = &text[end..];
    let ends = !rest
        .chars()
        .next()
        .is_some_and(crate::text::announce::hangul);
    (ends || AFTER.split(' ').any(|a| rest.starts_with(a))).then_some((value, end, least))
}

fn beginning(text: &str, words: &[(&'static str, f64)]) -> Option<(usize, f64)> {
    let (word, value) = words.iter().find(|(word, _)| text.starts_with(word))?;
    Some((word.len(), *value))
}

/// Two numerals or more, one of them a unit: one alone is a syllable of any word.
fn sino(text: &str) -> Option<(f64, usize, f64)> {
    let (mut total, mut section, mut digit) = (0.0, 0.0, None);
    let (mut end, mut numerals, mut least) = (0, 0, f64::INFINITY);
    while numerals < 24 {
        let rest = &text[end..];
        if let Some((length, value)) = beginning(rest, DIGITS) {
            // A digit that no unit follows is the last, or a particle.
            let unit_follows = beginning(&rest[length..], UNITS).is_some();
            if digit.is_some()
                || !unit_follows && (numerals == 0 || least == 1.0 || !ends_word(&rest[length..]))
            {
                break;
            }
            (digit, end, numerals) = (Some(value), end + length, numerals + 1);
            if !unit_follows {
                break;
            }
        } else if let Some((length, unit)) = beginning(rest, UNITS) {
            if unit < 1e4 {
                section += digit.take().unwrap_or(1.0) * unit;
            } else {
                let part = section + digit.take().unwrap_or(0.0);
                total += if part == 0.0 { 1.0 } else { part } * unit;
                section = 0.0;
            }
            (least, end, numerals) = (unit, end + length, numerals + 1);
        } else {
            break;
        }
    }
    let units = least.is_finite();
    (numerals > 1 && units).then_some((total + section + digit.unwrap_or(0.0), end, least))
}

fn ends_word(rest: &str) -> bool {
    !rest
        .chars()
        .next()
        .is_some_and(crate::text::announce::hangul)
        || beginning(rest, &[("명", 0.0), ("개", 0.0), ("년", 0.0), ("원", 0.0)]).is_some()
}

fn native(text: &str) -> Option<(f64, usize, f64)> {
    let tens = beginning(text, NATIVE_TENS);
    let at = tens.map_or(0, |(length, _)| length);
    let ones = beginning(&text[at..], NATIVE_ONES);
    // 한 and 두 alone are syllables of any word.
    let ones = ones.filter(|(length, _)| tens.is_some() || *length > 3);
    let value = tens.map_or(0.0, |(_, v)| v) + ones.map_or(0.0, |(_, v)| v);
    (value > 0.0).then(|| (value, at + ones.map_or(0, |(length, _)| length), 1.0))
}
