//! What one process of a sandbox tells the next.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sandbox::job::{Job, Python};

/// What a sandbox is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub job: Job,
    pub python: Python,
    /// An empty folder, over which the root is laid.
    pub folder: PathBuf,
    /// The user that the program becomes, where root asks.
    pub user: Option<u32>,
}

impl Order {
    /// As the process that gets it reads it.
    pub(super) fn as_stdin(&self) -> Result<File, String> {
        let text = serde_json::to_vec(self).map_err(|e| e.to_string())?;
        let mut file = tempfile::tempfile().map_err(|e| e.to_string())?;
        let written = file.write_all(&text).and_then(|()| file.rewind());
        written.map(|()| file).map_err(|e| e.to_string())
    }

    pub(super) fn from_stdin() -> Result<Self, String> {
        let mut text = Vec::new();
        let read = std::io::stdin().read_to_end(&mut text);
        read.map_err(|e| e.to_string())?;
        serde_json::from_slice(&text).map_err(|e| e.to_string())
    }
}
