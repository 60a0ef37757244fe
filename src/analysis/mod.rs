//! From the tables of one or more runs to answers: summaries, comparisons, gaps.
//!
//! Every figure starts from lazy frames; what is held in memory is one small row a question, never an answer's text.

mod comparison;
mod dataset;
mod error;
mod gap;
mod paired;
mod question;
mod strata;
mod summary;

pub use comparison::{Comparison, compare, compare_pooled};
pub use dataset::Dataset;
pub use error::AnalysisError;
pub use gap::{Gap, gap, gaps};
pub use paired::{PairedTest, PairedUnit};
pub use question::Question;
pub use strata::{StratumRate, stratum_rates};
pub use summary::{Cell, MetricValue, ModelTotals, metric_values, summarise, totals};

/// Two-sided confidence level of every interval shown.
pub const LEVEL: f64 = 0.95;
