//! A table as text: the same cells on a terminal and in Markdown.

use std::fmt::Write;

use crate::text::{visible, visible_line};

/// Heads, rows, and which columns hold numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grid {
    /// One per column.
    pub heads: Vec<String>,
    /// Cells of each row, as many as there are heads.
    pub rows: Vec<Vec<String>>,
    /// Columns that are aligned to the right.
    pub figures: Vec<usize>,
    /// Columns that a narrow terminal does without, the first to go first.
    pub spare: Vec<usize>,
}

impl Grid {
    /// An empty table.
    #[must_use]
    pub fn new(heads: &[&str], figures: &[usize]) -> Self {
        Self {
            heads: heads.iter().map(|h| (*h).to_owned()).collect(),
            rows: Vec::new(),
            figures: figures.to_vec(),
            spare: Vec::new(),
        }
    }

    /// The table with columns that a narrow terminal does without, by their heads, the first to go first. A head that it does not have is passed over.
    #[must_use]
    pub fn spare(mut self, heads: &[&str]) -> Self {
        let place = |head: &&str| self.heads.iter().position(|h| h == head);
        self.spare = heads.iter().filter_map(place).collect();
        self
    }

    /// The table without a column.
    #[must_use]
    pub fn without_column(mut self, column: usize) -> Self {
        for row in std::iter::once(&mut self.heads).chain(&mut self.rows) {
            row.remove(column);
        }
        for places in [&mut self.figures, &mut self.spare] {
            places.retain(|c| *c != column);
            places
                .iter_mut()
                .filter(|c| **c > column)
                .for_each(|c| *c -= 1);
        }
        self
    }

    /// The table without columns, other than the first, that say nothing in any row.
    pub(super) fn without_empty_columns(mut self) -> Self {
        let says = |cell: &String| !matches!(cell.as_str(), "" | "–");
        let kept: Vec<bool> = (0..self.heads.len())
            .map(|c| c == 0 || self.rows.iter().any(|row| says(&row[c])))
            .collect();
        for row in std::iter::once(&mut self.heads).chain(&mut self.rows) {
            let mut kept = kept.iter();
            row.retain(|_| kept.next() == Some(&true));
        }
        let place = |c: &usize| kept[*c].then(|| kept[..*c].iter().filter(|k| **k).count());
        self.figures = self.figures.iter().filter_map(place).collect();
        self
    }

    /// The table in Markdown; foreign text cannot break out of its cell.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|c| markdown(c)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        text.push_str(&line(&self.heads));
        let rules: Vec<&str> = (0..self.heads.len())
            .map(|c| {
                if self.figures.contains(&c) {
                    "---:"
                } else {
                    "---"
                }
            })
            .collect();
        let _ = writeln!(text, "|{}|", rules.join("|"));
        for row in &self.rows {
            text.push_str(&line(row));
        }
        text
    }
}

/// Text as code in Markdown, made visible; a backtick would end it.
#[must_use]
pub(super) fn markdown_code(text: &str) -> String {
    format!("`{}`", visible_line(text).replace('`', "'"))
}

/// Text that Markdown shows as it is, made visible, on one line.
#[must_use]
pub(super) fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '\n' | '\r' => shown.push(' '),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '@' | '~' | '$' => {
                shown.push('\\');
                shown.push(c);
            }
            _ => shown.push(c),
        }
    }
    shown
}
