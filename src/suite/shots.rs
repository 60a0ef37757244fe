//! Worked examples that a suite takes from rows of its own: the training split, or the rows of the same subject that are kept for it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::place::PlacedRow;
use super::python_random::Random;
use super::schema::{Draw, Shots};
use super::steps::key;
use crate::files::Row;

/// The field that a row gets them in.
const FIELD: &str = "shots";

impl Shots {
    /// Gives every row its examples.
    ///
    /// # Errors
    /// The row's place among them, and what it lacks.
    pub(super) fn give(
        &self,
        rows: &mut [PlacedRow],
        examples: &[Row],
    ) -> Result<(), (usize, String)> {
        let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for example in examples {
            let key = key(example, &self.same).map_err(|why| (0, format!("an example: {why}")))?;
            groups.entry(key).or_default().push(example);
        }
        let mut random = Random::new(self.seed);
        for (i, placed) in rows.iter_mut().enumerate() {
            let key = key(&placed.row, &self.same).map_err(|why| (i, why))?;
            let group = groups.get(&key).map(Vec::as_slice).unwrap_or_default();
            if group.len() < self.count {
                let found = group.len();
                let wanted = self.count;
                return Err((
                    i,
                    format!(
                        "there are {found} worked examples for it (data.shots), and {wanted} are asked for"
                    ),
                ));
            }
            let chosen = match self.draw {
                Draw::First => (0..self.count).collect(),
                Draw::Random => random
                    .sample(group.len(), self.count)
                    .map_err(|why| (i, why))?,
            };
            let shots = chosen.into_iter().map(|i| Value::Object(group[i].clone()));
            placed
                .row
                .insert(FIELD.into(), Value::Array(shots.collect()));
        }
        Ok(())
    }
}
