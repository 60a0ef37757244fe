//! A part of a journal: an object that is written once, of whole lines, with a first line by which it is checked.

use serde::{Deserialize, Serialize};

/// The folder of the parts.
const FOLDER: &str = "journal/";
/// What their names end with.
const ENDING: &str = ".jsonl";
/// Digits of their numbers.
const DIGITS: usize = 8;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    part: u64,
    bytes: u64,
    blake3: String,
}

/// The name of the part of a number, from 1.
pub(super) fn name(number: u64) -> String {
    format!("{FOLDER}{number:0DIGITS$}{ENDING}")
}

/// The number of the part of a name; none where it is not a part's.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(FOLDER)?.strip_suffix(ENDING)?;
    let digits = digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then_some(digits)?;
    let number = digits.parse().ok().filter(|n| *n > 0)?;
    (self::name(number) == name).then_some(number)
}

/// The object of a part.
pub(super) fn encode(number: u64, lines: &[u8]) -> Vec<u8> {
    let head = Head {
        part: number,
        bytes: lines.len() as u64,
        blake3: blake3::hash(lines).to_hex().to_string(),
    };
    let mut object = serde_json::to_vec(&head).unwrap_or_default();
    object.push(b'\n');
    object.extend_from_slice(lines);
    object
}

/// The lines of a part's object.
///
/// # Errors
/// In words, if it is not what was written.
pub(super) fn decode(number: u64, object: &[u8]) -> Result<&[u8], String> {
    let end = object.iter().position(|b| *b == b'\n');
    let head = end.and_then(|end| serde_json::from_slice::<Head>(&object[..end]).ok());
    let (Some(end), Some(head)) = (end, head) else {
        return Err("it does not begin as a part of a journal".into());
    };
    let lines = &object[end + 1..];
    if head.part != number {
        return Err(format!("it is part {}", head.part));
    }
    if head.bytes != lines.len() as u64 {
        let there = lines.len();
        return Err(format!("it holds {there} bytes of {}", head.bytes));
    }
    if blake3::hash(lines).to_hex().as_str() != head.blake3 {
        return Err("its content has been changed".into());
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_was_written_and_no_other() {
        let object = encode(3, b"{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(decode(3, &object).unwrap(), b"{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(decode(1, &encode(1, b"")).unwrap(), b"");
        let wrong = |object: &[u8]| decode(3, object).unwrap_err();
        assert_eq!(decode(4, &object).unwrap_err(), "it is part 3");
        assert!(wrong(&object[..object.len() - 8]).contains("bytes of 16"));
        let mut changed = object.clone();
        *changed.last_mut().unwrap() = b' ';
        assert!(wrong(&changed).contains("changed"));
        assert!(wrong(b"").contains("does not begin"));
        assert!(wrong(b"{\"trial\":\"x\"}\n").contains("does not begin"));
    }

    #[test]
    fn only_numbered_names_are_parts() {
        assert_eq!(name(12), "journal/00000012.jsonl");
        assert_eq!(number("journal/00000012.jsonl"), Some(12));
        for other in [
            "journal/12.jsonl",
            "journal/00000000.jsonl",
            "journal/00000012.damaged",
            "journal/../00000012.jsonl",
            "journal/+0000012.jsonl",
            "journal.jsonl",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
