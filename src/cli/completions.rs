//! `candor completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::exit::Exit;

#[derive(Args)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    clap_complete::generate(
        arguments.shell,
        &mut super::Cli::command(),
        "candor",
        &mut std::io::stdout(),
    );
    Exit::Done
}
