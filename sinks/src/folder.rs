//! A folder that only one server at a time may use.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

#[derive(Debug)]
pub(crate) enum Refused {
    InUse,
    Io(io::Error),
}

/// Creates the folder if it is missing and takes its lock, which lasts until the file is dropped or
/// the process dies.
pub(crate) fn claim(dir: &Path) -> Result<File, Refused> {
    std::fs::create_dir_all(dir).map_err(Refused::Io)?;
    let lock = File::create(dir.join(".lock")).map_err(Refused::Io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Refused::InUse),
        Err(TryLockError::Error(error)) => Err(Refused::Io(error)),
    }
}
