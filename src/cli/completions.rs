//! `candor completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::exit::Exit;

#[derive(Args)]
pub(super) struct Arguments {
    /// Shell to print completions for.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    // Into memory first: clap_complete panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut super::Cli::command(),
        "candor",
        &mut script,
    );
    out!("{}", String::from_utf8_lossy(&script));
    Exit::Done
}
