//! The root that a program sees: the system's folders and Python's, read only, and a `/tmp` of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{chdir, pivot_root};

use super::order::Order;

/// Programs and libraries.
const SYSTEM: [&str; 8] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/alternatives",
];

/// Devices that hold nothing.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

const NOTHING: Option<&str> = None;

/// Builds the root over the order's folder and enters it. Nothing else of the machine can be reached any more.
///
/// # Errors
/// What cannot be mounted, and why.
pub(super) fn build(order: &Order) -> Result<(), String> {
    let root = order.folder.as_path();
    let no_privileges = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    // What is mounted here is nobody else's to see.
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(NOTHING, "/", NOTHING, private, NOTHING).map_err(|e| format!("/: {e}"))?;
    tmpfs(root, no_privileges, "size=1m,mode=755")?;
    for path in SYSTEM {
        let path = Path::new(path);
        match fs::read_link(path) {
            Ok(target) => {
                let link = below(root, path);
                symlink(target, &link).map_err(|e| format!("{}: {e}", link.display()))?;
            }
            Err(_) if path.exists() => shown(root, path)?,
            Err(_) => {}
        }
    }
    let home = order.python.home.as_path();
    if !SYSTEM.iter().any(|path| home.starts_with(path)) {
        shown(root, home)?;
    }
    for device in DEVICES.map(Path::new) {
        if device.exists() {
            bind(root, device)?;
        }
    }
    let own = below(root, Path::new("/tmp"));
    fs::create_dir(&own).map_err(|e| format!("/tmp: {e}"))?;
    let size = format!("size={}m,mode=1777", order.job.files_mib);
    tmpfs(&own, no_privileges, &size)?;
    let processes = below(root, Path::new("/proc"));
    fs::create_dir(&processes).map_err(|e| format!("/proc: {e}"))?;
    // Python runs without it, and some systems do not let it be mounted.
    let flags = no_privileges | MsFlags::MS_NOEXEC;
    let _ = mount(Some("proc"), &processes, Some("proc"), flags, NOTHING);
    enter(root)?;
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | no_privileges;
    mount(NOTHING, "/", NOTHING, read_only, NOTHING).map_err(|e| format!("read-only root: {e}"))
}

fn tmpfs(at: &Path, flags: MsFlags, options: &str) -> Result<(), String> {
    mount(Some("tmpfs"), at, Some("tmpfs"), flags, Some(options))
        .map_err(|e| format!("a file system in memory: {e}"))
}

/// Leaves the old root for the new one.
fn enter(root: &Path) -> Result<(), String> {
    let entered = chdir(root)
        .and_then(|()| pivot_root(".", "."))
        .and_then(|()| umount2(".", MntFlags::MNT_DETACH))
        .and_then(|()| chdir("/"));
    entered.map_err(|e| format!("the new root: {e}"))
}

/// A file or folder of the machine, to be read only.
fn shown(root: &Path, path: &Path) -> Result<(), String> {
    let place = bind(root, path)?;
    let failed = |e| format!("{}, read only: {e}", path.display());
    // A user's namespace may not drop what a mount forbids already.
    let mut flags =
        MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
    let forbidden = statvfs(&place).map_err(failed)?.flags();
    for (is, flag) in [
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        if forbidden.contains(is) {
            flags |= flag;
        }
    }
    mount(NOTHING, &place, NOTHING, flags, NOTHING).map_err(failed)
}

/// A file or folder of the machine at its own path in the new root.
fn bind(root: &Path, path: &Path) -> Result<std::path::PathBuf, String> {
    let place = below(root, path);
    let made = if path.is_dir() {
        fs::create_dir_all(&place)
    } else {
        let parent = place.parent().map_or(Ok(()), fs::create_dir_all);
        parent.and_then(|()| fs::write(&place, ""))
    };
    made.map_err(|e| format!("{}: {e}", path.display()))?;
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(path), &place, NOTHING, flags, NOTHING)
        .map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(place)
}

fn below(root: &Path, path: &Path) -> std::path::PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}
