//! JSON as servers write it.

use serde_json::Value;

/// Reads JSON. Half a surrogate pair, as Python writes one of a character that was cut in two, becomes U+FFFD.
pub(super) fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| match without_lone_surrogates(text) {
        Some(mended) => serde_json::from_str(&mended),
        None => Err(error),
    })
}

/// The text with the escapes of lone surrogates replaced; `None` where it has none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let mut mended = String::with_capacity(text.len());
    let (mut rest, mut changed) = (text, false);
    while let Some(at) = rest.find('\\') {
        mended += &rest[..at];
        rest = &rest[at..];
        let unit = |from: usize| {
            let hex = rest.get(from..from + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(hex, 16).ok()
        };
        let length = match (unit(0), unit(6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                mended += "\\ufffd";
                changed = true;
                rest = &rest[6..];
                continue;
            }
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended += &rest[..length];
        rest = &rest[length..];
    }
    mended += rest;
    changed.then_some(mended)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_character() {
        assert_eq!(json(r#"{"a": "x\ud83d"}"#).unwrap()["a"], "x\u{fffd}");
        assert_eq!(
            json(r#""\udc00\ud83d\ude00\\ud83d""#).unwrap(),
            "\u{fffd}😀\\ud83d"
        );
        assert!(json(r#""\ud83d"#).is_err() && json("no").is_err());
    }
}
