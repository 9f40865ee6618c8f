//! Workers on the same machine that have ended: a look at `/proc` shows it at once, their leases only after many seconds.
//!
//! # How to get this wrong
//! - Comparing process ids of different namespaces: every container has a process 1, and nobody is dead.
//! - Taking a hidden process for one that has ended: `hidepid` hides those of other users, so the user is a part of the place.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Names the machine's boot, the namespace of processes and the user: within one place a process id means one process.
/// `None` where that cannot be found out; nobody is then looked for.
pub(crate) fn place() -> Option<String> {
    // In a foreign `/proc` this process has another number.
    let this = fs::read_link("/proc/self").ok()?;
    if this != Path::new(&std::process::id().to_string()) {
        return None;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = fs::read_link("/proc/self/ns/pid").ok()?;
    let user = fs::metadata("/proc/self").ok()?.uid();
    Some(format!("{} {} {user}", boot.trim(), processes.display()))
}

/// Whether this process of our own place is gone for certain. A number that another process has got counts as alive.
pub(crate) fn has_ended(pid: i32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // The state follows the name, which may itself hold brackets; Z and X: dead, and its parent has not looked yet.
        Ok(stat) => stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X'])),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests;
