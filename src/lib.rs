//! candor: evaluations and censorship/bias audits of language models.
//!
//! A suite put to a model, and the run on disk:
//!
//! ```no_run
//! use std::{path::Path, sync::Arc};
//! use candor::model::OpenOptions;
//! use candor::run::{Plan, PlanOptions, Session, SessionOptions};
//! use candor::suite::DataOptions;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = PlanOptions { limit: Some(20), ..PlanOptions::default() };
//! let (data, open) = (DataOptions::default(), OpenOptions::default());
//! let plan = Plan::new(&["facts".into()], &["demo:open".parse()?], options, &data, &open).await?;
//! let session = Session::start(Arc::new(plan), Path::new("runs/first"), SessionOptions::default())?;
//! let (_stop, stopped) = tokio::sync::watch::channel(false);
//! let (run, outcome) = session.run(|event| println!("{event:?}"), stopped).await?;
//! println!("{} answered, {} failed: {}", outcome.answered, outcome.failed, run.path.display());
//! # Ok(())
//! # }
//! ```
//!
//! Models and scorers of one's own join a plan by [`run::Plan::with_model`] and [`run::Plan::with_scorer`]; [`analysis::Dataset`] reads
//! runs, [`report::Report`] renders them, and [`stats`] is of use without any of it. This interface may change with any minor version
//! before 1.0. Options are written with `..Default::default()`, since they grow.
//!
//! The house, from the roof down. A module uses what is on a lower floor, never a higher one, and of a neighbour only
//! what its `mod.rs` re-exports (`tests/it/house.rs` holds this against the code):
//!
//! | floor | module | what it is |
//! |---|---|---|
//! | 7 | [`cli`] | one file a subcommand: arguments in, one library call, printing out |
//! | 6 | [`report`] | answers → HTML page, SVG charts, exports |
//! | 5 | [`gate`] | answers → may this version ship |
//! | 4 | [`analysis`] | tables → answers: summaries, comparisons, gaps |
//! | 3 | [`run`] | plan → trials → completions → scores, losing nothing |
//! | 2 | [`store`] | the run directory: manifest, journal, Parquet, cache |
//! | 2 | [`score`] | one file a scorer: answer → score |
//! | 2 | [`serve`] | a model behind OpenAI's API, for other programs |
//! | 1 | [`suite`] | what to ask: schema, data, templates |
//! | 1 | [`model`] | whom to ask: the `Model` trait; in process, over HTTP, from recordings |
//! | 0 | [`stats`] | pure functions over slices; the crate `candor-stats` |
//! | 0 | [`files`] | foreign files: plain paths, encodings, rows of every format |
//! | 0 | [`hub`] | the Hugging Face hub: its cache, its lists of files, downloads |
//! | 0 | [`net`] | the network: one HTTP client, one way to fetch a file |
//! | 0 | [`text`] | normal forms, tokens, numbers; errors in what a person wrote |
//!
//! The way of one sample: a [`suite::Sample`] is rendered to a [`model::Prompt`], put to a [`model::Model`] as a
//! [`model::Request`], answered by a [`model::Completion`], judged by a [`score::Scorer`] as [`score::Score`]s, and written
//! down as a [`store::TrialRecord`].

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod analysis;
pub mod cli;
pub mod files;
pub mod gate;
pub mod hub;
pub mod model;
pub mod net;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod score;
pub mod serve;
pub mod store;
pub mod suite;
pub mod text;

pub use async_trait::async_trait;
pub use candor_stats as stats;
