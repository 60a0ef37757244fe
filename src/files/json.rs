//! JSON as tools write it: Python's `json.dumps` writes half characters, `NaN`, and integers of any length.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A row: field names to values.
pub type Row = Map<String, Value>;

/// What had to be read otherwise than it was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Halves of surrogate pairs, read as U+FFFD.
    pub surrogates: usize,
    /// `NaN`, `Infinity` and `-Infinity`, read as null.
    pub not_numbers: usize,
}

impl Repairs {
    /// Adds those of another text.
    pub fn add(&mut self, other: Self) {
        self.surrogates += other.surrogates;
        self.not_numbers += other.not_numbers;
    }

    /// Says in the log what a file's texts needed, where they needed anything.
    pub fn log(self, file: &str) {
        if self.surrogates > 0 {
            tracing::warn!(
                "{file}: {} lone surrogates (halves of characters) were read as U+FFFD",
                self.surrogates
            );
        }
        if self.not_numbers > 0 {
            tracing::warn!(
                "{file}: {} NaN or Infinity values, which JSON does not allow, were read as null",
                self.not_numbers
            );
        }
    }
}

/// Reads a value. Lone surrogates become U+FFFD, `NaN` and infinities null, both counted; an integer beyond 64 bits becomes text, so
/// that it keeps its digits.
///
/// # Errors
/// Where it is not JSON besides.
pub fn from_json<T: DeserializeOwned>(text: &str) -> serde_json::Result<(T, Repairs)> {
    match repaired(text) {
        None => serde_json::from_str(text).map(|value| (value, Repairs::default())),
        Some((text, repairs)) => serde_json::from_str(&text).map(|value| (value, repairs)),
    }
}

/// Fewest digits of an integer that 64 bits may not hold.
const MIN_BIG_DIGITS: usize = 19;

/// The text with what needs it replaced; none if nothing does.
fn repaired(text: &str) -> Option<(String, Repairs)> {
    let bytes = text.as_bytes();
    let mut repairs = Repairs::default();
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let mut replace = |out: &mut String, from: usize, to: usize, by: &str| {
        out.push_str(&text[copied..from]);
        out.push_str(by);
        copied = to;
    };
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    if bytes[at] != b'\\' {
                        at += 1;
                        continue;
                    }
                    let length = match escape(&bytes[at..]) {
                        Escape::Whole(length) => length,
                        Escape::Lone => {
                            repairs.surrogates += 1;
                            replace(&mut out, at, at + 6, "\\ufffd");
                            6
                        }
                    };
                    at += length;
                }
                at += 1;
            }
            b'N' | b'I' | b'-' | b'0'..=b'9' => {
                let length = bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
                    .count();
                let word = &text[at..at + length];
                if matches!(word, "NaN" | "Infinity" | "-Infinity") {
                    repairs.not_numbers += 1;
                    replace(&mut out, at, at + length, "null");
                } else if is_too_long(word) {
                    replace(&mut out, at, at + length, &format!("\"{word}\""));
                }
                at += length.max(1);
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some((out, repairs))
}

/// A backslash and what follows it in a string.
enum Escape {
    /// So many bytes that stay as they are.
    Whole(usize),
    /// Half a surrogate pair, of six bytes.
    Lone,
}

fn escape(bytes: &[u8]) -> Escape {
    let unit = |bytes: &[u8]| {
        let [b'\\', b'u', hex @ ..] = bytes else {
            return None;
        };
        let hex = std::str::from_utf8(hex.get(..4)?).ok()?;
        u16::from_str_radix(hex, 16).ok()
    };
    match unit(bytes) {
        Some(0xd800..0xdc00) => match bytes.get(6..).and_then(unit) {
            Some(0xdc00..0xe000) => Escape::Whole(12),
            _ => Escape::Lone,
        },
        Some(0xdc00..0xe000) => Escape::Lone,
        _ => Escape::Whole(2),
    }
}

fn is_too_long(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    digits.len() >= MIN_BIG_DIGITS
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
        && word.parse::<i64>().is_err()
        && word.parse::<u64>().is_err()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> (Value, Repairs) {
        from_json(text).unwrap()
    }

    #[test]
    fn halves_of_pairs_are_replaced_and_counted() {
        let (value, repairs) =
            read(r#"{"a": "x\ud83dy", "b": "\udc00", "c": "\ud83d\ude00", "d": "\\ud83d"}"#);
        assert_eq!(
            value,
            json!({"a": "x\u{fffd}y", "b": "\u{fffd}", "c": "😀", "d": "\\ud83d"})
        );
        assert_eq!(repairs.surrogates, 2);
        assert_eq!(read(r#"["\ud83d\ud83d\ude00"]"#).0, json!(["\u{fffd}😀"]));
    }

    #[test]
    fn what_python_writes_for_not_a_number_is_null() {
        let (value, repairs) = read(r#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN"}"#);
        assert_eq!(value, json!({"a": null, "b": [null, null], "c": "NaN"}));
        assert_eq!(repairs.not_numbers, 3);
    }

    #[test]
    fn long_integers_keep_their_digits() {
        let (value, repairs) =
            read("[12345678901234567890123, -9223372036854775809, 18446744073709551615, 1e30]");
        assert_eq!(
            value,
            json!([
                "12345678901234567890123",
                "-9223372036854775809",
                18_446_744_073_709_551_615_u64,
                1e30
            ])
        );
        assert_eq!(repairs, Repairs::default());
    }

    proptest! {
        #[test]
        fn what_is_valid_is_read_as_it_is(text in any::<String>(), number in any::<i64>(), float in any::<f64>()) {
            let value = json!({"text": text, "n": number, "f": float, "list": [text, null, true]});
            let text = value.to_string();
            let (read, repairs) = from_json::<Value>(&text).unwrap();
            prop_assert_eq!(read, serde_json::from_str::<Value>(&text).unwrap());
            prop_assert_eq!(repairs, Repairs::default());
        }

        #[test]
        fn nothing_that_is_written_stops_the_reader(text in "[\\\\ud8c\"N I\\-0-9{}\\[\\]:,é]{0,40}") {
            let _ = from_json::<Value>(&text);
        }
    }
}
