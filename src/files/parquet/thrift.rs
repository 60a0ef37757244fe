//! Whether a Thrift struct is whole, by the compact protocol: the decoder makes room for as many elements as a list says it has, before it
//! reads one.
//!
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

/// Deepest nesting of structs and lists; Parquet's own go to 7.
const MAX_DEPTH: usize = 32;

/// Whether a struct ends within the bytes, and no list, map or text in it says that it holds more than they could.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    skip(STRUCT, MAX_DEPTH, &mut rest).is_some()
}

const STRUCT: u8 = 12;

/// Steps over a value of the type whose code is `kind`; none if the bytes end first.
fn skip(kind: u8, depth: usize, rest: &mut &[u8]) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match kind {
        1..=3 => take(1, rest).map(drop),
        4..=6 => varint(rest).map(drop),
        7 => take(8, rest).map(drop),
        8 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            take(length, rest).map(drop)
        }
        9 | 10 => {
            let [head] = *take(1, rest)? else { return None };
            let count = match head >> 4 {
                15 => varint(rest)?,
                count => u64::from(count),
            };
            skip_all(count, &[head & 0x0f], depth, rest)
        }
        11 => match varint(rest)? {
            0 => Some(()),
            count => {
                let [kinds] = *take(1, rest)? else {
                    return None;
                };
                skip_all(count, &[kinds >> 4, kinds & 0x0f], depth, rest)
            }
        },
        STRUCT => loop {
            let [head] = *take(1, rest)? else { return None };
            let (delta, kind) = (head >> 4, head & 0x0f);
            if kind == 0 {
                return Some(());
            }
            if delta == 0 {
                varint(rest)?;
            }
            // A field that is a truth value has it in its type.
            if kind > 2 {
                skip(kind, depth, rest)?;
            }
        },
        _ => None,
    }
}

/// Steps over `count` elements, each of which takes a byte at the least.
fn skip_all(count: u64, kinds: &[u8], depth: usize, rest: &mut &[u8]) -> Option<()> {
    if count > rest.len() as u64 {
        return None;
    }
    for _ in 0..count {
        for kind in kinds {
            skip(*kind, depth, rest)?;
        }
    }
    Some(())
}

fn take<'a>(n: usize, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(n)?;
    *rest = behind;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = *take(1, rest)? else { return None };
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn structs_are_whole_or_not() {
        // Field 1: i32 of 1; field 2: list of two binaries "a" and "bc"; stop.
        let whole = [0x15, 0x02, 0x19, 0x28, 0x01, b'a', 0x02, b'b', b'c', 0x00];
        assert!(is_whole(&whole));
        for end in 0..whole.len() {
            assert!(!is_whole(&whole[..end]), "{end} bytes");
        }
        // The same list, which says that it has 2^28 elements.
        assert!(!is_whole(&[
            0x19, 0xf8, 0x80, 0x80, 0x80, 0x80, 0x01, 0x01, b'a', 0x00
        ]));
        // Lists in lists without an end.
        assert!(!is_whole(&vec![0x19; 200_000]));
    }
}
