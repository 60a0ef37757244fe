//! From the tables of one or more runs to answers: summaries, comparisons, gaps.
//!
//! Tables are read a part at a time; what is held in memory is one small row per question, not the texts of answers.

mod answers;
mod asked;
mod attribution;
mod bias;
mod calibration;
mod canned;
mod comparison;
mod contrasts;
mod dataset;
mod detectors;
mod draw;
mod error;
mod estimand;
mod facts;
mod failed;
mod gap;
mod grouping;
mod groups;
mod labels;
mod mean_score;
mod measure;
mod paired;
mod passes;
mod question;
mod ranking;
mod routes;
mod sides;
mod strata;
mod summary;
mod unable;

pub use answers::Answer;
pub use attribution::{Attribution, WithheldBy, attributions, attributions_of};
pub use bias::{BiasContext, BiasCounts, BiasScore, bias_scores};
pub use calibration::{
    Admission, CalibratedRate, Calibration, Coefficient, GroupAgreement, OutsideLabels, Recalls,
    calibrate,
};
pub use canned::{CannedAnswer, canned_answers};
pub(crate) use comparison::Pairs;
pub use comparison::{Comparison, compare};
pub use contrasts::{ContrastFigure, ContrastOf, contrasts};
pub use dataset::{Dataset, named_model};
pub use detectors::{Count, Detected, Empties, LANGUAGES_READ, detect};
pub use draw::DrawnAnswer;
pub use error::AnalysisError;
pub use estimand::Estimand;
pub use facts::{FactRow, Readings, facts, readings_by_model};
pub use failed::{FailedTrials, failed_trials};
pub(crate) use gap::units::{GapCell, GapUnit, Sides, VALUE_SEPARATOR, gap_cells, gap_difference};
pub use gap::{GapContrast, GapFigure, GapKind, GapTable, gap, gap_table};
pub use groups::{GroupValue, group_values};
pub use labels::Labelled;
pub use mean_score::MeanScore;
pub use measure::Measure;
pub use paired::{PairedTest, PairedUnit};
pub use passes::passes;
pub use question::{Asked, Failures, MetricName, Name, Question, TrialFigure};
pub use ranking::{Ranked, Ranking, rank};
pub use routes::{RouteArm, routes};
pub use sides::{
    Controversy, SideMeasure, SidesContrast, SidesFigure, SidesTable, is_a_side, sides_table,
};
pub use strata::{StratumRate, stratum_rates};
pub use summary::{Cell, MetricValue, ModelTotals, metric_values, summarise, totals};
pub use unable::{Inability, Unable, unable};

/// Two-sided confidence level of every interval shown.
pub const LEVEL: f64 = 0.95;
