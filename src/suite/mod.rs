//! Suites of samples, their prompts, and the sources of their data.
//!
//! A suite is a folder with `suite.yaml` and usually `items.jsonl`. It is data: templates can neither run code nor read files.

mod artefacts;
mod choices;
mod data;
mod error;
mod fact;
mod filter;
mod hub;
mod lint;
mod load;
mod place;
mod prompt;
mod published;
mod python_random;
mod ready;
mod sample;
mod schema;
mod shipped;
mod shots;
mod steps;
mod subset;
mod target;
mod template;
mod yaml;

pub use artefacts::{Artefacts, artefacts};
pub use data::DataOptions;
pub use error::SuiteError;
pub use fact::Fact;
pub use filter::Filter;
pub use lint::{Lint, differing_lists, lint};
pub use load::load;
pub use prompt::PromptBuilder;
pub use published::{PublishedAs, PublishedSetting};
pub use ready::{Suite, SuiteParts, scorers_hash};
pub use sample::{Pairing, SIDE, SIDES, Sample};
pub use schema::{
    Ask, ChoiceAs, DataFile, DataSource, Example, HubSource, Kind, PairRole, PromptTemplates,
    SampleTemplates, ScorerSpec, SuiteFile, Values, json_schema,
};
pub use shipped::{ShippedSuite, shipped};
pub use shots::{Draw, Shots};
pub use steps::{Explode, Replace, SampleRows, Shuffle, Step};
pub(crate) use template::bound;
