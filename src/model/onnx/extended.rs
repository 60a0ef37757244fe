//! A graph that continues from another's tensors: outputs of its own in place of the other's.
//!
//! Both are messages of `onnx.proto3` (field numbers below); only the fields of the model and of its graph are distinguished.

/// `ModelProto.graph`.
const GRAPH: u64 = 7;
/// `GraphProto.output`.
const OUTPUT: u64 = 12;
/// The wire type of what has a length before it.
pub(super) const LENGTH: u64 = 2;

/// The model `base` (a `ModelProto`) with what `addition` (a `GraphProto`) adds: its nodes, weights and inputs, and its outputs in place of
/// those of `base`. What leads to none of them is not computed. None where `base` is not a whole model.
#[must_use]
pub fn extended(base: &[u8], addition: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(base.len() + addition.len());
    for field in Fields(base) {
        let field = field?;
        if field.number != GRAPH {
            out.extend_from_slice(field.whole);
            continue;
        }
        let mut graph = Vec::with_capacity(field.content.len() + addition.len());
        for inner in Fields(field.content) {
            let inner = inner?;
            if inner.number != OUTPUT {
                graph.extend_from_slice(inner.whole);
            }
        }
        graph.extend_from_slice(addition);
        put_varint(&mut out, (GRAPH << 3) | LENGTH);
        put_varint(&mut out, graph.len() as u64);
        out.append(&mut graph);
    }
    Some(out)
}

/// A field of a message.
pub(super) struct Field<'m> {
    pub number: u64,
    /// With its tag.
    pub whole: &'m [u8],
    /// Without tag and length; empty where it has none.
    pub content: &'m [u8],
}

/// The fields of a message, one after the other; ends with none where one is broken.
pub(super) struct Fields<'m>(pub &'m [u8]);

impl<'m> Iterator for Fields<'m> {
    type Item = Option<Field<'m>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_none() {
            self.0 = &[];
        }
        Some(read)
    }
}

impl<'m> Fields<'m> {
    fn read(&mut self) -> Option<Field<'m>> {
        let mut rest = self.0;
        let tag = varint(&mut rest)?;
        let length = match tag & 7 {
            0 => {
                varint(&mut rest)?;
                0
            }
            1 => 8,
            LENGTH => usize::try_from(varint(&mut rest)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let content = rest.get(..length)?;
        let size = self.0.len() - rest.len() + length;
        let (whole, after) = self.0.split_at(size);
        self.0 = after;
        Some(Field {
            number: tag >> 3,
            whole,
            content,
        })
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_additions_outputs_take_the_place_of_the_others() {
        // ir_version 9; a graph with a node, an output "a" and an input; an opset.
        let base = [
            &[8, 9, 7 << 3 | 2, 11][..],
            &[1 << 3 | 2, 1, 77],
            &[12 << 3 | 2, 3, 10, 1, b'a'],
            &[11 << 3 | 2, 1, 78],
            &[8 << 3 | 2, 2, 16, 20],
        ]
        .concat();
        let addition = [12 << 3 | 2, 3, 10, 1, b'b'];
        let want = [
            &[8, 9, 7 << 3 | 2, 11][..],
            &[1 << 3 | 2, 1, 77],
            &[11 << 3 | 2, 1, 78],
            &addition,
            &[8 << 3 | 2, 2, 16, 20],
        ]
        .concat();
        assert_eq!(extended(&base, &addition), Some(want));
        assert_eq!(extended(&base[..9], &addition), None);
    }
}
