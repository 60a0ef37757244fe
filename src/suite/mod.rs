//! Suites of samples, their prompts, and the sources of their data.
//!
//! A suite is a folder with `suite.yaml` and usually `items.jsonl`. It is data: templates can neither run code nor read files.

mod artefacts;
mod choices;
mod content;
mod data;
mod error;
mod fact;
mod filter;
mod form;
mod group;
mod hub;
mod ids;
mod letter_form;
mod letters;
mod lint;
mod lm_eval;
mod load;
mod loaded;
mod make;
mod place;
mod prompt;
mod prompt_builder;
mod published;
mod python_random;
mod ready;
mod sample;
mod samples;
mod schema;
mod shipped;
mod shots;
mod steps;
mod subset;
mod target;
mod task_documents;
mod task_prompts;
mod task_suite;
mod template;
mod written;
mod yaml;

pub use artefacts::{Artefacts, artefacts};
pub use data::DataOptions;
pub use error::SuiteError;
pub use fact::Fact;
pub use filter::Filter;
pub use hub::Listings;
pub use letters::{LETTER_METRIC, LETTER_SCORER};
pub use lint::{Lint, differing_lists, lint};
pub use lm_eval::{
    Chat, Checked, Grading, GroupMetric, MetricSpec, OutputType, Pipeline, Registries, Registry,
    Requested, SCORER as TASK_SCORER, Setting, TaskError, TaskGroup, Usable, check as check_tasks,
};
pub(crate) use lm_eval::{FilterError, MatchOptions, index, place as place_of};
pub use load::{load, load_all};
pub use loaded::Loaded;
pub use prompt::TemplatePrompts;
pub use prompt_builder::{LetterPrompts, PromptBuilder};
pub use published::{PublishedAs, PublishedSetting};
pub use ready::{Suite, SuiteParts, scorers_hash};
pub use sample::{Pairing, SIDE, SIDES, Sample};
pub use samples::{Samples, SamplesReader};
pub use schema::{
    Ask, ChoiceAs, DataFile, DataSource, Draw, Example, HubSource, Kind, PairRole, PromptTemplates,
    SampleTemplates, ScorerSpec, Shots, SuiteFile, Values, json_schema,
};
pub use shipped::{ShippedSuite, shipped};
pub use steps::{Explode, Replace, SampleRows, Shuffle, Step};
pub use task_prompts::TaskPrompts;
pub(crate) use task_prompts::document;
pub(crate) use template::bound;
