//! What is at the beginning of a `.safetensors` file: where each tensor is, and of which shape. Nothing of it is believed before it is checked
//! against the file's length.
//!
//! The format: eight bytes with the length of the header (little-endian), the header (a JSON object from a name to type, shape and place),
//! then the tensors' bytes, one after the other without gaps.

use std::fmt;
use std::io::Read;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::text::visible_line;

/// Longest header that is read; the format's own limit.
const MAX_HEADER: u64 = 100_000_000;

/// How a tensor's numbers are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::model::onnx) enum Element {
    F32,
    F16,
    Bf16,
    /// One that no supported architecture keeps its weights in.
    Other(String),
}

impl Element {
    /// Bytes of one number, where whole bytes hold it and the type is known.
    fn bytes(&self) -> Option<u64> {
        match self {
            Self::F32 => Some(4),
            Self::F16 | Self::Bf16 => Some(2),
            Self::Other(name) => Some(match name.as_str() {
                "F64" | "I64" | "U64" | "C64" => 8,
                "I32" | "U32" => 4,
                "I16" | "U16" => 2,
                "I8" | "U8" | "BOOL" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => 1,
                _ => return None,
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(match name.as_str() {
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            _ => Self::Other(name),
        })
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F32 => f.write_str("F32"),
            Self::F16 => f.write_str("F16"),
            Self::Bf16 => f.write_str("BF16"),
            Self::Other(name) => f.write_str(&visible_line(name)),
        }
    }
}

/// A tensor of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::model::onnx) struct Entry {
    pub name: String,
    pub element: Element,
    /// Outermost first, as `PyTorch` writes it.
    pub shape: Vec<u64>,
    /// Bytes from the file's beginning.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// Why a file is not taken for a whole one.
#[derive(Debug, thiserror::Error)]
pub(in crate::model::onnx) enum HeaderError {
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    #[error("it has {file} bytes, but its header alone is said to have {header}")]
    Short { file: u64, header: u64 },
    #[error("its header is said to have {0} bytes; at most {MAX_HEADER} are read")]
    TooLong(u64),
    #[error("its header is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    #[error("the tensor '{}' ends {beyond} bytes beyond the file", visible_line(.name))]
    Beyond { name: String, beyond: u64 },
    #[error(
        "the tensor '{}' of type {element} and shape {shape:?} does not fill the {length} bytes it is said to have",
        visible_line(.name)
    )]
    Size {
        name: String,
        element: Element,
        shape: Vec<u64>,
        length: u64,
    },
    #[error("the tensor '{}' overlaps the one before it, or leaves a gap", visible_line(.0))]
    Misplaced(String),
    #[error("{0} bytes after the last tensor belong to none")]
    Trailing(u64),
}

/// The tensors of a file of `file` bytes, in the order of their places.
///
/// # Errors
/// [`HeaderError`] where the header cannot be true of the file.
pub(in crate::model::onnx) fn read(
    mut reader: impl Read,
    file: u64,
) -> Result<Vec<Entry>, HeaderError> {
    let mut length = [0; 8];
    if file < 8 {
        return Err(HeaderError::Short { file, header: 8 });
    }
    reader.read_exact(&mut length)?;
    let header = u64::from_le_bytes(length);
    let Some(data) = (file - 8).checked_sub(header) else {
        return Err(HeaderError::Short { file, header });
    };
    if header > MAX_HEADER {
        return Err(HeaderError::TooLong(header));
    }
    let mut text = Vec::new();
    reader.take(header).read_to_end(&mut text)?;
    let Listed(mut entries) = serde_json::from_slice(&text)?;
    entries.sort_by_key(|e| (e.offset, e.length));
    let mut end = 0;
    for entry in &mut entries {
        check(entry, end, data)?;
        end = entry.offset + entry.length;
        entry.offset += 8 + header;
    }
    match data - end {
        0 => Ok(entries),
        trailing => Err(HeaderError::Trailing(trailing)),
    }
}

/// Holds one tensor, placed from the end of the header on, against the one before it and the bytes that there are.
fn check(entry: &Entry, before: u64, data: u64) -> Result<(), HeaderError> {
    let name = entry.name.clone();
    let end = entry.offset.saturating_add(entry.length);
    if end > data {
        let beyond = end - data;
        return Err(HeaderError::Beyond { name, beyond });
    }
    let mut numbers = entry.shape.iter().copied();
    let count = numbers.try_fold(1_u64, u64::checked_mul);
    let bytes = entry.element.bytes();
    let full = bytes.is_none_or(|b| count.and_then(|n| n.checked_mul(b)) == Some(entry.length));
    if !full {
        return Err(HeaderError::Size {
            name,
            element: entry.element.clone(),
            shape: entry.shape.clone(),
            length: entry.length,
        });
    }
    if entry.offset == before {
        Ok(())
    } else {
        Err(HeaderError::Misplaced(name))
    }
}

