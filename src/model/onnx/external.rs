//! The files that an ONNX graph keeps its weights in: every location that it names, wherever in the graph.
//!
//! Only the structure is walked (`onnx.proto3`, field numbers below); tensors are skipped, not read.

use std::collections::BTreeSet;
use std::io::{BufReader, Error, ErrorKind, Read, Result, Seek};

/// Messages of `onnx.proto3` on the way to a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Function,
    Node,
    Attribute,
    SparseTensor,
    Tensor,
    /// A key and a value of a tensor's `external_data`.
    Entry,
}

impl Message {
    /// The message that a field holds, where it leads to a tensor.
    fn of_field(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::SparseTensor,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::SparseTensor, 1 | 2) => {
                Self::Tensor
            }
            (Self::Tensor, 13) => Self::Entry,
            _ => return None,
        })
    }
}

/// Deepest nesting of graphs in attributes of nodes that is followed.
const MAX_DEPTH: usize = 100;
/// Longest key or location.
const MAX_TEXT: u64 = 4096;

/// The locations that a graph names, as written.
///
/// # Errors
/// [`ErrorKind::InvalidData`] if it is not a whole protobuf message.
pub(super) fn locations(graph: impl Read + Seek) -> Result<BTreeSet<String>> {
    let mut graph = BufReader::new(graph);
    let end = graph.seek(std::io::SeekFrom::End(0))?;
    graph.rewind()?;
    let mut walker = Walker {
        graph,
        at: 0,
        found: BTreeSet::new(),
    };
    walker.message(Message::Model, end, 0)?;
    Ok(walker.found)
}

struct Walker<R> {
    graph: BufReader<R>,
    at: u64,
    found: BTreeSet<String>,
}

fn broken() -> Error {
    Error::new(ErrorKind::InvalidData, "it is not a complete ONNX graph")
}

impl<R: Read + Seek> Walker<R> {
    fn message(&mut self, message: Message, end: u64, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(broken());
        }
        let (mut key, mut value) = (String::new(), String::new());
        while self.at < end {
            let tag = self.varint()?;
            let (number, wire) = (tag >> 3, tag & 7);
            let length = match wire {
                0 => {
                    self.varint()?;
                    continue;
                }
                1 => 8,
                2 => self.varint()?,
                5 => 4,
                _ => return Err(broken()),
            };
            let field_end = self.at.checked_add(length).filter(|e| *e <= end);
            let field_end = field_end.ok_or_else(broken)?;
            match (message.of_field(number), message, number) {
                (Some(inner), ..) if wire == 2 => self.message(inner, field_end, depth + 1)?,
                (None, Message::Entry, 1) if wire == 2 => key = self.text(length)?,
                (None, Message::Entry, 2) if wire == 2 => value = self.text(length)?,
                _ => self.skip(length)?,
            }
        }
        if message == Message::Entry && key == "location" {
            self.found.insert(value);
        }
        if self.at == end {
            Ok(())
        } else {
            Err(broken())
        }
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.graph.read_exact(&mut byte).map_err(|_| broken())?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(broken())
    }

    fn text(&mut self, length: u64) -> Result<String> {
        let mut bytes = vec![0; usize::try_from(length.min(MAX_TEXT)).unwrap_or(0)];
        if length > MAX_TEXT {
            return Err(broken());
        }
        self.graph.read_exact(&mut bytes).map_err(|_| broken())?;
        self.at += length;
        String::from_utf8(bytes).map_err(|_| broken())
    }

    fn skip(&mut self, length: u64) -> Result<()> {
        let by = i64::try_from(length).map_err(|_| broken())?;
        self.graph.seek_relative(by)?;
        self.at += length;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// A field of bytes: its number, its length, its content.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![(number & 0x1f) << 3 | 2];
        if number > 15 {
            bytes = vec![(number << 3 | 2) | 0x80, number >> 4];
        }
        let length = u8::try_from(content.len()).unwrap();
        if length < 0x80 {
            bytes.push(length);
        } else {
            bytes.extend([length | 0x80, 1]);
        }
        bytes.extend(content);
        bytes
    }

    fn tensor(location: &str) -> Vec<u8> {
        let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
        let other = [field(1, b"offset"), field(2, b"4096")].concat();
        [field(8, b"name"), field(13, &entry), field(13, &other)].concat()
    }

    #[test]
    fn locations_are_found_wherever_a_tensor_may_stand() {
        let in_attribute = field(1, &field(5, &field(5, &tensor("constant.bin"))));
        let nested = field(1, &field(5, &field(6, &field(5, &tensor("branch.bin")))));
        let sparse = field(15, &field(1, &tensor("sparse.bin")));
        let graph = [
            field(5, &tensor("weights.bin")),
            in_attribute,
            nested,
            sparse,
        ]
        .concat();
        let function = field(7, &field(5, &field(10, &tensor("function.bin"))));
        let model = [vec![8, 9], field(7, &graph), field(25, &function)].concat();
        let found: Vec<_> = locations(Cursor::new(model)).unwrap().into_iter().collect();
        assert_eq!(
            found,
            [
                "branch.bin",
                "constant.bin",
                "function.bin",
                "sparse.bin",
                "weights.bin"
            ]
        );
    }

    #[test]
    fn a_graph_that_was_cut_is_told() {
        let model = field(7, &field(5, &tensor("weights.bin")));
        for length in 1..model.len() {
            assert!(
                locations(Cursor::new(&model[..length])).is_err(),
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_walk(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = locations(Cursor::new(bytes));
        }
    }
}
