//! Text in the encodings that people's tools save it in.

use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// The byte order mark that Windows programs put before UTF-8.
const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// Bytes examined to detect UTF-16 without a mark.
const SNIFFED: usize = 256;

/// A file's text, without a byte order mark.
///
/// # Errors
/// What the system says, or [`ErrorKind::InvalidData`] if it is not UTF-8, with what it seems to be and how to convert it.
pub fn read_text(path: &Path) -> Result<String> {
    decode(std::fs::read(path)?)
}

/// A file's text, where it has this many bytes at most: what is read whole fills the memory.
///
/// # Errors
/// As for [`read_text`], and [`ErrorKind::FileTooLarge`] if it has more.
pub fn read_text_within(path: &Path, most: u64) -> Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let reason = format!("it has more than {} MiB", most >> 20);
        return Err(Error::new(ErrorKind::FileTooLarge, reason));
    }
    decode(bytes)
}

/// The text of a file's bytes, without a byte order mark.
///
/// # Errors
/// [`ErrorKind::InvalidData`] if it is not UTF-8, with what it seems to be and how to convert it.
pub fn decode(mut bytes: Vec<u8>) -> Result<String> {
    let invalid = |reason: String| Error::new(ErrorKind::InvalidData, reason);
    if let Some(encoding) = wide_encoding(&bytes) {
        return Err(invalid(format!(
            "it is {encoding}, but candor reads UTF-8: save it as UTF-8, for instance with `iconv -f {encoding} -t UTF-8 FILE > NEW`"
        )));
    }
    let kept = without_bom(&bytes).len();
    bytes.drain(..bytes.len() - kept);
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|b| *b == b'\n').count();
        invalid(not_utf8(line))
    })
}

/// The sentence on a line that is in another encoding.
pub(super) fn not_utf8(line: usize) -> String {
    format!(
        "line {line} is not UTF-8: convert the file, for instance with `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW` if it was saved on Windows"
    )
}

/// The bytes behind a UTF-8 byte order mark, if there is one.
#[must_use]
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes)
}

/// An encoding of two or four bytes a character, told by its mark, or by the zeros that ASCII leaves in it.
fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => return Some("UTF-32LE"),
        [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32BE"),
        [0xff, 0xfe, ..] => return Some("UTF-16LE"),
        [0xfe, 0xff, ..] => return Some("UTF-16BE"),
        _ => {}
    }
    let start = &bytes[..bytes.len().min(SNIFFED)];
    let zeros = |odd: usize| {
        let own = start.iter().skip(odd).step_by(2);
        own.filter(|b| **b == 0).count()
    };
    let (even, odd, many) = (zeros(0), zeros(1), start.len() / 5);
    match start.len() >= 4 {
        true if odd > many && even == 0 => Some("UTF-16LE"),
        true if even > many && odd == 0 => Some("UTF-16BE"),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
        let marked = if mark {
            format!("\u{feff}{text}")
        } else {
            text.into()
        };
        let order = if little {
            u16::to_le_bytes
        } else {
            u16::to_be_bytes
        };
        marked.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        assert_eq!(
            decode(b"\xef\xbb\xbfid,x\r\n".to_vec()).unwrap(),
            "id,x\r\n"
        );
        assert_eq!(decode("ä".into()).unwrap(), "ä");
        assert_eq!(decode(Vec::new()).unwrap(), "");
    }

    #[test]
    fn utf_16_is_told_with_and_without_its_mark() {
        for (little, name) in [(true, "UTF-16LE"), (false, "UTF-16BE")] {
            for mark in [true, false] {
                let error = decode(utf16("{\"id\": \"é\"}\n", little, mark)).unwrap_err();
                let said = error.to_string();
                assert!(said.contains(name) && said.contains("iconv"), "{said}");
            }
        }
    }

    #[test]
    fn other_bytes_are_told_with_their_line() {
        let said = decode(b"one\ncaf\xe9\n".to_vec()).unwrap_err().to_string();
        assert!(
            said.contains("line 2") && said.contains("WINDOWS-1252"),
            "{said}"
        );
    }
}
