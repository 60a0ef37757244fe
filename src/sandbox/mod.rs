//! Programs that models wrote run here, in a sandbox of the Linux kernel's own means: namespaces, a root made of the system's folders alone,
//! limits, and a filter of system calls.
//!
//! `candor` starts itself anew for it, since only a process with one thread may enter a user namespace. The first such process enters new
//! namespaces and starts the second, which is then number one of its own processes (`linux::outside`). The second builds the root, gives up
//! what it may do, and becomes Python (`linux::inside`). When Python ends, or is killed, the kernel ends all that it had started.

mod job;
#[cfg(target_os = "linux")]
mod linux;
mod policy;
mod watch;

pub use job::{Ended, Job};
#[cfg(target_os = "linux")]
pub(crate) use linux::{NAME, main};
pub use policy::{CodePolicy, Isolation, NoSandbox};

/// There is none elsewhere.
#[cfg(not(target_os = "linux"))]
mod linux {
    pub(super) fn run(
        _: &std::path::Path,
        _: &super::job::Python,
        _: &super::Job,
    ) -> Result<super::Ended, String> {
        Err("it needs Linux".into())
    }
}
