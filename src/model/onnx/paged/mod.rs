//! Continuous batching over keys and values in pages: texts join and leave at token steps, and share the pages of what they begin with.
//!
//! - `pages`: the store of keys and values, a page per few tokens, with a ceiling;
//! - `prefix`: which pages hold which beginnings of texts, the longest unused dropped first;
//! - `attention`: a step's arithmetic over pages, the same for a text whatever else is in the step;
//! - `operator`: that arithmetic as an operator of ONNX Runtime;
//! - `step`: a graph, and one step through it;
//! - `sequence`: a text on its way through the graph;
//! - `batch`: what runs, what waits, and who goes first.

mod attention;
mod batch;
mod operator;
mod pages;
mod prefix;
mod sequence;
mod step;

pub(super) use batch::{Batch, Keeping};
pub(super) use step::PagedGraph;
