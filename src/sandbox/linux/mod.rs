//! The sandbox on Linux.

mod filter;
mod inside;
mod order;
mod outside;
mod root;

pub(super) use outside::run;
pub(crate) use outside::{NAME, main};
