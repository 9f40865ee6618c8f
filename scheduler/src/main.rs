//! The scheduler program.

use std::process::ExitCode;

use queue::scheduler::Scheduler;
use shared::program;

fn main() -> ExitCode {
    program::main("scheduler", &[], async |config, signals| {
        let scheduler = Scheduler { health: signals.health, ..scheduler::connect(&config)? };
        scheduler.run(signals.stop).await
    })
}
