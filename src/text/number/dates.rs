//! Dates and times, which look like numbers and have no one value.

use super::digits::digit;
use crate::text::announce::{last_word, lower, word_at};

/// Names of the months in the languages that write them as words. English "May" and "March" count with a capital only.
const MONTHS: &str = "january jan february feb mar april apr june jun july jul august aug september sep sept october oct november nov december dec \
    januar februar märz mai juni juli oktober dezember janvier février fevrier mars avril juin juillet août aout septembre octobre novembre \
    décembre enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre gennaio febbraio aprile \
    maggio giugno luglio settembre ottobre novembre dicembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro \
    января февраля марта апреля мая июня июля августа сентября октября ноября декабря ocak şubat mart nisan mayıs haziran temmuz ağustos \
    eylül ekim kasım aralık januari februari maart mei augustus januari maret agustus desember stycznia lutego marca kwietnia maja czerwca \
    lipca sierpnia września października listopada grudnia يناير فبراير مارس أبريل إبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر \
    ژانویه فوریه آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर सितम्बर अक्टूबर नवंबर \
    नवम्बर दिसंबर दिसम्बर জানুয়ারি ফেব্রুয়ারি মার্চ এপ্রিল মে জুন জুলাই আগস্ট সেপ্টেম্বর অক্টোবর নভেম্বর ডিসেম্বর มกราคม กุมภาพันธ์ มีนาคม เมษายน \
    พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม";
/// May be between a day, a month and a year.
const BETWEEN: &[&str] = &["of", "de", "del", "di", "tháng", "năm"];

/// Where a date or a time ends that begins with the digits at `at`: 2024-03-12, 10:30, "5 June 2023", "June 5, 2023" (at its 5), 2023年6月5日.
pub(super) fn date_or_time(text: &str, at: usize) -> Option<usize> {
    let (number, end) = short(text, at)?;
    parted(text, end)
        .or_else(|| with_units(text, end))
        .or_else(|| month_after(text, number, end))
        .or_else(|| month_before(text, at, number, end))
}

/// A number of four digits or fewer, and where it ends.
fn short(text: &str, at: usize) -> Option<(u32, usize)> {
    let mut end = at;
    let mut value = 0;
    for (i, c) in text[at..].chars().enumerate() {
        let Some(d) = digit(c) else { break };
        if i == 4 {
            return None;
        }
        value = value * 10 + u32::from(d);
        end += c.len_utf8();
    }
    (end > at).then_some((value, end))
}

/// 2024-03-12, 12/03/2024, 10:30 and ratios.
fn parted(text: &str, at: usize) -> Option<usize> {
    let mark = text[at..]
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '/' | ':'))?;
    let (mut end, mut parts) = (at, 0);
    while parts < 5 && text[end..].starts_with(mark) {
        let digits = text[end + 1..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        if digits == 0 {
            break;
        }
        end += 1 + digits;
        parts += 1;
    }
    let enough = if mark == ':' { 1 } else { 2 };
    (parts >= enough).then_some(end)
}

/// 2023年6月5日, 2023년 6월 5일, 6月5日.
fn with_units(text: &str, at: usize) -> Option<usize> {
    const UNITS: [[char; 2]; 3] = [['年', '년'], ['月', '월'], ['日', '일']];
    let unit = |at: usize| UNITS.iter().position(|u| text[at..].starts_with(u));
    let mut own = unit(at)?;
    let mut end = at + '年'.len_utf8();
    let mut parts = 1;
    while own < 2 {
        let start = end + usize::from(text[end..].starts_with(' '));
        let next = short(text, start).and_then(|(_, after)| Some((unit(after)?, after)));
        let Some((more, after)) = next.filter(|(more, _)| *more == own + 1) else {
            break;
        };
        (own, end, parts) = (more, after + '年'.len_utf8(), parts + 1);
    }
    (parts > 1).then_some(end)
}

fn is_month(word: &str) -> bool {
    let known = |word: &str| MONTHS.split_ascii_whitespace().any(|m| m == word);
    matches!(word, "May" | "March") || lower(word).is_some_and(|w| known(&w))
}

/// Past spaces, a comma or full stop, and a word such as "of".
fn past(text: &str, at: usize) -> usize {
    let rest = text[at..].trim_start_matches([',', '.', ' ', '\u{a0}']);
    let start = text.len() - rest.len();
    let between = BETWEEN.iter().find(|b| **b == word_at(text, start));
    between.map_or(start, |word| past_spaces(text, start + word.len()))
}

fn past_spaces(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\u{a0}']).len()
}

/// "5 June 2023", "5. Juni", "5 de junio de 2023".
fn month_after(text: &str, day: u32, end: usize) -> Option<usize> {
    let start = past(text, end);
    if day == 0 || day > 31 || start == end || text[end..].starts_with(',') {
        return None;
    }
    let month = word_at(text, start);
    if !is_month(month) {
        return None;
    }
    let end = start + month.len();
    Some(year(text, end).unwrap_or(end))
}

/// A year after a day or a month.
fn year(text: &str, at: usize) -> Option<usize> {
    let start = past(text, at);
    let (year, end) = short(text, start).filter(|_| start > at)?;
    let whole = !text[end..].starts_with(|c: char| c.is_alphanumeric());
    (whole && (1000..2200).contains(&year)).then_some(end)
}

/// The rest of "June 5, 2023" and "June 2023"; "June 5" only where nothing is counted by the five.
fn month_before(text: &str, at: usize, number: u32, end: usize) -> Option<usize> {
    let before = text[..at].strip_suffix([' ', '\u{a0}'])?;
    let before = before.strip_suffix('.').unwrap_or(before);
    if !is_month(last_word(before)) {
        return None;
    }
    if (1000..2200).contains(&number) {
        return Some(end);
    }
    let suffix = ["st", "nd", "rd", "th"]
        .iter()
        .find(|s| text[end..].starts_with(**s));
    let end = end + suffix.map_or(0, |s| s.len());
    if number > 31 {
        return None;
    }
    year(text, end).or_else(|| {
        let counts = text[end..]
            .trim_start()
            .starts_with(|c: char| c.is_alphanumeric() || matches!(c, '%' | '$'));
        (!counts).then_some(end)
    })
}
