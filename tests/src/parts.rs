//! Parts of a stack as processes of their own.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::stack::TestStack;

/// How long a process may take to end: far longer than it should, so that only a hang fails a test.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running `stack-part`; killed when dropped.
#[derive(Debug)]
pub struct Part(Child);

#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test without its stack ends here")]
impl Part {
    /// Starts `program`, which a test knows as `env!("CARGO_BIN_EXE_stack-part")`, with these arguments.
    #[must_use]
    pub fn start(program: &str, stack: &TestStack, args: &[&str]) -> Self {
        Self::start_with(program, stack, args, &[])
    }

    /// [`Part::start`] with more settings, such as a [`TestClock`](crate::servers::TestClock)'s.
    #[must_use]
    pub fn start_with(program: &str, stack: &TestStack, args: &[&str], settings: &[(&str, String)]) -> Self {
        Self::start_on(program, &stack.env, args, settings)
    }

    /// [`Part::start_with`] on what these settings lead to.
    #[must_use]
    pub fn start_on(program: &str, env: &BTreeMap<String, String>, args: &[&str], settings: &[(&str, String)]) -> Self {
        let child = Command::new(program)
            .args(args)
            .envs(env)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            // No program gets the owner's address.
            .env_remove("MIGRATE_DATABASE_URL")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the part starts");
        Self(child)
    }

    /// The memory that it holds at present, in MB, or `None` if it has ended.
    #[must_use]
    pub fn resident_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.0.id().expect("the part runs").to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name} {pid}");
    }

    /// [`Part::signal`], unless it has ended.
    pub fn signal_if_running(&mut self, name: &str) {
        if !self.has_ended() {
            self.signal(name);
        }
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.0.kill().await.expect("the part is killed");
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.0.wait()).await.expect("the part ends in time");
        ended.expect("the part was started here")
    }

    /// Whether it has ended by now.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}
