//! Chinese and Japanese numerals: 三百二十, 二〇二四, 五十万.

fn han_digit(c: char) -> Option<u32> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '两' | '兩' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

fn han_unit(c: char) -> Option<f64> {
    Some(match c {
        '十' | '拾' => 1e1,
        '百' | '佰' => 1e2,
        '千' | '仟' => 1e3,
        '万' | '萬' => 1e4,
        '亿' | '億' => 1e8,
        _ => return None,
    })
}

/// What a numeral may be before; one alone before anything else is part of a word: 一样, 十分.
const COUNTED: &str = "个個只隻元块塊天人次年月日岁歲本张張条條公米斤克时時小秒台輛辆件位名頭头枚冊回円点。．.！!，,、）)」\n ";

pub(super) fn is_numeral(c: char) -> bool {
    han_digit(c).is_some() || han_unit(c).is_some()
}

/// Characters that make a number before or after them vague: 数十万, 几千, 十几万.
pub(super) fn is_vague(c: char) -> bool {
    matches!(c, '数' | '數' | '几' | '幾' | '何' | '好' | '上')
}

/// "More than", before a unit: 十余万, 30多万.
pub(super) fn is_more(c: char) -> bool {
    matches!(c, '多' | '余' | '餘' | '여')
}

/// The numerals that a text begins with; none if they are vague.
fn numerals(text: &str) -> Option<&str> {
    let mut end = 0;
    let mut rest = text.chars().take(32).peekable();
    while let Some(c) = rest.next() {
        let before_unit = rest.peek().is_some_and(|n| han_unit(*n).is_some());
        if end > 0 && before_unit && is_vague(c) {
            return None;
        }
        if !(is_numeral(c) || end > 0 && before_unit && is_more(c)) {
            break;
        }
        end += c.len_utf8();
    }
    Some(&text[..end])
}

/// The number that a text begins with, and its length.
pub(super) fn leading(text: &str) -> Option<(f64, usize)> {
    let text_start = text;
    let negative = text.starts_with(['负', '負']);
    let text = text.trim_start_matches(['负', '負']);
    if let Some(percent) = text.strip_prefix("百分之") {
        let (value, length) = leading(percent)?;
        return Some((value, text_start.len() - percent.len() + length));
    }
    let run = numerals(text)?;
    let rest = &text[run.len()..];
    let value = han_value(run)?;
    let skipped = text_start.len() - text.len();
    let signed = |v: f64| if negative { -v } else { v };
    if let Some(top) = rest.strip_prefix("分之") {
        let (top_value, length) = leading(top)?;
        return (value != 0.0).then(|| {
            (
                signed(top_value / value),
                text_start.len() - top.len() + length,
            )
        });
    }
    if let Some(decimals) = rest.strip_prefix(['点', '點']) {
        let digits: String = decimals
            .chars()
            .take(16)
            .map_while(han_digit)
            .filter_map(|d| char::from_digit(d, 10))
            .collect();
        if let Ok(part) = format!("0.{digits}0").parse::<f64>()
            && !digits.is_empty()
        {
            let length = skipped + run.len() + '点'.len_utf8() * (1 + digits.len());
            return Some((signed(value + part), length));
        }
    }
    let alone =
        run.chars().count() == 1 && rest.chars().next().is_some_and(|c| !COUNTED.contains(c));
    (!alone).then_some((signed(value), skipped + run.len()))
}

/// The last number of two numerals or more in a text.
pub(super) fn last_han(text: &str) -> Option<f64> {
    let mut last = None;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        let starts = is_numeral(c) && !inside;
        inside = is_numeral(c);
        if starts && text[at + c.len_utf8()..].starts_with(is_numeral) {
            last = leading(&text[at..]).map(|(value, _)| value).or(last);
        }
    }
    last
}

/// The value of a run of numerals: digits in their places, 二〇二四, or with units, 三百二十.
fn han_value(run: &str) -> Option<f64> {
    if run.is_empty() {
        return None;
    }
    if run.chars().count() > 1 && run.chars().all(|c| han_digit(c).is_some()) {
        let digits: String = run
            .chars()
            .filter_map(han_digit)
            .filter_map(|d| char::from_digit(d, 10))
            .collect();
        return digits.parse().ok();
    }
    let (mut total, mut section, mut digit) = (0.0, 0.0, None);
    for c in run.chars() {
        if let Some(d) = han_digit(c) {
            // 三四十 is thirty or forty.
            if digit.is_some_and(|before| before != 0.0) {
                return None;
            }
            digit = Some(f64::from(d));
            continue;
        }
        if is_more(c) {
            continue;
        }
        let unit = han_unit(c)?;
        if unit < 1e4 {
            section += digit.take().unwrap_or(1.0) * unit;
        } else {
            let part = total + section + digit.take().unwrap_or(0.0);
            // 万 alone is a word.
            total = (part > 0.0).then_some(part * unit)?;
            section = 0.0;
        }
    }
    Some(total + section + digit.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::leading;

    #[test]
    fn numerals_are_read_where_they_lead() {
        for (text, want) in [
            ("三百二十个", Some(320.0)),
            ("十二", Some(12.0)),
            ("一万二千", Some(12000.0)),
            ("五十万人", Some(500_000.0)),
            ("十余万人", Some(100_000.0)),
            ("二〇二四年", Some(2024.0)),
            ("三点五", Some(3.5)),
            ("二分之一", Some(0.5)),
            ("百分之五十", Some(50.0)),
            ("一样的", None),
            ("十分好", None),
            ("三四十人", None),
            ("十几万", None),
            ("负三", Some(-3.0)),
        ] {
            assert_eq!(leading(text).map(|(v, _)| v), want, "{text}");
        }
    }
}
