//! The processes around a sandbox: the one that asks for it, and the one that enters its namespaces.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, getegid, geteuid};
use serde::{Deserialize, Serialize};

use super::inside;
use crate::sandbox::job::{Ended, Job, Python};
use crate::sandbox::watch::watch;

/// The argument by which candor becomes a sandbox.
pub(crate) const NAME: &str = "__sandbox";

/// The argument that the second process gets.
const INSIDE: &str = "inside";

/// The first user id of those that programs run as where root asks; one for every process that asks, so that none counts for another.
const FIRST_USER: u32 = 0x7000_0000;

/// How much longer than its program a sandbox may take.
const GRACE: Duration = Duration::from_secs(20);

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

/// Runs a program in a sandbox.
///
/// # Errors
/// Why there is none.
pub(in crate::sandbox) fn run(
    candor: &Path,
    python: &Python,
    job: &Job,
) -> Result<Ended, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let order = Order {
        job: job.clone(),
        python: python.clone(),
        folder: folder.path().to_path_buf(),
        user: None,
    };
    let order = serde_json::to_vec(&order).map_err(|e| e.to_string())?;
    let failed = |e: std::io::Error| format!("the sandbox cannot be started: {e}");
    let mut child = Command::new(candor)
        .arg(NAME)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // Where it has ended already its reply says why.
        let _ = stdin.write_all(&order);
    }
    let until = Instant::now() + job.time() + GRACE;
    while child.try_wait().map_err(failed)?.is_none() {
        if Instant::now() > until {
            let _ = child.kill();
            return Ok(Ended::OutOfTime);
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().map_err(failed)?;
    let reply: Option<Result<Ended, String>> = serde_json::from_slice(&output.stdout).ok();
    reply.unwrap_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("it did not report: {}", said.trim()))
    })
}

/// What `candor __sandbox` does. It has one thread.
pub(crate) fn main() -> ExitCode {
    let inside = std::env::args_os().nth(2).is_some_and(|a| a == INSIDE);
    let order = read_order();
    if inside {
        let why = order.map_or_else(|why| why, |order| inside::become_program(&order));
        // It is still here: it did not become the program. The process around it reads this.
        let mut stderr = std::io::stderr();
        let _ = stderr.write_all(format!("{NOT_BUILT}{why}").as_bytes());
        return ExitCode::FAILURE;
    }
    let reply = order.and_then(enter);
    let reply = serde_json::to_vec(&reply).unwrap_or_default();
    let written = std::io::stdout().write_all(&reply);
    if written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Before the reason for which the second process did not become the program.
const NOT_BUILT: &str = "candor's sandbox: ";

fn read_order() -> Result<Order, String> {
    let mut text = Vec::new();
    let read = std::io::stdin().read_to_end(&mut text);
    read.map_err(|e| e.to_string())?;
    serde_json::from_slice(&text).map_err(|e| e.to_string())
}

/// Enters new namespaces, and watches the process that is the first in them.
fn enter(mut order: Order) -> Result<Ended, String> {
    // Whoever asked may be killed; its program is not to outlive it.
    set_pdeathsig(Signal::SIGKILL).map_err(|e| e.to_string())?;
    let (user, group) = (geteuid(), getegid());
    let mut spaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    if user.is_root() {
        order.user = Some(FIRST_USER + std::process::id());
    } else {
        spaces |= CloneFlags::CLONE_NEWUSER;
    }
    unshare(spaces).map_err(|e| format!("this machine does not allow namespaces: {e}"))?;
    if !user.is_root() {
        stay(user, group).map_err(|e| format!("the user namespace cannot be set up: {e}"))?;
    }
    let text = serde_json::to_vec(&order).map_err(|e| e.to_string())?;
    let mut file = tempfile::tempfile().map_err(|e| e.to_string())?;
    file.write_all(&text).map_err(|e| e.to_string())?;
    std::io::Seek::rewind(&mut file).map_err(|e| e.to_string())?;
    let candor = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = Command::new(candor);
    command.args([NAME, INSIDE]).stdin(file).env_clear();
    match watch(command, &order.job).map_err(|e| e.to_string())? {
        Ended::Failed(said) if said.starts_with(NOT_BUILT) => {
            Err(said[NOT_BUILT.len()..].to_owned())
        }
        ended => Ok(ended),
    }
}

/// Keeps the user's own ids in the new namespace.
fn stay(user: Uid, group: Gid) -> std::io::Result<()> {
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}
