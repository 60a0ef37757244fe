//! Fractions and roots in LaTeX.

/// Longest argument of a LaTeX command that is read as a number.
const ARGUMENT: usize = 64;

/// A fraction or a root in LaTeX that begins at `at`: where it ends, and its value. None if it is another command. `number` reads an
/// argument that is one number and nothing else.
pub(super) fn command(
    text: &str,
    at: usize,
    number: impl Fn(&str) -> Option<f64>,
) -> Option<(usize, Option<f64>)> {
    const FRACTIONS: [&str; 6] = [
        "\\frac",
        "\\dfrac",
        "\\tfrac",
        "\\cfrac",
        "\\nicefrac",
        "\\sfrac",
    ];
    let rest = &text[at..];
    if let Some(after) = rest.strip_prefix("\\sqrt") {
        return Some((text.len() - after.len() + root_length(after), None));
    }
    let after = FRACTIONS.iter().find_map(|f| rest.strip_prefix(f))?;
    let (top, after) = argument(after)?;
    let (bottom, after) = argument(after)?;
    let value = number(top).zip(number(bottom)).filter(|(_, b)| *b != 0.0);
    let mut end = text.len() - after.len();
    let mut value = value.map(|(t, b)| t / b);
    if irrational(after.trim_start()) {
        value = None;
    }
    if after.starts_with("\\%") {
        end += 2;
    }
    Some((end, value))
}

/// The length of what a root is taken of.
pub(super) fn root_length(after: &str) -> usize {
    let index = after
        .strip_prefix('[')
        .and_then(|r| r.bytes().take(ARGUMENT).position(|b| b == b']'));
    let skip = index.map_or(0, |e| e + 2);
    argument(&after[skip..]).map_or(skip, |(_, rest)| after.len() - rest.len())
}

/// A LaTeX command's argument, a group in braces or one character, and what follows it.
fn argument(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ');
    let Some(inner) = text.strip_prefix('{') else {
        let first = text.chars().next().filter(|c| c.is_alphanumeric())?;
        return Some(text.split_at(first.len_utf8()));
    };
    let mut depth = 1;
    for (i, b) in inner.bytes().enumerate().take(ARGUMENT) {
        match b {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inner[..i], &inner[i + 1..]));
        }
    }
    None
}

/// Whether a text begins with a root or π, which makes a number before it a coefficient.
pub(super) fn irrational(text: &str) -> bool {
    let text = text.strip_prefix("\\cdot").map_or(text, str::trim_start);
    ["\\sqrt", "√", "\\pi", "π"]
        .iter()
        .any(|m| text.starts_with(m))
}
