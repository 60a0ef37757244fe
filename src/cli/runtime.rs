//! `candor runtime`.

use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{Format, print_as, print_json};
use super::terminal::say;
use crate::model::onnx::runtime::{self, CPU_VERSION, GPU_VERSION};
use crate::report::Grid;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Download the pinned ONNX Runtime with pip, check its hash, and unpack it into candor's data directory.
    Install {
        /// Install the GPU build, with CUDA and cuDNN.
        #[arg(long)]
        gpu: bool,
    },
    /// List the ONNX Runtimes found, and which one is used.
    Status {
        /// List only those with a CUDA provider.
        #[arg(long)]
        gpu: bool,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// The former name of `--format json`.
        #[arg(long, hide = true, conflicts_with = "format")]
        json: bool,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Install { gpu } => {
            let found = runtime::install(gpu, &mut |line| say(line))?;
            outln!("{}", found.path.display());
            Ok(Exit::Done)
        }
        Command::Status { gpu, format, json } => {
            status(gpu, if json { Format::Json } else { format })
        }
    }
}

fn status(gpu: bool, format: Format) -> Result<Exit, Failure> {
    let found = runtime::discover(gpu);
    if format == Format::Json {
        let pinned = serde_json::json!({ "cpu": CPU_VERSION, "gpu": GPU_VERSION });
        print_json(&serde_json::json!({ "pinned": pinned, "found": found }))?;
        return Ok(if found.is_empty() {
            Exit::CouldNotRun
        } else {
            Exit::Done
        });
    }
    if found.is_empty() {
        outln!(
            "No ONNX Runtime was found. `candor runtime install{}` gets version {}.",
            if gpu { " --gpu" } else { "" },
            if gpu { GPU_VERSION } else { CPU_VERSION }
        );
        return Ok(Exit::CouldNotRun);
    }
    let used = found.iter().position(runtime::Found::is_new_enough);
    let mut grid = Grid::new(&["", "version", "CUDA", "from", "library"], &[]);
    for (i, one) in found.iter().enumerate() {
        let mark = if used == Some(i) {
            "used"
        } else if one.is_new_enough() {
            ""
        } else {
            "too old"
        };
        grid.rows.push(vec![
            mark.to_owned(),
            one.version.clone().unwrap_or_else(|| "unknown".into()),
            if one.gpu { "yes" } else { "no" }.to_owned(),
            one.source.to_string(),
            one.path.display().to_string(),
        ]);
    }
    print_as(&grid, format);
    Ok(Exit::Done)
}
