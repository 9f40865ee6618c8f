use std::path::{Path, PathBuf};

use anyhow::Context;

/// A clock that a test sets, for the processes that it starts: libfaketime shows them the machine's
/// time plus an offset that it reads from a file. The speed of time, and the durations that
/// processes measure, are left alone.
#[derive(Debug)]
pub struct TestClock {
    library: PathBuf,
    dir: PathBuf,
}

impl TestClock {
    /// Makes a clock that is right at first.
    pub fn new() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("tradeyard-clock-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&dir)?;
        let clock = Self { library: library()?, dir };
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets the clock to this many seconds after the right time, or before it if negative; running
    /// processes see it as well.
    pub fn set(&self, seconds: i64) -> anyhow::Result<()> {
        // Moved into place, so that nobody reads half a file.
        let new = self.dir.join("new");
        std::fs::write(&new, format!("{seconds:+}\n"))?;
        std::fs::rename(new, self.file())?;
        Ok(())
    }

    /// The environment of a process that uses this clock.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 6] {
        let on = || "1".to_owned();
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().display().to_string()),
            // The file is read whenever a process looks at the clock.
            ("FAKETIME_NO_CACHE", on()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", on()),
            ("DONT_FAKE_MONOTONIC", on()),
            ("NO_FAKE_STAT", on()),
        ]
    }

    fn file(&self) -> PathBuf {
        self.dir.join("clock")
    }
}

impl Drop for TestClock {
    fn drop(&mut self) {
        // Nothing else is in it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Debian's library, for programs with many threads.
fn library() -> anyhow::Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib")?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found =
        folders.map(|folder| folder.join(Path::new("faketime/libfaketimeMT.so.1"))).filter(|path| path.exists());
    found.next().context("libfaketime is not installed")
}
