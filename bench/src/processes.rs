//! The processes of a measurement, started from this same program and stopped with it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};

/// A running part; killed when dropped.
#[derive(Debug)]
pub(crate) struct Part {
    child: Child,
}

impl Part {
    /// Starts this program again as `part`.
    pub(crate) fn start(part: &str, args: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let child = Command::new(program)
            .arg(part)
            .args(args)
            .env("LOG", "error")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start the {part}"))?;
        Ok(Self { child })
    }

    /// The memory that it holds now, in MB.
    pub(crate) fn resident_mb(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes / 1024.0)
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn stop(mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.start_kill();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
    }
}
