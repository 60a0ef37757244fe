//! The columns of a run's tables that transcripts are made of.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::store::{Floats, StoreError, Table, Texts, Wholes, column};
use crate::text::visible;

/// What is read of the table of trials, besides the strata.
pub(in crate::report) const TRIAL_COLUMNS: [&str; 21] = [
    column::SUITE,
    column::SAMPLE,
    column::MODEL,
    column::EPOCH,
    column::TRIAL_KEY,
    column::STATUS,
    column::FINISH,
    column::PROMPT,
    column::TARGET,
    column::PAIR,
    column::ROLE,
    column::ANSWER,
    column::REASONING,
    column::SIGNALS,
    column::ERROR,
    column::PROMPT_TOKENS,
    column::COMPLETION_TOKENS,
    column::SECONDS,
    column::COST_USD,
    column::ORIGIN,
    column::ERROR_CLASS,
];

/// What is read of the table of scores.
pub(in crate::report) const SCORE_COLUMNS: [&str; 8] = [
    column::TRIAL_KEY,
    column::SCORER,
    column::METRIC,
    column::LABEL,
    column::EXPLANATION,
    column::LABELLED_BY,
    column::VALUE,
    column::CONFIDENCE,
];

/// The columns of a table, each looked up once.
pub(in crate::report) struct Row<'a> {
    texts: HashMap<&'a str, Texts<'a>>,
    wholes: HashMap<&'a str, Wholes<'a>>,
    floats: HashMap<&'a str, Floats<'a>>,
}

impl<'a> Row<'a> {
    pub(in crate::report) fn of(table: &'a Table, columns: &[&'a str]) -> Result<Self, StoreError> {
        let mut row = Self {
            texts: HashMap::new(),
            wholes: HashMap::new(),
            floats: HashMap::new(),
        };
        for name in columns.iter().copied() {
            match name {
                column::EPOCH | column::PROMPT_TOKENS | column::COMPLETION_TOKENS => {
                    row.wholes.insert(name, table.wholes(name)?);
                }
                column::SECONDS | column::COST_USD | column::VALUE | column::CONFIDENCE => {
                    row.floats.insert(name, table.floats(name)?);
                }
                _ => {
                    row.texts.insert(name, table.texts(name)?);
                }
            }
        }
        Ok(row)
    }

    pub(in crate::report) fn text(&self, column: &str, at: usize) -> Option<&'a str> {
        self.texts.get(column)?.get(at)
    }

    pub(in crate::report) fn visible_text(&self, column: &str, at: usize) -> Option<Cow<'a, str>> {
        self.text(column, at).map(visible)
    }

    pub(in crate::report) fn integer(&self, column: &str, at: usize) -> Option<i64> {
        self.wholes.get(column)?.get(at)
    }

    pub(in crate::report) fn float(&self, column: &str, at: usize) -> Option<f64> {
        self.floats.get(column)?.get(at)
    }
}
