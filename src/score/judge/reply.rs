//! JSON objects in what a judge replies: alone, fenced, or among prose.

use serde_json::{Map, Value};

/// Opening braces of one reply at which an object is looked for.
const MAX_OPENINGS: usize = 64;

/// The objects of a reply: the whole reply where it is one, else those that are in it, outermost and in order.
///
/// # Errors
/// Where there is none: why the whole reply is no JSON.
pub(super) fn objects(reply: &str) -> Result<Vec<Map<String, Value>>, String> {
    let whole = match object(reply.trim()) {
        Ok(whole) => return Ok(vec![whole]),
        Err(error) => error,
    };
    let mut found = Vec::new();
    let mut at = 0;
    for _ in 0..MAX_OPENINGS {
        let Some(start) = reply[at..].find('{').map(|offset| at + offset) else {
            break;
        };
        // Braces that hold no object may hold one further in, or be prose.
        at = start + 1;
        let end = closing(&reply[start..]).map(|length| start + length);
        if let Some((end, object)) =
            end.and_then(|end| Some((end, object(&reply[start..end]).ok()?)))
        {
            found.push(object);
            at = end;
        }
    }
    if found.is_empty() {
        return Err(format!("it is not the JSON object asked for: {whole}"));
    }
    Ok(found)
}

/// An object, and with it what judges write beside the grammar: line feeds within strings, and a comma after the last field.
fn object(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let strict = serde_json::from_str(text);
    match strict {
        Err(_) if text.starts_with('{') => serde_json::from_str(&mended(text)).or(strict),
        _ => strict,
    }
}

/// The length up to the brace that closes the first.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '\n' if quoted => {
                out.push_str("\\n");
                continue;
            }
            '\t' if quoted => {
                out.push_str("\\t");
                continue;
            }
            '}' | ']' if !quoted => {
                let kept = out.trim_end().strip_suffix(',').map(str::len);
                out.truncate(kept.unwrap_or(out.len()));
            }
            _ => {}
        }
        out.push(c);
    }
    out
}
