//! The Hugging Face hub: where it is, what a repository of it holds, and the cache that its own tools keep, so that what either has
//! downloaded the other need not.

mod cache;
mod kind;
mod listing;
mod pin;
mod place;
mod repository;

pub use cache::Cache;
pub use kind::Kind;
pub use listing::{Listed, Listing};
pub use pin::HubPin;
pub use place::{cache, endpoint, token};
pub use repository::{Repository, hint};
