//! Code in Markdown: what stands in it is shown, not meant.

use std::ops::Range;

/// Spans of fenced blocks and of code within a line, in order. A fence or backtick that nothing closes opens no code.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut fence: Option<usize> = None;
    // Code within lines since the fence was opened, should it never be closed.
    let mut inside = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        if line.trim_start().starts_with("```") {
            match fence.take() {
                Some(open) => {
                    inside.clear();
                    spans.push(open..end);
                }
                None => fence = Some(start),
            }
            continue;
        }
        let to = if fence.is_some() {
            &mut inside
        } else {
            &mut spans
        };
        within_line(line, start, to);
    }
    spans.append(&mut inside);
    spans
}

/// Runs of as many backticks, pair by pair.
fn within_line(line: &str, start: usize, spans: &mut Vec<Range<usize>>) {
    let mut open: Option<(usize, usize)> = None;
    let bytes = line.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] != b'`' {
            i += 1;
            continue;
        }
        let run = bytes[i..].iter().take_while(|b| **b == b'`').count();
        match open {
            Some((from, ticks)) if ticks == run => {
                spans.push(start + from..start + i + run);
                open = None;
            }
            Some(_) => {}
            None => open = Some((i, run)),
        }
        i += run;
    }
}
