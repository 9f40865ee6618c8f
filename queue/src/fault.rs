//! Places where a test breaks a process: exactly between two steps, which no kill from outside can hit.
//!
//! Only builds with debug assertions have them; a release build compiles them away, and nothing but a test arms one.

use std::io;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};

/// Between which steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Point {
    /// A transaction that enqueued is committed; its messages are not yet published.
    BeforePublish = 1,
    /// The claim is written; the worker has not seen its answer.
    Claimed,
    /// Effect and finish are written; their transaction is not yet committed.
    BeforeCommit,
    /// Effect and finish are committed; the handler does not know.
    Committed,
    /// The handler has answered; the finish is not yet written.
    BeforeFinish,
    /// The finish is written; the worker has not seen its answer.
    Finished,
}

impl Point {
    pub const ALL: [Self; 6] =
        [Self::BeforePublish, Self::Claimed, Self::BeforeCommit, Self::Committed, Self::BeforeFinish, Self::Finished];
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// The step fails, as when the connection breaks.
    Error,
    /// The process ends at once, as by `kill -9`.
    Abort,
}

/// The name is none of a point or a fault.
#[derive(Debug, thiserror::Error)]
#[error("there is no fault or point {0:?}")]
pub struct Unknown(String);

impl FromStr for Point {
    type Err = Unknown;
    fn from_str(name: &str) -> Result<Self, Unknown> {
        let named = Self::ALL.into_iter().find(|point| format!("{point:?}") == name);
        named.ok_or_else(|| Unknown(name.to_owned()))
    }
}

impl FromStr for Fault {
    type Err = Unknown;
    fn from_str(name: &str) -> Result<Self, Unknown> {
        let named = [Self::Error, Self::Abort].into_iter().find(|fault| format!("{fault:?}") == name);
        named.ok_or_else(|| Unknown(name.to_owned()))
    }
}

/// Zero: nothing is armed. One byte holds both, so that passing an unarmed point costs one relaxed load.
static ARMED: AtomicU8 = AtomicU8::new(0);

const fn code(point: Point, fault: Fault) -> u8 {
    (point as u8) << 1 | fault as u8
}

/// Lets this process break once, when it next comes to `point`.
pub fn arm(point: Point, fault: Fault) {
    ARMED.store(code(point, fault), Ordering::Relaxed);
}

/// Goes past a point.
pub(crate) fn pass(point: Point) -> io::Result<()> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    let armed = ARMED.load(Ordering::Relaxed);
    let hit = [Fault::Error, Fault::Abort].into_iter().find(|&fault| code(point, fault) == armed);
    match hit {
        Some(fault) if ARMED.compare_exchange(armed, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok() => match fault {
            Fault::Abort => std::process::abort(),
            Fault::Error => Err(io::Error::other(format!("broken by a test at {point:?}"))),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
