//! What a server says, as far as it is shown.

/// Most characters of what a server says that are kept in a failure.
const EXCERPT: usize = 2_000;

/// The beginning of what a server says, on one line, and nothing in it that a terminal obeys.
pub(super) fn excerpt(text: &str) -> String {
    let line = crate::text::excerpt(text, EXCERPT);
    match crate::text::visible_line(&line) {
        line if line.is_empty() => "(empty)".to_owned(),
        line => line.into_owned(),
    }
}
