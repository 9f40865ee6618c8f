//! `stack-part worker|scheduler`: a part of the stack as a process of its own, so that a test can kill it.

use std::process::ExitCode;

use shared::program;
use tests::roles;

fn main() -> ExitCode {
    let part = std::env::args().nth(1).unwrap_or_default();
    program::main(&part.clone(), &[], async move |config, signals| match part.as_str() {
        "worker" => roles::worker(&config, 8, signals.stop, signals.kill).await,
        "scheduler" => roles::scheduler(&config, signals.stop).await,
        other => anyhow::bail!("unknown part {other:?}: worker or scheduler"),
    })
}
