//! The scheduler program.

use std::process::ExitCode;

use shared::program;

fn main() -> ExitCode {
    program::main("scheduler", &[], async |config, signals| {
        scheduler::Scheduler::connect(&config)?.run(signals.stop).await
    })
}
