//! From suites and models to a run on disk: plan → trials → completions → scores, losing nothing.
//!
//! A [`Session`] begins a run or continues one, and writes it down to its end. It knows nothing of terminals: it emits [`RunEvent`]s, and whoever wants to show or count something listens.

mod budget;
mod config;
mod convoy;
mod earlier;
mod engine;
mod error;
mod estimate;
mod event;
pub mod import;
mod logs;
mod meter;
mod own;
mod panel;
mod patience;
mod plan;
mod purse;
mod rescore;
mod resumed;
mod scoring;
mod session;
mod trial;

pub use config::{
    Configuration, ConfigurationError, ContrastKind, DataSettings, DeclaredContrast,
    NetworkSettings, RunSettings,
};
pub use earlier::Earlier;
pub use engine::{Limits, Outcome, StopReason, execute};
pub use error::{PlanError, SessionError};
pub use estimate::{ModelEstimate, SuiteEstimate, estimate};
pub use event::RunEvent;
pub use logs::Logs;
pub use panel::{LostJudge, Panel};
pub use plan::{Order, Plan, PlanOptions, PlannedModel, PlannedSuite, Trial};
pub use rescore::{RescoreError, RescoreOptions, Rescored, rescore};
pub use resumed::Resumed;
pub use scoring::Scorers;
pub use session::{Session, SessionOptions};
