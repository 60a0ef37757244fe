//! Every number that a text mentions, wherever and however it is written.

use std::cell::OnceCell;
use std::ops::Range;

use super::context::{attached, footnote, sign};
use super::convention::Convention;
use super::digits::{digit, vulgar};
use super::han;
use super::mantissa::{self, Read};
use super::scale::scaled;
use super::words::said_at;
use crate::text::announce::{is_word, unspaced, word_at};
use crate::text::language;

/// A number in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Where it is, in bytes: digits or words with their multipliers, and a sign. A unit, a percent sign or a counter is not part of it.
    pub span: Range<usize>,
    /// What it most probably means.
    pub value: f64,
    /// What its mark could mean as well: "1.234" and "1,234" are a thousand or a little more than one.
    pub alternative: Option<f64>,
}

impl Number {
    /// Its value, and what else it could mean.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        std::iter::once(self.value).chain(self.alternative)
    }
}

/// Every number of a text, in order: digits of any script, grouped in any way (`1,50,000`, `15 000`, `1.234,5`), with their multipliers
/// (`1.5 million`, `3万`, `125 bin`, `1만 4천`, `30 lakh`), and numbers in words (`five hundred thousand`, `lima ratus ribu`, 五十万).
///
/// The parts of a date, a time, a range or a version are numbers of their own. Vague words (数十万, "hundreds of thousands") and digits within
/// a Latin word ("H2O") are not numbers. Words that mean something else more often ("once", "on", "bin", "mil") count in a larger number, or
/// where the text is in their language; a lone word for one, which mostly is an article, never does. Spaces group threes of digits: `15 000`
/// is 15000.
///
/// ```
/// let text = "1,234 людей, из них двадцать пять тысяч";
/// let found: Vec<_> = candor::text::numbers(text).map(|n| (&text[n.span.clone()], n.value)).collect();
/// assert_eq!(found, [("1,234", 1234.0), ("двадцать пять тысяч", 25_000.0)]);
/// ```
pub fn numbers(text: &str) -> impl Iterator<Item = Number> {
    Every {
        text,
        at: 0,
        apart: 0,
        convention: Convention::spaced(text),
        language: OnceCell::new(),
    }
}

struct Every<'t> {
    text: &'t str,
    at: usize,
    /// Up to here each run of digits is a number of its own.
    apart: usize,
    convention: Convention<'t>,
    language: OnceCell<Option<&'static str>>,
}

impl Iterator for Every<'_> {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        while let Some(c) = self.text[self.at..].chars().next() {
            let found = if digit(c).is_some()
                || vulgar(c).is_some()
                || mantissa::leading_point(self.text, self.at)
            {
                self.in_digits()
            } else if is_word(c) {
                self.in_words(c)
            } else {
                self.at += c.len_utf8();
                None
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

impl Every<'_> {
    fn in_digits(&mut self) -> Option<Number> {
        let (text, at) = (self.text, self.at);
        let run = digits(&text[at..]);
        if attached(text, at)
            || footnote(text, at)
            || text[..at].ends_with(['数', '數', '几', '幾', '수', '몇'])
        {
            self.at += run.max(text[at..].chars().next().map_or(0, char::len_utf8));
            return None;
        }
        let signed = sign(text, at, None);
        let read = if at < self.apart {
            mantissa::read(&text[..at + run], at, &self.convention)
        } else {
            mantissa::read(text, at, &self.convention)
        };
        let mantissa = match read {
            Read::Number(mantissa) => mantissa,
            // A date or a version: its parts.
            Read::Opaque(end) => {
                self.apart = self.apart.max(end);
                match mantissa::read(&text[..at + run], at, &self.convention) {
                    Read::Number(mantissa) => mantissa,
                    Read::Opaque(end) => {
                        self.at = end;
                        return None;
                    }
                }
            }
        };
        let (value, end) = scaled(text, mantissa.value, mantissa.end, signed.money);
        let factor = if mantissa.value == 0.0 {
            1.0
        } else {
            value / mantissa.value
        };
        let factor = if signed.negative { -factor } else { factor };
        self.at = end;
        Some(Number {
            span: if signed.negative { signed.start } else { at }..end,
            value: if signed.negative { -value } else { value },
            alternative: mantissa.other.map(|other| other * factor),
        })
    }

    fn in_words(&mut self, first: char) -> Option<Number> {
        let (text, at) = (self.text, self.at);
        let before = text[..at].chars().next_back();
        if let Some(said) = said_at(text, at).filter(|s| s.end > at)
            && !before.is_some_and(|c| han::is_vague(c) && han::is_numeral(first))
            && said.value != 1.0
            && said
                .doubtful
                .is_none_or(|code| self.language() == Some(code))
        {
            self.at = said.end;
            return Some(Number {
                span: at..said.end,
                value: said.value,
                alternative: None,
            });
        }
        self.at += if han::is_numeral(first) {
            text[at..]
                .chars()
                .take_while(|c| han::is_numeral(*c) || han::is_vague(*c))
                .map(char::len_utf8)
                .sum()
        } else if unspaced(first) {
            first.len_utf8()
        } else {
            // Digits that a prefix is joined to be looked at by themselves.
            let word = word_at(text, at);
            word.find(|c| digit(c).is_some())
                .unwrap_or(word.len())
                .max(first.len_utf8())
        };
        None
    }

    fn language(&self) -> Option<&'static str> {
        *self.language.get_or_init(|| language(self.text))
    }
}

