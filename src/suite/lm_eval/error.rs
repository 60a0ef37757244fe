//! Why a task cannot be used.

use crate::text::SourceError;

/// A task file that cannot be read, or asks for what candor does not have.
#[derive(Debug, Clone, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum TaskError {
    /// A place in a file is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] Box<SourceError>),
    /// A setting is a Python function.
    #[error("{file}: `{key}` is the Python function {function}, and candor runs no Python")]
    Function {
        /// The file that says so.
        file: String,
        /// The setting.
        key: String,
        /// The function.
        function: String,
    },
    /// A setting is understood, and not supported.
    #[error("{file}: `{key}`: {reason}")]
    Unsupported {
        /// The file that says so.
        file: String,
        /// The setting.
        key: String,
        /// What of it, and why.
        reason: String,
    },
    /// A setting is wrong.
    #[error("{file}: `{key}`: {reason}")]
    Wrong {
        /// The file that says so.
        file: String,
        /// The setting.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read.
    #[error("cannot read {file}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// What names tasks is written wrong.
    #[error("'{spec}': {reason}")]
    Spec {
        /// As written.
        spec: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such task, group or tag.
    #[error("{folder} has no task, group or tag '{name}'")]
    #[diagnostic(help(
        "`candor lm-eval check {folder}` lists its tasks; a name can be a pattern, as in '{folder}#mmlu_*'"
    ))]
    Unknown {
        /// Where it was looked for.
        folder: String,
        /// What was looked for.
        name: String,
    },
}

impl TaskError {
    /// Whether the file is well-formed, and asks for what candor does not have.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Function { .. } | Self::Unsupported { .. })
    }
}