/// The header's object as a list, so that a name that stands twice is seen.
struct Listed(Vec<Entry>);

#[derive(Deserialize)]
struct Described {
    dtype: Element,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed, A::Error> {
                let (mut entries, mut seen) = (Vec::new(), std::collections::HashSet::new());
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        let shown = visible_line(&name);
                        return Err(A::Error::custom(format!("'{shown}' appears in it twice")));
                    }
                    if name == "__metadata__" {
                        map.next_value::<serde::de::IgnoredAny>()?;
                        continue;
                    }
                    let Described {
                        dtype,
                        shape,
                        data_offsets: (begin, end),
                    } = map.next_value()?;
                    let length = end.checked_sub(begin).ok_or_else(|| {
                        let shown = visible_line(&name);
                        A::Error::custom(format!("'{shown}' ends before it begins"))
                    })?;
                    entries.push(Entry {
                        name,
                        element: dtype,
                        shape,
                        offset: begin,
                        length,
                    });
                }
                Ok(Listed(entries))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn read_bytes(bytes: &[u8]) -> Result<Vec<Entry>, HeaderError> {
        read(bytes, bytes.len() as u64)
    }

    fn why(header: &str, data: usize) -> String {
        read_bytes(&file(header, data)).unwrap_err().to_string()
    }

    #[test]
    fn tensors_are_found_where_the_header_puts_them() {
        let header = r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#;
        let entries = read_bytes(&file(header, 16)).unwrap();
        let start = 8 + header.len() as u64;
        let found: Vec<_> = entries
            .iter()
            .map(|e| (e.name.as_str(), e.offset - start, e.length, e.shape.clone()))
            .collect();
        assert_eq!(found, [("a", 0, 4, vec![]), ("b", 4, 12, vec![2, 3])]);
    }

    #[test]
    fn a_header_that_lies_is_not_believed() {
        let one = |offsets: &str, shape: &str| {
            format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
        };
        assert!(why(&one("[0,16]", "[4]"), 12).contains("'w' ends 4 bytes beyond the file"));
        assert!(why(&one("[0,18446744073709551615]", "[4]"), 16).contains("beyond the file"));
        assert!(why(&one("[0,16]", "[5]"), 16).contains("shape [5] does not fill the 16 bytes"));
        let huge = "[4294967296,4294967296,4294967296]";
        assert!(why(&one("[0,16]", huge), 16).contains("does not fill"));
        assert!(why(&one("[16,0]", "[4]"), 16).contains("ends before it begins"));
        assert!(why(&one("[4,20]", "[4]"), 20).contains("leaves a gap"));
        assert!(why(&one("[0,16]", "[4]"), 20).contains("4 bytes after the last tensor"));
        assert!(why(&one("[0,-1]", "[4]"), 20).contains("not valid"));
        let twice = one("[0,16]", "[4]").replace('}', "");
        let twice = format!("{twice}}},{}", &one("[0,16]", "[4]")[1..]);
        assert!(why(&twice, 16).contains("'w' appears in it twice"));
        let overlap = r#"{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}}"#;
        assert!(why(overlap, 12).contains("'b' overlaps"));
    }

    #[test]
    fn a_file_cut_anywhere_is_told() {
        let whole = file(
            r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#,
            16,
        );
        assert!(read_bytes(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(read_bytes(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_header_of_an_absurd_length_is_not_read() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        bytes.extend(b"{}");
        assert!(matches!(
            read_bytes(&bytes),
            Err(HeaderError::Short { file: 10, .. })
        ));
        let claimed = 1_u64 << 40;
        assert!(matches!(
            read(&claimed.to_le_bytes()[..], claimed + 100),
            Err(HeaderError::TooLong(_))
        ));
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_reader(header in "\\PC{0,120}", data in 0_usize..40) {
            let _ = read_bytes(&file(&header, data));
        }

        #[test]
        fn what_is_found_in_a_damaged_file_lies_in_it(
            changes in proptest::collection::vec((0_usize..200, any::<u8>()), 1..4),
        ) {
            let header = r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[2,2],"data_offsets":[16,24]}}"#;
            let mut bytes = file(header, 24);
            for (at, byte) in changes {
                let length = bytes.len();
                bytes[at % length] = byte;
            }
            for entry in read_bytes(&bytes).into_iter().flatten() {
                prop_assert!(entry.offset + entry.length <= bytes.len() as u64);
            }
        }
    }
}
