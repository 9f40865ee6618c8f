//! Files that a thread of their own writes, which ends soon when nobody waits for them any more.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use tokio_util::sync::CancellationToken;

/// A file that takes nothing more once nobody waits for it: a thread that packs it ends there.
pub(crate) struct WantedFile {
    file: File,
    unwanted: CancellationToken,
    refused: bool,
}

impl WantedFile {
    pub(crate) fn new(file: File, unwanted: &CancellationToken) -> Self {
        Self { file, unwanted: unwanted.clone(), refused: false }
    }
}

impl Write for WantedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.refused {
            // An archive that is given up still tries to end itself, and would complain on the terminal.
            return Ok(bytes.len());
        }
        if self.unwanted.is_cancelled() {
            self.refused = true;
            return Err(io::Error::other("nobody waits for the file any more"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for WantedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
