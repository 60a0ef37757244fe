//! The process that becomes the program.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::prctl::{set_no_new_privs, set_pdeathsig};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::thread::{CapabilitiesSecureBits, set_capabilities_secure_bits};

use super::order::Order;
use super::{filter, root};
use crate::sandbox::job::{DRIVER, Job};

/// Where the program's text is put, in the folder that it may write to.
const PROGRAM: &str = "/tmp/program.py";

/// Becomes the program, and so returns only where that fails.
pub(super) fn become_program(order: &Order) -> String {
    // Whoever watches may be killed, now or later.
    let bound = set_pdeathsig(Signal::SIGKILL).map_err(|e| e.to_string());
    let ready = bound
        .and_then(|()| root::build(order))
        .and_then(|()| write_program(order))
        .and_then(|()| give_up(order));
    if let Err(why) = ready {
        return why;
    }
    let failed = Command::new(&order.python.program)
        .args(["-I", "-c", DRIVER, PROGRAM, &order.job.token])
        .env_clear()
        .envs([
            ("PATH", "/usr/bin:/bin"),
            ("HOME", "/tmp"),
            ("LANG", "C.UTF-8"),
            ("OMP_NUM_THREADS", "1"),
            ("OPENBLAS_NUM_THREADS", "1"),
        ])
        .current_dir("/tmp")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .exec();
    format!("python cannot be started: {failed}")
}

fn write_program(order: &Order) -> Result<(), String> {
    std::fs::write(PROGRAM, &order.job.program).map_err(|e| format!("{PROGRAM}: {e}"))
}

/// Gives up what this process may do more than the program should.
fn give_up(order: &Order) -> Result<(), String> {
    let failed = |what: &str, e: nix::Error| format!("{what}: {e}");
    // When memory is short, this is what the system ends first. Some systems do not let it be said.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    limits(&order.job).map_err(|e| failed("limits", e))?;
    if let Some(user) = order.user {
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
        setgroups(&[]).map_err(|e| failed("groups", e))?;
        setresgid(group, group, group).map_err(|e| failed("group", e))?;
        setresuid(user, user, user).map_err(|e| failed("user", e))?;
    }
    // The program that comes is given nothing for being root's.
    let nothing = CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED;
    if order.user.is_none() {
        set_capabilities_secure_bits(nothing).map_err(|e| format!("capabilities: {e}"))?;
    }
    // A change of user forgets it.
    set_pdeathsig(Signal::SIGKILL).map_err(|e| failed("death signal", e))?;
    set_no_new_privs().map_err(|e| failed("no new privileges", e))?;
    filter::apply()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn limits(job: &Job) -> nix::Result<()> {
    const MIB: u64 = 1 << 20;
    let seconds = job.seconds.ceil() as u64 + 1;
    for (resource, most) in [
        (Resource::RLIMIT_AS, job.memory_mib * MIB),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, seconds),
        (Resource::RLIMIT_FSIZE, job.files_mib * MIB),
        (Resource::RLIMIT_NOFILE, 128),
        (Resource::RLIMIT_NPROC, job.processes),
    ] {
        setrlimit(resource, most, most)?;
    }
    Ok(())
}
