//! `candor gate run`.

use clap::Args;

use super::exit::{Exit, Failure};

#[derive(Args)]
pub(super) struct Arguments {}

pub(super) async fn run(_: Arguments) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
