//! The processes around a sandbox: the one that asks for it, and the one that enters its namespaces.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, raise};
use nix::unistd::{Gid, Uid, getegid, geteuid};

use super::inside;
use super::order::Order;
use crate::sandbox::job::{Ended, Job, Python};
use crate::sandbox::watch::watch;

/// The argument by which candor becomes a sandbox.
pub(crate) const NAME: &str = "__sandbox";

/// The argument that the second process gets.
const INSIDE: &str = "inside";

/// The first user id of those that programs run as where root asks; one for every process that asks, so that none counts for another.
const FIRST_USER: u32 = 0x7000_0000;

/// How long a sandbox may take to be built, beside its program's time.
const START: Duration = Duration::from_secs(2);

/// Runs a program in a sandbox.
///
/// # Errors
/// Why there is none.
pub(in crate::sandbox) fn run(candor: &Path, python: &Python, job: &Job) -> Result<Ended, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let order = Order {
        job: job.clone(),
        python: python.clone(),
        folder: folder.path().to_path_buf(),
        user: None,
    };
    let mut command = Command::new(candor);
    command.arg(NAME).stdin(order.as_stdin()?);
    let watched = watch(command, job, START).map_err(|e| format!("it cannot be started: {e}"))?;
    // The program's own stdout leads nowhere: what is said here is said of the sandbox.
    if watched.said.is_empty() {
        Ok(watched.ended)
    } else {
        Err(watched.said)
    }
}

/// What `candor __sandbox` does, with one thread.
pub(crate) fn main() -> ExitCode {
    let inside = std::env::args_os().nth(2).is_some_and(|a| a == INSIDE);
    let why = match Order::from_stdin() {
        Ok(order) if inside => inside::become_program(&order),
        Ok(order) => match enter(order) {
            Ok(code) => return code,
            Err(why) => why,
        },
        Err(why) => why,
    };
    // The caller reads it; there is nobody else to tell.
    let _ = std::io::stdout().write_all(why.as_bytes());
    ExitCode::FAILURE
}

/// Enters new namespaces, starts the process that is the first in them, and ends as it ends.
fn enter(mut order: Order) -> Result<ExitCode, String> {
    // The caller may be killed; its program is not to outlive it.
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
        become_root(user, group)
            .map_err(|e| format!("the user namespace cannot be set up: {e}"))?;
    }
    let candor = std::env::current_exe().map_err(|e| e.to_string())?;
    let status = Command::new(candor)
        .args([NAME, INSIDE])
        .stdin(order.as_stdin()?)
        .env_clear()
        .status()
        .map_err(|e| e.to_string())?;
    if let Some(code) = status.code() {
        return Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)));
    }
    raise(Signal::SIGKILL).map_err(|e| e.to_string())?;
    Err("it was killed".into())
}

/// Makes the user root of the new namespace, and of nothing else, until the program begins.
fn become_root(user: Uid, group: Gid) -> std::io::Result<()> {
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}
