//! What to ask: suites of samples, their prompts, and where their data comes from.
//!
//! A suite is a folder with `suite.yaml` and usually `items.jsonl`. It is data: templates can neither run code nor read files.

mod choices;
mod data;
mod error;
mod fact;
mod hub;
mod lint;
mod load;
mod prompt;
mod sample;
mod schema;
mod shipped;
mod target;
mod template;
mod yaml;

pub use data::DataOptions;
pub use error::SuiteError;
pub use fact::Fact;
pub use lint::{Lint, lint};
pub use load::{Suite, SuiteParts, load, scorers_hash};
pub use sample::{Pairing, Sample};
pub use schema::{Ask, Kind, PairRole, ScorerSpec, SuiteFile, json_schema};
pub use shipped::{ShippedSuite, shipped};
pub(crate) use template::bound;
