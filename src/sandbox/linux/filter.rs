//! The system calls that a program has no use for, and that have let programs out of sandboxes.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// Calls that fail.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// Namespaces that `clone` could enter.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Kinds of sockets that are not bound to the namespace of the network, or reach into the kernel.
const SOCKETS: [libc::c_int; 4] = [
    libc::AF_ALG,
    libc::AF_NETLINK,
    libc::AF_PACKET,
    libc::AF_VSOCK,
];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Installs the filter in this process and all that comes of it.
///
/// # Errors
/// Why it cannot be installed.
pub(super) fn apply() -> Result<(), String> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_clone, any(0, &NAMESPACES, true)?);
    rules.insert(libc::SYS_socket, any(0, &SOCKETS, false)?);
    install(rules, libc::EPERM)?;
    // What cannot be looked into is taken for missing, and the C library takes the older call.
    install(Rules::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)
}

/// Rules for a call whose argument is one of the values, or has one of the flags.
fn any(argument: u8, values: &[libc::c_int], flags: bool) -> Result<Vec<SeccompRule>, String> {
    let rule = |value: &libc::c_int| {
        let value = u64::from(value.unsigned_abs());
        let is = if flags {
            SeccompCmpOp::MaskedEq(value)
        } else {
            SeccompCmpOp::Eq
        };
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value)
            .and_then(|condition| SeccompRule::new(vec![condition]))
            .map_err(|e| e.to_string())
    };
    values.iter().map(rule).collect()
}

fn install(rules: Rules, error: libc::c_int) -> Result<(), String> {
    let refused = SeccompAction::Errno(error.unsigned_abs());
    let machine = std::env::consts::ARCH.try_into();
    let machine = machine.map_err(|e| format!("a filter of system calls: {e}"))?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, machine);
    let program: BpfProgram = filter
        .and_then(TryInto::try_into)
        .map_err(|e| format!("a filter of system calls: {e}"))?;
    seccompiler::apply_filter(&program).map_err(|e| format!("the filter of system calls: {e}"))
}
