//! Conversations with servers that others have written.

mod litellm;
mod llama;
mod prism;
mod s3;

use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, candor, journal, ran};

/// Puts the sums of `home/sums` to models, and gives the lines of the journal.
fn asked(home: &Path, models: &[&str], key: &str, more: &[&str]) -> (Ran, Vec<Value>) {
    let _ = std::fs::remove_dir_all(home.join("run"));
    let mut command = candor(home);
    command.env("CANDOR_API_KEY", key);
    command.args(["run", "-o", "run", "--no-cache", "-s", "sums"]);
    for model in models {
        command.args(["-m", model]);
    }
    let ran = ran(command.args(more));
    let lines = journal(&home.join("run"));
    (ran, lines)
}
