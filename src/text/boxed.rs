//! `\boxed{…}`, the frame in which solutions set their answer.

use std::ops::Range;

const COMMANDS: [&str; 3] = ["\\boxed", "\\fbox", "\\framebox"];

/// What is in each box, in the order in which the boxes begin. One that is never closed reaches to the end of its line.
pub(crate) fn boxed(text: &str) -> Vec<Range<usize>> {
    let mut boxes: Vec<Range<usize>> = Vec::new();
    // Open braces: the box that each belongs to, if any.
    let mut open: Vec<Option<usize>> = Vec::new();
    // Where a command that opens a box has ended.
    let mut command: Option<usize> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let literal = std::mem::take(&mut escaped);
        match c {
            '\\' if !literal => {
                escaped = true;
                let known = COMMANDS.iter().find(|c| text[at..].starts_with(**c));
                command = known.map(|c| at + c.len());
            }
            '{' if !literal => {
                let opens = command
                    .take()
                    .is_some_and(|end| text[end..at].trim().is_empty());
                open.push(opens.then_some(boxes.len()));
                if opens {
                    boxes.push(at + 1..at + 1);
                }
            }
            '}' if !literal => {
                if let Some(Some(own)) = open.pop() {
                    boxes[own].end = at;
                }
            }
            _ => {}
        }
    }
    let mut line_end = text.len();
    let mut reach = text.len();
    for own in open.into_iter().flatten().rev() {
        let start = boxes[own].start;
        line_end = text[start..reach]
            .find('\n')
            .map_or(line_end, |end| start + end);
        reach = start;
        boxes[own].end = line_end;
    }
    boxes
}

#[cfg(test)]
mod tests {
    use super::boxed;

    #[test]
    fn boxes_end_at_their_own_brace() {
        let inner = |text: &'static str| -> Vec<&str> {
            boxed(text).into_iter().map(|b| &text[b]).collect()
        };
        assert_eq!(inner(r"so \boxed{\frac{3}{4}} of it"), [r"\frac{3}{4}"]);
        assert_eq!(inner(r"\boxed {A}, \fbox{B}"), ["A", "B"]);
        assert_eq!(inner(r"\boxed{x \in \{1, 2\}}"), [r"x \in \{1, 2\}"]);
        assert_eq!(inner("\\boxed{18\nmore"), ["18"]);
        assert_eq!(inner(r"\boxed{\boxed{5}}"), [r"\boxed{5}", "5"]);
        assert!(inner("{a} boxed 5").is_empty());
    }
}
