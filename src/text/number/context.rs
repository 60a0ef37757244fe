//! What is around a number: its sign and currency, and what makes it a part of a word, a label or a marker.

use crate::text::announce::{is_copula, is_dress, last_word, lower, word_at};

/// The words before a number that make it a label.
const LABELS: &str = "step example question problem figure table chapter section page line option case part equation eq note q schritt \
    aufgabe frage étape question paso pregunta passo passaggio шаг вопрос adım langkah bước steg stap krok vaihe चरण \
    ধাপ الخطوة مرحله 단계";
const JOINED_LABELS: &[&str] = &[
    "第",
    "步骤",
    "步驟",
    "ステップ",
    "手順",
    "例",
    "问题",
    "ขั้นตอนที่",
];
const ORDINALS: &[&str] = &["st", "nd", "rd", "th", "º", "ª", "er", "ère", "ème", "eme"];

/// Whether a digit belongs to a word, an index or an exponent: "H2O", `x_1`, `m^{2}`.
pub(super) fn attached(text: &str, at: usize) -> bool {
    let before = &text[..at];
    let mut back = before.chars().rev();
    let (Some(prev), then) = (back.next(), back.next()) else {
        return false;
    };
    match prev {
        '^' | '_' => true,
        '{' => matches!(then, Some('^' | '_')),
        // The sign of an exponent.
        '-' | '−' => {
            matches!(then, Some('^')) || before.ends_with("^{-") || before.ends_with("^{−")
        }
        c if is_latin(c) => {
            let letters = before.len()
                - before
                    .chars()
                    .rev()
                    .take(14)
                    .take_while(|c| is_latin(*c))
                    .map(char::len_utf8)
                    .sum::<usize>();
            let word = &before[letters..];
            let is_command = before[..letters].ends_with('\\');
            // "The answer is18"
            !(is_command || is_currency_code(word) || is_copula(word))
        }
        _ => false,
    }
}

fn is_latin(c: char) -> bool {
    c.is_alphabetic() && c < '\u{250}'
}

fn is_currency_code(word: &str) -> bool {
    const CODES: &str = "usd us eur gbp inr rs cny rmb jpy krw rub brl r mxn chf aud cad hk hkd sgd nt twd vnd thb idr rp php ngn kes \
        try tl zar rm kr pln";
    word.len() > 1 && CODES.split(' ').any(|c| c.eq_ignore_ascii_case(word))
}

/// Whether the digits at `at` number a footnote: "12[1]", "12^[1]", "12<sup>1</sup>".
pub(super) fn footnote(text: &str, at: usize) -> bool {
    let before = &text[..at];
    if before.ends_with("<sup>") {
        return true;
    }
    let Some(noted) = before.strip_suffix('[') else {
        return false;
    };
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let noted = noted.strip_suffix('^').unwrap_or(noted);
    let joined = noted
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | ')' | '%' | '。' | '*' | ']'));
    joined && (1..=3).contains(&digits) && text[at + digits..].starts_with(']')
}

/// Whether an amount of money in the euro's way stands from `at` to `end`: it has no three decimals.
pub(super) fn euros(text: &str, at: usize, end: usize) -> bool {
    const CODES: [&str; 12] = [
        "€", "EUR", "Euro", "euro", "R$", "₺", "TL", "kr", "zł", "Rp", "₫", "руб",
    ];
    let before = text[..at].trim_end_matches([' ', '\u{a0}', '\u{202f}']);
    let after = text[end..].trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    CODES
        .iter()
        .any(|c| before.ends_with(c) || after.starts_with(c))
}

/// Currency signs; the dollar of LaTeX's mathematics is one as well.
fn is_currency(c: char) -> bool {
    matches!(
        c,
        '$' | '¢' | '£' | '¥' | '￥' | '＄' | '฿' | '\u{20A0}'..='\u{20CF}'
    )
}

pub(super) fn is_minus(c: char) -> bool {
    matches!(c, '-' | '−' | '–' | '－' | '﹣')
}

pub(super) struct Sign {
    /// Where the number with its sign and currency begins.
    pub start: usize,
    pub negative: bool,
    pub money: bool,
}

/// What is before the digits at `at`; `last` is where the number before ends. A dash is a sign only where it cannot be a minus between two operands or a hyphen in a word.
pub(super) fn sign(text: &str, at: usize, last: Option<usize>) -> Sign {
    let mut sign = Sign {
        start: at,
        negative: false,
        money: false,
    };
    while let Some(c) = text[..sign.start].chars().next_back() {
        let before = sign.start - c.len_utf8();
        let prior = text[..before].chars().next_back();
        if is_currency(c) && !sign.money {
            sign.money = true;
            sign.start = before - usize::from(prior == Some('\\'));
        } else if is_minus(c)
            && !sign.negative
            && !prior.is_some_and(|p| {
                p.is_alphanumeric() || matches!(p, ')' | ']' | '}' | '%' | '_' | '½')
            })
        {
            sign.negative = true;
            sign.start = before;
        } else {
            break;
        }
    }
    if !sign.negative {
        let before = text[..sign.start].trim_end_matches([' ', '*', '$']);
        let word = [
            "negative",
            "minus",
            "Negative",
            "Minus",
            "负",
            "負",
            "マイナス",
            "ঋণাত্মক",
        ]
        .iter()
        .find(|w| before.ends_with(**w));
        if let Some(word) = word {
            let from = before.len() - word.len();
            // "5 minus 3" subtracts.
            let subtracts = last.is_some_and(|end| text[end..from].trim().is_empty());
            sign.negative = !subtracts;
        }
    }
    sign
}

/// Whether the number that ends at `at` is an ordinal or a coefficient.
pub(super) fn ordinal(text: &str, at: usize) -> bool {
    let rest = &text[at..];
    if rest.starts_with("^{th}") || rest.starts_with("^{\\text{") {
        return true;
    }
    if !rest.chars().next().is_some_and(is_latin) {
        return false;
    }
    let word = word_at(text, at);
    ORDINALS.contains(&word) || matches!(word, "x" | "y" | "z" | "n")
}

/// Whether a number is the marker of a list's item, or of a heading.
pub(super) fn marks_item(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start]
        .trim_end_matches(|c: char| is_dress(c) || matches!(c, ' ' | '\t' | '-' | '•' | '('));
    if !(before.is_empty() || before.ends_with('\n')) {
        return false;
    }
    let mut rest = text[end..].chars();
    match rest.next() {
        Some('.') => {
            rest.next().is_some_and(char::is_whitespace)
                && rest
                    .as_str()
                    .lines()
                    .next()
                    .is_some_and(|l| !l.trim().is_empty())
        }
        Some(')' | '）' | '、') => rest
            .as_str()
            .lines()
            .next()
            .is_some_and(|l| !l.trim().is_empty()),
        _ => false,
    }
}

/// Whether the word before a number makes it a label, or it is joined to a word by a hyphen.
pub(super) fn labelled(text: &str, start: usize) -> bool {
    let before = &text[..start];
    let mut back = before.chars().rev();
    if back.next().is_some_and(is_minus) && back.next().is_some_and(is_latin) {
        return true;
    }
    let before = before.trim_end_matches([' ', '*', '_', '#']);
    if JOINED_LABELS.iter().any(|l| before.ends_with(l)) {
        return true;
    }
    lower(last_word(before)).is_some_and(|w| LABELS.split(' ').any(|l| l == w))
}
