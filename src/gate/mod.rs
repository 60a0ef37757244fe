//! May this version ship? Rules over a candidate and a pinned baseline, judged by bounds, never by points.
//!
//! A rule (`file`) becomes one check per value of its stratum (`check`); each check is an inference compared with a limit; all checks
//! together pass by intersection–union and fail by Holm (`outcome`). What cannot be determined says how much more would tell (`needed`).

mod adaptive;
mod amount;
mod bets;
mod build;
mod check;
mod drift;
mod error;
mod file;
mod gap_checks;
mod live;
mod measure;
mod needed;
mod outcome;
mod plan;
mod readings;
mod self_check;
mod side;
mod trial_scores;

pub use adaptive::{AdaptiveGate, AskedGate};
pub use amount::{Amount, Unit};
pub use bets::Scheduled;
pub use check::{Bound, Check, Figure};
pub use drift::Drift;
pub use error::GateError;
pub use file::{Condition, GateFile, Rule};
pub use live::{INTERIM_ALPHA_SHARE, LiveGate};
pub use measure::{Measure, TrialMeasure};
pub use needed::Needed;
pub use outcome::{CheckOutcome, GateOutcome, Overall, Reason, RuleOutcome, judge};
pub use plan::{Basis, PlanOptions, RulePlan, plan};
pub use self_check::{SelfCheck, self_check};
pub use side::Side;
pub use trial_scores::TrialScores;
