//! Steps that draw: another order of a list, or some of the rows. They draw as Python's `random` does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field;
use crate::files::Row;
use crate::suite::place::PlacedRow;
use crate::suite::python_random::Random;

/// Which list is put into another order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shuffle {
    /// A list.
    pub field: String,
    /// What draws the orders: one after the other, in the order of the rows.
    #[serde(default)]
    pub seed: u64,
    /// A field that is an index into the list, from 0: it follows its entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
}

impl Shuffle {
    pub(super) fn of_row(&self, mut row: Row, random: &mut Random) -> Result<Row, String> {
        let Value::Array(items) = field(&row, &self.field)? else {
            return Err(format!(
                "its '{}' is not a list; a step `gather` makes one",
                self.field
            ));
        };
        let order = random.sample(items.len(), items.len())?;
        let shuffled = order.iter().map(|i| items[*i].clone()).collect();
        if let Some(name) = &self.index {
            let index = field(&row, name)?.as_u64();
            let place = order.iter().position(|i| Some(*i as u64) == index);
            let place = place
                .ok_or_else(|| format!("its '{name}' is not an index into '{}'", self.field))?;
            row.insert(name.clone(), place.into());
        }
        row.insert(self.field.clone(), Value::Array(shuffled));
        Ok(row)
    }
}

/// How many rows are kept, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleRows {
    /// The fields whose values make a stratum; all rows are one where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per: Vec<String>,
    /// Rows of each.
    pub count: usize,
    /// What draws them.
    #[serde(default)]
    pub seed: u64,
}

impl SampleRows {
    pub(super) fn of_table(&self, rows: Vec<PlacedRow>) -> Result<Vec<PlacedRow>, String> {
        let mut strata: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, placed) in rows.iter().enumerate() {
            strata
                .entry(key(&placed.row, &self.per)?)
                .or_default()
                .push(i);
        }
        let mut random = Random::new(self.seed);
        let mut kept = vec![false; rows.len()];
        for members in strata.values() {
            for i in random.sample(members.len(), self.count.min(members.len()))? {
                kept[members[i]] = true;
            }
        }
        let kept = rows.into_iter().zip(kept).filter(|(_, kept)| *kept);
        Ok(kept.map(|(row, _)| row).collect())
    }
}

/// What a row's fields hold, as one key.
pub(in crate::suite) fn key(row: &Row, fields: &[String]) -> Result<String, String> {
    let values = fields.iter().map(|name| field(row, name));
    let values: Vec<&Value> = values.collect::<Result<_, _>>()?;
    serde_json::to_string(&values).map_err(|e| e.to_string())
}
