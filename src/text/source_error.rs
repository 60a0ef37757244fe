//! An error in something a person wrote, shown with the file, the line and the place in it.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// What is wrong in a YAML, TOML or JSON text, where, and what to do.
#[derive(Debug, Clone)]
pub struct SourceError {
    message: String,
    help: Option<String>,
    name: String,
    source: NamedSource<String>,
    line: usize,
    column: usize,
    offset: usize,
    length: usize,
}

impl SourceError {
    /// An error at a line and column (both from 1) of a text.
    #[must_use]
    pub fn at(
        name: &str,
        text: &str,
        line: usize,
        column: usize,
        message: impl Into<String>,
    ) -> Self {
        let start: usize = text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let rest = &text[start.min(text.len())..];
        let within: usize = rest
            .chars()
            .take_while(|c| *c != '\n')
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum();
        Self::at_offset(name, text, start + within, message)
    }

    /// An error at a byte offset of a text.
    #[must_use]
    pub fn at_offset(name: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let word: usize = text[offset..]
            .chars()
            .take_while(|c| !c.is_whitespace() && !matches!(c, ':' | ',' | '=' | '}' | ']'))
            .map(char::len_utf8)
            .sum();
        Self {
            message: message.into(),
            help: None,
            name: name.to_owned(),
            source: NamedSource::new(name, text.to_owned()),
            line: before.matches('\n').count() + 1,
            column: text[line_start..offset].chars().count() + 1,
            offset,
            length: word.max(1).min(text.len().saturating_sub(offset)),
        }
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Moves the line number on, where the text shown is a part of a file (a line of a JSONL file).
    #[must_use]
    pub fn in_line(mut self, line: usize) -> Self {
        self.line = line;
        self.source =
            NamedSource::new(format!("{}:{line}", self.name), self.source.inner().clone());
        self
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.name, self.line, self.column, self.message
        )
    }
}

impl std::error::Error for SourceError {}

impl Diagnostic for SourceError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new(
            Some("here".into()),
            self.offset,
            self.length,
        ))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_and_start_at_one() {
        let error = SourceError::at("s.yaml", "a: ö\nbé: 2\n", 2, 3, "wrong");
        assert_eq!(error.to_string(), "s.yaml:2:3: wrong");
        assert_eq!(
            SourceError::at_offset("s", "x", 99, "end").to_string(),
            "s:1:2: end"
        );
        assert_eq!(
            SourceError::at("s", "", 7, 9, "empty").to_string(),
            "s:1:1: empty"
        );
    }
}
