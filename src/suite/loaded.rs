//! What a specification of suites comes to.

use super::lm_eval::TaskGroup;
use super::ready::Suite;

/// What a specification names.
#[non_exhaustive]
pub struct Loaded {
    /// Suites, each with the specification of it alone.
    pub suites: Vec<(String, Suite)>,
    /// The groups of tasks that they came by.
    pub groups: Vec<TaskGroup>,
}
