//! Whether programs may run, and how.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::job::{DRIVER, Ended, Job, Python};
use super::linux;
use super::watch::watch;

/// What a person allows of models' programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodePolicy {
    /// The `candor` program, which starts itself anew to become a sandbox; without it there is none.
    pub candor: Option<PathBuf>,
    /// Run programs without a sandbox, with all that the user may do.
    pub without_sandbox: bool,
}

/// No program runs: there is no sandbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a suite's answers are programs, and there is no sandbox to run them in: {0}; on a Linux that allows namespaces candor makes one \
     (docs/code.md); --unsafe-code runs models' programs without one, with all that you may do"
)]
pub struct NoSandbox(pub String);

/// How programs run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Isolation {
    python: Python,
    /// The program that becomes the sandbox; none where a person does without.
    sandbox: Option<PathBuf>,
}

impl CodePolicy {
    /// How programs run, found out by running one.
    ///
    /// # Errors
    /// [`NoSandbox`] where they would run without one and nobody has said that they may.
    pub fn isolation(&self) -> Result<Isolation, NoSandbox> {
        let python = python().map_err(NoSandbox)?;
        if self.without_sandbox {
            return Ok(Isolation {
                python,
                sandbox: None,
            });
        }
        let candor = self.candor.clone();
        let candor = candor.ok_or_else(|| NoSandbox("the candor program makes it".into()))?;
        let isolation = Isolation {
            python,
            sandbox: Some(candor),
        };
        match isolation.run(&Job::new("pass".into(), 30.0, 1024)) {
            Ok(Ended::Passed) => Ok(isolation),
            Ok(other) => Err(NoSandbox(format!(
                "a first program did not run in it: {} {}",
                other.name(),
                other.told()
            ))),
            Err(reason) => Err(NoSandbox(reason)),
        }
    }
}

impl Isolation {
    /// Runs a program.
    ///
    /// # Errors
    /// Why it cannot be run, which says nothing of the program.
    pub fn run(&self, job: &Job) -> Result<Ended, String> {
        match &self.sandbox {
            Some(candor) => linux::run(candor, &self.python, job),
            None => plain(&self.python.program, job).map_err(|e| format!("python3: {e}")),
        }
    }
}

/// Runs a program in a folder of its own, with no other isolation.
fn plain(python: &Path, job: &Job) -> std::io::Result<Ended> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("program.py");
    std::fs::write(&file, &job.program)?;
    let mut command = Command::new(python);
    command
        .args(["-I", "-c", DRIVER])
        .arg(&file)
        .arg(&job.token)
        .current_dir(folder.path())
        .stdin(Stdio::null());
    Ok(watch(command, job, Duration::ZERO)?.ended)
}

/// The Python of this machine, asked once where it is.
fn python() -> Result<Python, String> {
    static FOUND: OnceLock<Result<Python, String>> = OnceLock::new();
    FOUND.get_or_init(find_python).clone()
}

fn find_python() -> Result<Python, String> {
    const ASK: &str = "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))";
    let asked = Command::new("python3")
        .args(["-I", "-c", ASK])
        .stdin(Stdio::null())
        .output();
    let output = asked.map_err(|e| format!("python3 cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    match (lines.next(), lines.next()) {
        (Some(program), Some(home)) if output.status.success() => Ok(Python {
            program: program.into(),
            home: home.into(),
        }),
        _ => Err("python3 does not say where it is".into()),
    }
}
