//! `traffic.jsonl`: retries, empty replies and changes of the limit of requests in flight, each with its time. Nothing depends on it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::model::Traffic;

pub(super) const TRAFFIC: &str = "traffic.jsonl";

/// The log. Its file is made with its first line; what cannot be written is left out.
#[derive(Debug)]
pub struct TrafficLog {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    #[serde(flatten)]
    traffic: &'a Traffic,
}

impl TrafficLog {
    pub(super) fn new(run: &Path) -> Self {
        Self {
            path: run.join(TRAFFIC),
            file: Mutex::default(),
        }
    }

    /// Writes a line.
    pub fn write(&self, traffic: &Traffic) {
        let time = Timestamp::now();
        let Ok(mut line) = serde_json::to_vec(&Line { time, traffic }) else {
            return;
        };
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = open(&self.path);
        }
        if let Some(file) = file.as_mut() {
            let _ = file.write_all(&line);
        }
    }
}

/// Opens the file at its end, unless it is a link.
fn open(path: &Path) -> Option<File> {
    if path.symlink_metadata().is_ok_and(|m| !m.is_file()) {
        return None;
    }
    OpenOptions::new().create(true).append(true).open(path).ok()
}
