//! Task files of EleutherAI's lm-evaluation-harness, run as they are.
//!
//! A folder of task files is a [`Registry`]; a task of it becomes a suite whose prompts are those of lm-evaluation-harness to the byte
//! and whose scorer computes its metrics. `docs/lm-eval.md` says what is supported.

mod check;
mod config;
mod conversation;
mod error;
mod examples;
mod field;
mod filter;
mod grading;
mod group;
mod metric;
mod output;
mod registry;
mod request;
mod spec;
mod synthetic;
mod task;
mod template;
mod yaml;

pub use check::{Checked, Usable, check};
pub use conversation::Chat;
pub use error::TaskError;
pub(super) use examples::Examples;
pub(super) use field::resolve;
pub(crate) use filter::FilterError;
pub use filter::Pipeline;
pub(super) use grading::scoring;
pub use grading::{Grading, SCORER};
pub use group::{GroupMetric, TaskGroup};
pub(crate) use metric::MatchOptions;
pub use metric::MetricSpec;
pub use output::OutputType;
pub(super) use registry::{Found, Named};
pub use registry::{Registries, Registry};
pub(super) use request::{Asking, Shape};
pub use request::{Requested, Setting};
pub(crate) use request::{index, place};
pub(super) use spec::{Spec, is_spec};
pub(super) use task::{Dataset, Task};
