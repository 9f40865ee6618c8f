//! The processes of a measurement, which are stopped with it, and what they and the servers use of
//! the machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};

/// Clock ticks in a second, as `/proc` counts them on Linux.
const TICKS: f64 = 100.0;

/// A running part; killed when dropped.
#[derive(Debug)]
pub(crate) struct Part {
    child: Child,
}

impl Part {
    /// Starts this program again as `part`.
    pub(crate) fn start(part: &str, args: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        Self::spawn(&program, |command| command.arg(part).args(args))
    }

    /// Starts one of Tradeyard's own programs, built beside this one.
    pub(crate) fn program(name: &str) -> anyhow::Result<Self> {
        Self::program_with(name, &[])
    }

    /// [`Part::program`] with more settings, by the names of the environment.
    pub(crate) fn program_with(name: &str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::command(&beside(name)?, &[], settings)
    }

    /// Starts a program of others.
    pub(crate) fn command(program: &Path, args: &[&OsStr], settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::spawn(program, |command| command.args(args).envs(settings.iter().copied()))
    }

    fn spawn(program: &Path, with: impl FnOnce(&mut Command) -> &mut Command) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        let child = with(&mut command)
            .env("LOG", "error")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        Ok(Self { child })
    }

    /// The memory that it holds at present, in MB.
    pub(crate) fn resident_mb(&self) -> anyhow::Result<f64> {
        let id = self.child.id().context("a process of the measurement has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: f64 = line.split_whitespace().next().context("no VmRSS")?.parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// The processor time that it has taken so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let id = self.child.id().context("a process of the measurement has ended")?;
        Ok(Stat::read(&id.to_string()).context("no /proc")?.seconds)
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn stop(mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.start_kill();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
    }
}

/// The program `name` in the folder of this one.
fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("find this program")?.with_file_name(name);
    anyhow::ensure!(program.exists(), "{} is not built; ./dev bench builds it", program.display());
    Ok(program)
}

/// Processor time of the servers on this machine so far, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Servers {
    pub(crate) postgres: f64,
    pub(crate) redis: f64,
    pub(crate) rabbitmq: f64,
}

impl Servers {
    /// Adds up all processes with these names; a measurement should be alone on its machine.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let mut servers = Self::default();
        for entry in std::fs::read_dir("/proc")? {
            // A process may end while it is looked at.
            let Some(stat) = entry?.file_name().to_str().and_then(Stat::read) else { continue };
            match stat.name.as_str() {
                "postgres" => servers.postgres += stat.seconds,
                "redis-server" => servers.redis += stat.seconds,
                "beam.smp" => servers.rabbitmq += stat.seconds,
                _ => {}
            }
        }
        Ok(servers)
    }
}

/// What `/proc/ID/stat` says.
struct Stat {
    name: String,
    /// User and system time, including that of children that have ended.
    seconds: f64,
}

impl Stat {
    fn read(id: &str) -> Option<Self> {
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (head, tail) = stat.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let ticks: f64 = tail.split_whitespace().skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        Some(Self { name, seconds: ticks / TICKS })
    }
}