/// The length of the digits that a text begins with.
fn digits(text: &str) -> usize {
    text.chars()
        .take_while(|c| digit(*c).is_some())
        .map(char::len_utf8)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    fn found(text: &str) -> Vec<(&str, f64)> {
        numbers(text)
            .map(|n| (&text[n.span.clone()], n.value))
            .collect()
    }

    #[test]
    fn numbers_of_every_script_and_grouping_are_found_with_their_span() {
        for (text, want) in [
            ("около 15 000 человек", vec![("15 000", 15_000.0)]),
            ("14 453 personnes", vec![("14 453", 14_453.0)]),
            ("681 692 voix", vec![("681 692", 681_692.0)]),
            ("13\u{202f}152 voix", vec![("13\u{202f}152", 13_152.0)]),
            ("13\u{a0}152", vec![("13\u{a0}152", 13_152.0)]),
            ("1'234'567 Franken", vec![("1'234'567", 1_234_567.0)]),
            ("125 bin kişi", vec![("125 bin", 125_000.0)]),
            ("125 bin 500 kişi", vec![("125 bin 500", 125_500.0)]),
            ("3万人", vec![("3万", 30_000.0)]),
            ("30多万人", vec![("30多万", 300_000.0)]),
            ("1만 4천 명", vec![("1만 4천", 14_000.0)]),
            ("1만4,532명", vec![("1만4,532", 14_532.0)]),
            ("10여만 명", vec![("10여만", 100_000.0)]),
            ("٢٠١٦", vec![("٢٠١٦", 2016.0)]),
            (
                "في عام ٢٠١٦ و1989",
                vec![("٢٠١٦", 2016.0), ("1989", 1989.0)],
            ),
            ("१,५०,००० लोग", vec![("१,५०,०००", 150_000.0)]),
            ("1,50,000 people", vec![("1,50,000", 150_000.0)]),
            ("30 लाख", vec![("30 लाख", 3_000_000.0)]),
            (
                "2 lakh 50 thousand",
                vec![("2 lakh 50 thousand", 250_000.0)],
            ),
            ("1.5 million", vec![("1.5 million", 1_500_000.0)]),
            ("1,5 Millionen", vec![("1,5 Millionen", 1_500_000.0)]),
            ("5 แสนคน", vec![("5 แสน", 500_000.0)]),
            ("၇ သိန်း", vec![("၇ သိန်း", 700_000.0)]),
            ("20席", vec![("20", 20.0)]),
            ("194（III）", vec![("194", 194.0)]),
            (
                "12.03.1989",
                vec![("12", 12.0), ("03", 3.0), ("1989", 1989.0)],
            ),
            (
                "2024-03-12",
                vec![("2024", 2024.0), ("03", 3.0), ("12", 12.0)],
            ),
            ("1987–1989", vec![("1987", 1987.0), ("1989", 1989.0)]),
            (
                "1989年6月4日",
                vec![("1989", 1989.0), ("6", 6.0), ("4", 4.0)],
            ),
            ("−5 °C and 12%", vec![("−5", -5.0), ("12", 12.0)]),
            ("H2O, G20 and x_1", vec![]),
        ] {
            assert_eq!(found(text), want, "{text}");
        }
    }

    #[test]
    fn numbers_in_words_are_found_in_many_languages() {
        for (text, want) in [
            (
                "some five hundred thousand people",
                vec![("five hundred thousand", 500_000.0)],
            ),
            ("half a million", vec![("half a million", 500_000.0)]),
            (
                "one and a half million",
                vec![("one and a half million", 1_500_000.0)],
            ),
            (
                "a hundred and twenty",
                vec![("a hundred and twenty", 120.0)],
            ),
            (
                "lima ratus ribu orang",
                vec![("lima ratus ribu", 500_000.0)],
            ),
            ("dua puluh lima", vec![("dua puluh lima", 25.0)]),
            (
                "quinientas mil personas",
                vec![("quinientas mil", 500_000.0)],
            ),
            ("treinta y cinco", vec![("treinta y cinco", 35.0)]),
            (
                "dos mil quinientos millones",
                vec![("dos mil quinientos millones", 2.5e9)],
            ),
            (
                "quatre-vingt-dix-sept",
                vec![("quatre-vingt-dix-sept", 97.0)],
            ),
            (
                "vingt-deux mille cinq cents",
                vec![("vingt-deux mille cinq cents", 22_500.0)],
            ),
            ("fünfundzwanzig", vec![("fünfundzwanzig", 25.0)]),
            (
                "zweihundertfünfzigtausend",
                vec![("zweihundertfünfzigtausend", 250_000.0)],
            ),
            ("drei Millionen", vec![("drei Millionen", 3e6)]),
            ("duecentomila persone", vec![("duecentomila", 200_000.0)]),
            ("ventuno", vec![("ventuno", 21.0)]),
            ("vinte e um mil", vec![("vinte e um mil", 21_000.0)]),
            (
                "двадцать пять тысяч",
                vec![("двадцать пять тысяч", 25_000.0)],
            ),
            ("yirmi iki", vec![("yirmi iki", 22.0)]),
            ("beş yüz bin", vec![("beş yüz bin", 500_000.0)]),
            (
                "năm trăm hai mươi nghìn",
                vec![("năm trăm hai mươi nghìn", 520_000.0)],
            ),
            ("viisisataatuhatta", vec![("viisisataatuhatta", 500_000.0)]),
            ("ثلاثة ملايين", vec![("ثلاثة ملايين", 3e6)]),
            ("خمسة وعشرون ألف", vec![("خمسة وعشرون ألف", 25_000.0)]),
            ("خمسمائة ألف", vec![("خمسمائة ألف", 500_000.0)]),
            ("بیست و پنج هزار", vec![("بیست و پنج هزار", 25_000.0)]),
            ("पाँच लाख", vec![("पाँच लाख", 500_000.0)]),
            ("तीन सौ बीस", vec![("तीन सौ बीस", 320.0)]),
            ("五十万人", vec![("五十万", 500_000.0)]),
            ("二十二", vec![("二十二", 22.0)]),
            ("오십만 명", vec![("오십만", 500_000.0)]),
            ("오만 삼천 명", vec![("오만 삼천", 53_000.0)]),
            ("이십이", vec![("이십이", 22.0)]),
            ("스물다섯 명", vec![("스물다섯", 25.0)]),
            ("ห้าแสนคน", vec![("ห้าแสน", 500_000.0)]),
            ("ยี่สิบห้า", vec![("ยี่สิบห้า", 25.0)]),
            ("ခုနစ်သိန်း", vec![("ခုနစ်သိန်း", 700_000.0)]),
        ] {
            assert_eq!(found(text), want, "{text}");
        }
    }

    #[test]
    fn vague_words_and_words_of_another_kind_are_no_numbers() {
        for text in [
            "数十万",
            "数十万人",
            "几千人",
            "十几万",
            "数10万人",
            "수십만 명",
            "hundreds of thousands",
            "several hundred people",
            "once upon a time, based on one of a cent",
            "ich bin es, und du bist eine",
            "สามารถ",
            "สัมพันธ์",
            "什么是一样的",
            "이것은 사람이다",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn a_mark_that_could_group_or_part_decimals_gives_both() {
        let values = |text| -> Vec<f64> {
            numbers(text)
                .flat_map(|n| n.values().collect::<Vec<_>>())
                .collect()
        };
        assert_eq!(values("1.234"), [1.234, 1234.0]);
        assert_eq!(values("1,234"), [1234.0, 1.234]);
        assert_eq!(values("1.234.567"), [1_234_567.0]);
        assert_eq!(values("12.5"), [12.5]);
    }

    #[test]
    fn a_long_text_is_read_in_one_pass() {
        for piece in [
            "1 ",
            "1.1.",
            "one ",
            "fünfund",
            "三百",
            "数",
            "สอง",
            "lima ratus ",
            "a ",
            "1,",
            "이십",
            "twenty-",
        ] {
            let text = piece.repeat((1 << 16) / piece.len());
            let started = std::time::Instant::now();
            let _ = numbers(&text).count();
            assert!(started.elapsed().as_secs() < 3, "{piece:?}");
        }
    }
}
