//! Code in Markdown: what is in it is shown, not meant.

use std::ops::Range;

/// Spans of fenced blocks and of code within a line, in order. A fence or backtick that nothing closes opens no code.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut fence: Option<(usize, u8, usize)> = None;
    // Code within lines since the fence was opened, should it never be closed.
    let mut inside = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        if let Some((mark, length)) = fence_of(line) {
            match fence {
                Some((open, own, least)) if own == mark && length >= least => {
                    inside.clear();
                    spans.push(open..end);
                    fence = None;
                }
                Some(_) => {}
                None => fence = Some((start, mark, length)),
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

/// The mark of the fence that a line is, and how many of them.
fn fence_of(line: &str) -> Option<(u8, usize)> {
    let line = line.trim_start().as_bytes();
    let mark = *line.first().filter(|b| matches!(b, b'`' | b'~'))?;
    let length = line.iter().take_while(|b| **b == mark).count();
    (length >= 3).then_some((mark, length))
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
